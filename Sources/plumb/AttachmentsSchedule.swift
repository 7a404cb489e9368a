import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

/// An attachment with when it is validated next.
struct ListedAttachment: Sendable {
  let attachment: Attachment
  let isPaused: Bool
  /// Nil where nothing comes round.
  let nextDue: Instant?

  init(_ attachment: Attachment, _ state: ScheduleState?, at now: Instant) {
    self.attachment = attachment
    isPaused = state?.isPaused ?? false
    let schedule = isPaused ? nil : try? Schedule(attachment.schedule)
    nextDue = schedule?.nextDue(after: now, since: attachment.begins)
  }

  /// The attachment as cells of a row, for people.
  var cells: [String] {
    let schedule = attachment.schedule.isEmpty ? "on demand" : attachment.schedule
    let next = nextDue.map { ", next \($0)" } ?? ""
    return attachment.cells(turn: schedule + (isPaused ? ", paused" : next))
  }

  var json: JSONValue {
    var json = attachment.json.object ?? [:]
    json["paused"] = .bool(isPaused)
    json["next_due"] = nextDue.map { .string("\($0)") } ?? .null
    return .object(json)
  }
}

struct AttachmentsPause: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause",
    abstract: "Stops the schedule of an attachment until it is resumed.",
    discussion: """
      What would be due meanwhile is not caught up. Scans that somebody asks for go on judging it.

      Example: plumb attachments pause 3
      """
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      try await change.write { try $0.pause(attachment: id) }
      print("attachment \(id) is paused")
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
      let now = try change.at.instant()
      let id = id
      let next = try await change.write(at: now) { transaction in
        try transaction.resume(attachment: id)
        return try transaction.attachments(at: now).first { $0.id == id }.flatMap { attachment in
          (try? Schedule(attachment.schedule))?.nextDue(after: now, since: attachment.begins)
        }
      }
      print("attachment \(id) goes on" + (next.map { ", next at \($0)" } ?? ""))
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
  @OptionGroup var person: ActorOptions

  @Argument(help: "The attachment's number, as plumb attachments list shows it.")
  var id: Int64

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let scheduler = Scheduler(try await store.open(), providers: ScanProcess.providers)
      let run = try await scheduler.run(id, as: person.actor, at: timeOfDay())
      output.show(run.json, [run.text])
      if run.jobs.isEmpty { throw Exit.notJudged }
    }
  }
}

extension Scheduler.StartedRun {
  /// The run as a document.
  var json: JSONValue {
    [
      "run": .integer(run), "attachment": .integer(attachment), "due_at": .string("\(dueAt)"),
      "jobs": .array(
        jobs.map { job in
          [
            "id": .integer(job.job), "provider": .string(job.target.provider),
            "account": job.target.account.isEmpty ? .null : .string(job.target.account),
            "credential": .string(job.target.credential), "new": .bool(job.isNew),
          ]
        }
      ),
    ]
  }
}
