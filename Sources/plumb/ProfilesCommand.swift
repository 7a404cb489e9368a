import ArgumentParser
import Content
import Foundation
import JSON
import Model
import Operations

struct ProfilesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profiles",
    abstract: "Lists, shows, compares, exports and imports profiles.",
    subcommands: [
      ProfilesList.self, ProfilesShow.self, ProfilesCoverage.self, ProfilesDiff.self,
      ProfilesExport.self, ProfilesImport.self, ProfilesRemove.self,
    ]
  )
}

struct ProfilesList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists profiles with their versions and coverage.",
    discussion: """
      The installed ones, and those that the store keeps: made in the dashboard, or attached some
      time.

      Examples:
        plumb profiles list --format json
        plumb profiles list --data /var/lib/plumb
      """
  )

  @OptionGroup var content: ContentOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(
        local: content.given + store.given,
        format: format.ofRows
      )
      let list = APISketch.List(noun: "profile")
      if try await server.answers(context, { APISketch.list("profiles", show: list) }) { return }
      let layered = try content.library().layeredProfiles()
      let kept = try await store.keptProfiles(beside: layered.map(\.document))
      let found =
        (layered.map { ($0.document, $0.origin.rawValue, $0.origin.mark) }
        + kept.map { ($0, "kept", "  (kept)") }).sorted { $0.0.id < $1.0.id }
      if format == .json {
        let entries = found.map { profile, origin, _ -> JSONValue in
          var object = profile.summaryJSON.object ?? JSONObject()
          object["origin"] = .string(origin)
          return .object(object)
        }
        return print(JSONValue.array(entries).text)
      }
      for (profile, _, mark) in found {
        let manual = profile.controls.filter(\.isManual).count
        print("\(profile.id)  \(profile.version)  \(profile.title)\(mark)")
        print(
          "    \(profile.controls.count) controls: \(profile.controls.count - manual) automated, "
            + "\(manual) manual; effective \(profile.effectiveDate)"
        )
      }
    }
  }
}

struct ProfilesShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a profile: each control, the goals that judge it, or why it is manual.",
    discussion: "Example: plumb profiles show best-practices"
  )

  @Argument(help: "The profile's id, id@version of one that the store keeps, or a file.")
  var id: String

  @OptionGroup var content: ContentOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(
        local: content.given + store.given,
        format: format.ofRows
      )
      let answer = APISketch.Answer.object(
        tables: ["controls": ["id", "title", "goals", "manual", "reason"]]
      )
      let sketch = APISketch("GET", "profiles", id).answering(answer)
      if try await server.answers(context, { sketch }) { return }
      let library = try content.library()
      let kept = try await store.keptProfile(id, beside: library.profiles())
      let profile = try kept ?? GoalOptions.profile(named: id, in: library)
      print(format == .json ? profile.fullJSON.text : profile.text)
    }
  }
}

extension Profile {
  var summaryJSON: JSONValue {
    let manual = controls.filter(\.isManual).count
    return [
      "id": .string(id), "version": .string(version), "title": .string(title),
      "effective_date": .string(effectiveDate), "controls": .integer(Int64(controls.count)),
      "automated": .integer(Int64(controls.count - manual)), "manual": .integer(Int64(manual)),
    ]
  }

  var fullJSON: JSONValue {
    var object = summaryJSON.object ?? JSONObject()
    object["framework"] = .string(framework)
    object["description"] = .string(description)
    object["source"] = .string(source)
    basis.add(to: &object)
    object["controls"] = .array(
      controls.map { control in
        var entry: JSONObject = ["id": .string(control.id), "title": .string(control.title)]
        if control.isManual {
          entry["manual"] = true
        } else {
          entry["goals"] = .array(control.goals.map(\.json))
          control.basis.add(to: &entry)
        }
        if control.isManual || !control.manualReason.isEmpty {
          entry["reason"] = .string(control.manualReason)
        }
        return .object(entry)
      }
    )
    return .object(object)
  }

  var text: String {
    var lines = ["\(id)  version \(version), effective \(effectiveDate)", title]
    if !description.isEmpty { lines.append(description) }
    let manual = controls.filter(\.isManual).count
    if manual < controls.count { lines.append("Basis of the mapping: \(basis.text)") }
    lines += [
      "", "\(controls.count) controls: \(controls.count - manual) automated, \(manual) manual", "",
    ]
    for control in controls {
      lines.append("\(control.id)  \(control.title)")
      if control.isManual {
        lines.append("    manual: \(control.manualReason)")
      } else {
        lines += control.goals.map { "    \($0.text)" }
        if !control.manualReason.isEmpty {
          lines.append("    by a person: \(control.manualReason)")
        }
        if let basis = ownBasis(of: control) { lines.append("    basis: \(basis.text)") }
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension Goal {
  var text: String {
    let values = parameters.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value.text)" }
    return rule + (values.isEmpty ? "" : " (\(values.joined(separator: ", ")))")
  }
}
