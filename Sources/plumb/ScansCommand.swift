import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct ScansCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scans",
    abstract: "Lists, shows, cancels and resumes saved scans.",
    subcommands: [ScansList.self, ScansShow.self, ScansCancel.self, ScansResume.self]
  )
}

struct ScansList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists saved scans, newest first.",
    discussion: "Example: plumb scans list --limit 10"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "How many at most.")
  var limit = 30

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let list = APISketch.List(
        noun: "scan",
        columns: [
          "id", "status", "instant", "subject", "account", "actor", "resources=report.resources",
          "new=report.new", "changed=report.changed", "gone=report.gone",
        ],
        limit: limit
      )
      if try await server.answers(context, { try APISketch.list("scans", show: list).checked() }) {
        return
      }
      let limit = limit
      let scans = try await store.openForReading().read { try $0.scans(limit: limit) }
      if format == .json { return print(JSONValue.array(scans.map(\.json)).text) }
      if scans.isEmpty { return print("no scans are kept; plumb scan … --save keeps one") }
      for scan in scans {
        print(
          "\(scan.id)  \(scan.status.rawValue)  \(scan.instant)  \(scan.subject.withoutControls)  "
            + scan.counts
        )
      }
    }
  }
}

struct ScansShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a saved scan: what it came to, and what could not be read.",
    discussion: "Example: plumb scans show 12"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The scan's number.")
  var scan: Int64

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let number = scan
      if try await server.answers(context, { APISketch("GET", "scans", "\(number)") }) { return }
      let (scan, tasks) = try await store.openForReading().read { transaction in
        (try transaction.scan(number), try transaction.tasks(of: number))
      }
      if format == .json { return print(scan.json.text) }
      print("scan \(scan.id)  \(scan.status.rawValue)")
      print("  subject   \(scan.subject.withoutControls)")
      print("  judged    as of \(scan.instant)")
      print("  began     \(scan.started) by \(scan.actor.withoutControls)")
      if let finished = scan.finished { print("  ended     \(finished)") }
      print("  goals     sha256 \(scan.content)")
      let report = TaskReport(scan.report)
      if scan.status == .finished {
        print("  came to   \(report.text(scan.id))")
      } else if !tasks.isEmpty {
        let done = tasks.filter { $0.state == .done }.count
        print("  tasks     \(done) of \(tasks.count) done")
        print("  to go on  plumb scans resume \(scan.id)")
      }
      for fault in report.faults { print("  not judged: \(fault.withoutControls)") }
      for (kind, count) in report.notCovered.sorted(by: { $0.key < $1.key }) {
        print("  no goal is about \(kind): \(count) resources")
      }
    }
  }
}

struct ScansCancel: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Cancels a scan that has not ended; what it stored so far stays.",
    discussion: "Example: plumb scans cancel 12"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "The scan's number.")
  var scan: Int64

  func run() async throws {
    try await reporting {
      let number = scan
      let context = ServerOptions.Context(local: store.given, actor: person.given)
      let sketch = APISketch.change("POST", "scans", "\(number)", "cancellation") { _ in
        ["scan \(number) is cancelled"]
      }
      if try await server.answers(context, { sketch }) { return }
      let keeper = ScanKeeper(store: try await store.open(), options: store, actor: person.actor)
      let record = try await keeper.store.write(as: person.actor, at: timeOfDay()) { transaction in
        let record = try transaction.scan(number)
        try transaction.move(number, to: .cancelled, report: record.report)
        return record
      }
      keeper.removeSpool(record)
      print("scan \(number) is cancelled")
    }
  }
}

struct ScansResume: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Takes up scans that were interrupted, each where it was.",
    discussion: """
      Examples:
        plumb scans resume
        plumb scans resume 12
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @OptionGroup var watch: WatchOptions

  @Argument(help: "The scan's number; every open one when left out.")
  var scan: Int64?

  func run() async throws {
    watch.attend()
    try await reporting {
      let keeper = ScanKeeper(
        store: try await store.open(),
        options: store,
        actor: person.actor,
        progress: watch.format
      )
      let open = try await keeper.store.read { try $0.openScans() }
      var numbers = open.map(\.id).sorted()
      if let scan {
        // A scan that has ended says so by itself.
        numbers = [scan]
      } else if numbers.isEmpty {
        return print("no scan was interrupted")
      }
      var failed = false
      for number in numbers {
        do {
          let record = try await keeper.store.read { try $0.scan(number) }
          let report = try await keeper.run(number, try await keeper.choice(of: record))
          print(report.text(number))
        } catch {
          // One that cannot go on does not keep the others from it.
          complain("scan \(number): \(error)")
          failed = true
        }
      }
      if failed { throw Exit.notJudged }
    }
  }
}

extension ScanRecord {
  /// What it came to, in a few words.
  var counts: String {
    guard status == .finished else { return "" }
    let report = TaskReport(report)
    return "\(counted(report.resources, "resource")), \(report.new) new, "
      + "\(report.changed) changed, \(report.gone) gone"
      + (report.faultCount > 0 ? ", \(report.faultCount) not judged" : "")
  }
}
