import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct JobsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jobs",
    abstract:
      "Lists, shows, watches, cancels and retries jobs, which plumb serve and plumb work do.",
    subcommands: [
      JobsList.self, JobsShow.self, JobsWatch.self, JobsRetry.self, JobsCancel.self,
    ]
  )
}

extension JobState: ExpressibleByArgument {}

struct JobsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists jobs, newest first.",
    discussion: """
      Examples:
        plumb jobs list
        plumb jobs list --state set_aside --state failed
        plumb jobs list --run 12 --format json
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only jobs of this state: \(JobState.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.",
      valueName: "state"
    )
  )
  var state: [JobState] = []

  @Option(name: .long, help: ArgumentHelp("Only jobs of this account.", valueName: "id"))
  var account: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only jobs of this kind, such as scan.", valueName: "kind")
  )
  var kind: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only jobs that this run of an attachment asked for.", valueName: "number")
  )
  var run: Int64?

  @Option(
    name: .long,
    help: ArgumentHelp("Only jobs before this one, for the next page.", valueName: "number")
  )
  var before: Int64?

  @Option(name: .long, help: "How many at most.")
  var limit = 30

  @OptionGroup var output: FormatOptions

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit expects a number above 0") }
  }

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(
        local: store.given,
        unheard: before == nil ? [] : ["--before"],
        format: output.format.ofRows
      )
      if try await server.answers(context, { sketch }) { return }
      let filter = JobFilter(states: Set(state), account: account, kind: kind, run: run)
      let (before, limit) = (before, limit)
      let jobs = try await store.openForReading().read { transaction in
        try transaction.jobs(filter, before: before, limit: limit)
      }
      output.list(jobs, "job", cells: \.cells, json: \.json)
    }
  }

  private var sketch: APISketch {
    let list = APISketch.List(
      noun: "job",
      columns: [
        "id", "state", "provider", "account", "credential", "created_at", "scan", "reason",
        "phase=progress.phase",
      ],
      limit: limit
    )
    return APISketch.list("jobs", show: list).asking("state", state.map(\.rawValue))
      .asking("kind", kind).asking("account", account).asking("run", run.map { "\($0)" })
  }
}

struct JobsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a job: how far it is, and why it failed.",
    discussion: "Example: plumb jobs show 12"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The job's number.")
  var job: Int64

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let number = job
      let context = ServerOptions.Context(local: store.given, format: output.format.ofRows)
      if try await server.answers(context, { APISketch("GET", "jobs", "\(number)") }) { return }
      let job = try await store.openForReading().read { try $0.job(number) }
      output.show(job.json, job.lines)
    }
  }
}

struct JobsRetry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Lets a job be tried again that failed, was set aside or cancelled.",
    discussion: "Example: plumb jobs retry 12"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "The job's number.")
  var job: Int64

  func run() async throws {
    try await reporting {
      let number = job
      let context = ServerOptions.Context(local: store.given, actor: person.given)
      let says = "job \(number) waits"
      let sketch = APISketch.change("POST", "jobs", "\(number)", "retry") { _ in [says] }
      if try await server.answers(context, { sketch }) { return }
      try await store.open().write(as: person.actor, at: timeOfDay()) { try $0.retryJob(number) }
      print(says)
    }
  }
}

struct JobsCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Cancels a job that has not ended, and stops it where it is under way.",
    discussion: "Example: plumb jobs cancel 12"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "The job's number.")
  var job: Int64

  func run() async throws {
    try await reporting {
      let number = job
      let context = ServerOptions.Context(local: store.given, actor: person.given)
      let says = "job \(number) is cancelled"
      let sketch = APISketch.change("POST", "jobs", "\(number)", "cancellation") { _ in [says] }
      if try await server.answers(context, { sketch }) { return }
      try await store.open().write(as: person.actor, at: timeOfDay()) { try $0.cancelJob(number) }
      print(says)
    }
  }
}

extension Job {
  /// The job as cells of a row, for people.
  fileprivate var cells: [String] {
    [
      "\(id)", state.rawValue, target.key, "asked for at \(createdAt)",
      scan.map { "scan \($0)" } ?? "", reason.isEmpty ? Self.activity(json) : reason,
    ]
  }

  /// All of it, for people.
  fileprivate var lines: [String] {
    var lines = [
      "job \(id)  \(state.rawValue)",
      "  does      \(kind) of \(target.key), with the credential \(target.credential)",
      "  asked     at \(createdAt) by \(createdBy)",
      "  tries     \(attempts) of \(StoreTransaction.jobTries)",
    ]
    if state == .waiting { lines.append("  waits     till \(notBefore) at least") }
    if state == .leased {
      lines.append("  is with   \(owner), which was heard of till \(leasedUntil)")
    }
    if let startedAt { lines.append("  began     \(startedAt)") }
    if let finishedAt { lines.append("  ended     \(finishedAt)") }
    let activity = Self.activity(json)
    if !activity.isEmpty { lines.append("  progress  \(activity)") }
    if let scan { lines.append("  scan      \(scan)") }
    if !reason.isEmpty { lines.append("  reason    \(reason)") }
    if !state.isOpen, state != .done { lines.append("  to try    plumb jobs retry \(id)") }
    return lines
  }
}
