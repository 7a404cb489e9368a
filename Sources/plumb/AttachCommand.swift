import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Store

struct AttachCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "Attaches a profile to a scope, with parameters and a schedule.",
    discussion: """
      What is attached is judged by every scan that is kept; a resource in several scopes is read
      once and each goal judged once. What was attached of the same profile to the same scope ends.
      Without --every the profile is validated when somebody scans.

      Examples:
        plumb attach best-practices all
        plumb attach cis-aws production --every 24h
        plumb attach cis-aws production --param aws.iam.password-length.minimum=16
        plumb attach house-rules.yaml payments --every '1d at 02:00 Europe/Zurich'
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var content: ContentOptions

  @OptionGroup var settings: SettingOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "How often it is validated: minutes, hours or days, and a time of day where wanted.",
      valueName: "N(m|h|d) [at HH:MM ZONE]"
    )
  )
  var every: String?

  @Argument(help: ArgumentHelp("A profile's id, or a file.", valueName: "profile"))
  var profile: String

  @Argument(help: ArgumentHelp("The scope's name; all or - for everything.", valueName: "scope"))
  var scope: String

  func run() async throws {
    try await reporting {
      let schedule = try Self.schedule(every)
      if try await change.answers(local: content.given, { try sketch(schedule) }) { return }
      let now = try change.at.instant()
      let library = try content.library()
      let profile = try GoalOptions.profile(named: self.profile, in: library)
      let (installed, scope) = (try library.rules(), scopeName(self.scope))
      let (number, former) = try await change.write(at: now) { transaction in
        let index = try RuleIndex(transaction.rules(beside: installed, at: now))
        let settings = try self.settings(for: profile, index)
        let former = try transaction.attachments(at: now).first {
          $0.profile == profile.id && $0.scope == scope
        }
        let number = try transaction.attach(
          profile,
          to: scope,
          parameters: settings,
          schedule: schedule
        )
        return (number, former?.id)
      }
      print(
        "attachment \(number): \(profile.id) \(profile.version) on \(scopeText(scope)), "
          + (schedule.isEmpty ? "on demand" : schedule)
      )
      if let former { print("attachment \(former) ends") }
    }
  }

  /// The same on a server, which has profiles and rules of its own.
  private func sketch(_ schedule: String) throws -> APISketch {
    let index = try RuleIndex(ContentLibrary.layered().rules())
    let settings = try settings.read(index)
    let values = settings.sorted { $0.key < $1.key }.map { rule, values in
      let sorted = values.sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) }
      return (key: rule, value: JSONValue.object(JSONObject(sorted)))
    }
    var body: JSONObject = [
      "profile": .string(profile), "scope": .string(scopeName(scope)),
      "schedule": .string(schedule),
    ]
    if !values.isEmpty { body["parameters"] = .object(JSONObject(values)) }
    return APISketch.change("POST", "attachments", body: .object(body)) { made in
      let (id, version) = (made["id"]?.cell ?? "", made["version"]?.cell ?? "")
      return [
        "attachment \(id): \(made["profile"]?.cell ?? "") \(version) on "
          + "\(scopeText(scopeName(scope))), \(schedule.isEmpty ? "on demand" : schedule)"
      ]
    }
  }

  /// The parameters that are set, checked against the rules of the profile's goals.
  private func settings(
    for profile: Profile,
    _ index: RuleIndex
  ) throws -> [String: [String: JSONValue]] {
    let settings = try settings.read(index)
    warnOfDeprecated(try AttachmentCheck.rules(of: profile, settings, index))
    return settings
  }

  /// The schedule that an option gives, in words; empty for on demand.
  static func schedule(_ every: String?) throws -> String {
    guard let every else { return "" }
    do {
      return try Schedule(every).text
    } catch {
      throw ValidationError("--every: \(error)")
    }
  }
}

struct AttachmentsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attachments",
    abstract: "Lists, removes, runs and pauses attachments of profiles to scopes.",
    subcommands: [
      AttachmentsList.self, AttachmentsRemove.self, AttachmentsRun.self, AttachmentsRuns.self,
      AttachmentsSchedule.self, AttachmentsPause.self, AttachmentsResume.self,
    ]
  )
}

struct AttachmentsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists which profiles are attached to which scopes.",
    discussion: "Example: plumb attachments list --format json"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "attachment",
        columns: [
          "id", "profile", "version", "scope", "schedule", "paused", "next_due", "since",
          "parameters",
        ]
      )
      if try await records.answers(
        output.format,
        heedsInstant: true,
        { APISketch.list("attachments", show: list) }
      ) {
        return
      }
      let found = try await records.read { try ScheduledAttachment.all($0, at: $1) }
      output.list(found, "attachment", cells: \.cells, json: \.json)
    }
  }
}

struct AttachmentsRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Ends an attachment; its scores and results up to now stay.",
    discussion: "Example: plumb attachments remove 3"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch.change("DELETE", "attachments", "\(id)") { _ in
        ["attachment \(id) ends"]
      }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.detach(id) }
      print("attachment \(id) ends")
    }
  }
}

extension Attachment {
  /// The attachment as cells of a row, for people.
  var cells: [String] { cells(turn: schedule.isEmpty ? "on demand" : schedule) }

  /// The attachment as cells of a row, with words for its schedule.
  func cells(turn: String) -> [String] {
    [
      "\(id)", "\(profile) \(version)", "on \(scopeText(scope))", turn, "since \(begins)",
      settings.map { "\($0.key) = \($0.value.text)" }.joined(separator: ", "),
    ]
  }

  /// The parameters as `RULE.NAME` and value, sorted.
  private var settings: [(key: String, value: JSONValue)] {
    parameters.flatMap { rule, values in
      values.map { (key: "\(rule).\($0.key)", value: $0.value) }
    }.sorted { $0.key < $1.key }
  }
}
