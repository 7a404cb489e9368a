import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

extension ScheduledAttachment {
  /// The attachment as cells of a row, for people.
  var cells: [String] {
    let schedule = attachment.schedule.isEmpty ? "on demand" : attachment.schedule
    let until = state.pausedUntil.map { " until \($0)" } ?? ""
    let next = nextDue.map { ", next \($0)" } ?? ""
    return attachment.cells(turn: schedule + (state.isPaused ? ", paused\(until)" : next))
  }
}

struct AttachmentsPause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Stops the schedule of an attachment until it is resumed.",
    discussion: """
      What would be due meanwhile is not caught up. Scans that somebody asks for go on judging it.

      Examples:
        plumb attachments pause 3
        plumb attachments pause 3 --until 2026-12-27
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(
    name: .long,
    help: ArgumentHelp("When it goes on by itself, ISO 8601.", valueName: "instant")
  )
  var until: String?

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let (id, until) = (id, try moment(until, option: "--until"))
      let says = "attachment \(id) is paused" + (until.map { " until \($0)" } ?? "")
      var body: JSONObject = [:]
      body["until"] = until.map { .string("\($0)") }
      let sketch = APISketch.change(
        "POST",
        "attachments",
        "\(id)",
        "pause",
        body: .object(body)
      ) { _ in [says] }
      if try await change.answers({ sketch }) { return }
      try await change.write { try $0.pause(attachment: id, until: until ?? .never) }
      print(says)
    }
  }
}

struct AttachmentsResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Takes the schedule of an attachment up again.",
    discussion: "Example: plumb attachments resume 3"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      func says(_ next: String?) -> String {
        "attachment \(id) goes on" + (next.map { ", next at \($0)" } ?? "")
      }
      let sketch = APISketch.change("POST", "attachments", "\(id)", "resumption") { state in
        [says(state["next_due"]?.string)]
      }
      if try await change.answers({ sketch }) { return }
      let now = try change.at.instant()
      let next = try await change.write(at: now) { transaction in
        try transaction.resume(attachment: id)
        return try ScheduledAttachment.find(id, transaction, at: now).nextDue
      }
      print(says(next.map { "\($0)" }))
    }
  }
}

struct AttachmentsRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Asks for scans of the accounts of an attachment now, whatever its schedule.",
    discussion: """
      The scans are done by plumb serve or plumb work; an account that waits for a scan or is being
      scanned is not scanned twice.

      Example: plumb attachments run 3
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(
        local: store.given,
        actor: person.given,
        format: output.format.ofRows
      )
      if try await server.answers(context, { sketch }) { return }
      let scheduler = Scheduler(try await store.open(), providers: ScanProcess.providers)
      let run = try await scheduler.run(id, as: person.actor, at: timeOfDay())
      try show(run.json)
    }
  }

  private var sketch: APISketch {
    APISketch.change("POST", "attachments", "\(id)", "runs") { run in
      try show(run)
      return []
    }
  }

  private func show(_ run: JSONValue) throws {
    output.show(run, [Scheduler.StartedRun.text(run)])
  }
}

struct AttachmentsRuns: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Lists when an attachment was validated, newest first.",
    discussion: "Example: plumb attachments runs 3"
  )

  @OptionGroup var records: ReadOptions

  @Option(name: .long, help: "How many at most.")
  var limit = 30

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  @OptionGroup var output: FormatOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit expects a number above 0") }
  }

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "run",
        columns: ["id", "due_at", "cause", "requested_by", "created_at"],
        limit: limit
      )
      let (id, limit) = (id, limit)
      let sketch = APISketch.list("attachments", "\(id)", "runs", show: list)
      if try await records.answers(output.format, { sketch }) { return }
      let runs = try await records.read { transaction, now in
        _ = try ScheduledAttachment.find(id, transaction, at: now)
        return try transaction.runs(of: id, limit: limit)
      }
      output.list(
        runs,
        "run",
        cells: { ["\($0.id)", "due \($0.dueAt)", $0.cause.rawValue, "by \($0.requestedBy)"] },
        json: \.json
      )
    }
  }
}

struct AttachmentsSchedule: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedule",
    abstract:
      "Shows where the schedule of an attachment stands: what ran, what comes, who paused it.",
    discussion: "Example: plumb attachments schedule 3"
  )

  @OptionGroup var records: ReadOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch("GET", "attachments", "\(id)", "schedule")
      if try await records.answers(output.format, { sketch }) { return }
      let state = try await records.read { transaction, now in
        try ScheduledAttachment.find(id, transaction, at: now).schedule(transaction)
      }
      try ServerAnswer(sketch, output.format.ofRows).show(ServerCaller.Outcome(value: state))
    }
  }
}
