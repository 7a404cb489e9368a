import ArgumentParser
import JSON
import Model
import Operations
import Store

struct AlertsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alerts",
    abstract: "Lists what channels were told or wait to be told, and retries what nobody took.",
    subcommands: [AlertsList.self, AlertsShow.self, AlertsCount.self, AlertsRetry.self]
  )
}

struct AlertsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists alerts, the one queued last first, with how long they took.",
    discussion: "Example: plumb alerts list --state dead"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Only in this state.", valueName: "waiting|leased|delivered|dead"),
    transform: { try word($0, Alert.State.self) }
  )
  var state: Alert.State?

  @Option(name: .long, help: ArgumentHelp("Only to this channel.", valueName: "number"))
  var channel: Int64?

  @Option(name: .long, help: ArgumentHelp("Only of this finding.", valueName: "number"))
  var finding: Int64?

  @Option(name: .long, help: "How many at most.")
  var limit = 50

  func run() async throws {
    try await reporting {
      guard limit > 0 else { throw ValidationError("--limit expects 1 or more, not \(limit)") }
      let list = APISketch.List(
        noun: "alert",
        columns: [
          "id", "state", "channel", "finding", "change", "severity", "title", "entity", "attempts",
          "seconds=seconds_from_notice", "reason",
        ],
        limit: limit
      )
      let sketch = APISketch.list("alerts", show: list).asking("state", state?.rawValue)
        .asking("channel", channel.map { "\($0)" }).asking("finding", finding.map { "\($0)" })
      if try await records.answers(output.format, { sketch }) { return }
      let (state, channel, finding, limit) = (state, channel, finding, limit)
      let found = try await records.read { transaction, _ in
        let names = try transaction.channelNames()
        let alerts = try transaction.alerts(
          state: state,
          channel: channel,
          finding: finding,
          limit: limit
        )
        return try alerts.map { ($0, $0.json(names, about: try transaction.finding($0.finding))) }
      }
      output.list(
        found,
        "alert",
        cells: { alert, json in
          [
            "\(alert.id)", alert.state.rawValue, json["channel"]?.string ?? "",
            "finding \(alert.finding) \(alert.changeKind.rawValue)",
            json["severity"]?.string ?? "", json["title"]?.string ?? "",
            json["entity"]?.string?.elided ?? "",
            alert.delays.map { "after \($0.fromNotice) s" } ?? "", alert.reason,
          ]
        },
        json: { $0.1 }
      )
    }
  }
}

struct AlertsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows an alert: how often it was tried, and how long it took.",
    discussion: "Example: plumb alerts show 9"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The alert's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "alerts", "\(id)") }) {
        return
      }
      let found = try await records.read { transaction, _ in
        let alert = try transaction.alert(id)
        let kept = try transaction.finding(alert.finding)
        return alert.json(try transaction.channelNames(), about: kept)
      }
      output.show(found, found.memberLines)
    }
  }
}

struct AlertsCount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract:
      "Says how many alerts are in which state, and how long those took that were delivered.",
    discussion: "Example: plumb alerts count"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      if try await records.answers(output.format, { APISketch("GET", "alert-counts") }) { return }
      let counts = try await records.read { transaction, _ in
        AlertCounts(try transaction.alerts(limit: 1_000_000_000))
      }
      output.show(counts.json, counts.json.memberLines)
    }
  }
}

struct AlertsRetry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry",
    abstract: "Lets an alert be tried again that nobody took.",
    discussion: "Example: plumb alerts retry 9"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The alert's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let says = "alert \(id) waits"
      let sketch = APISketch.change("POST", "alerts", "\(id)", "retry") { _ in [says] }
      if try await change.answers({ sketch }) { return }
      try await change.write { try $0.retryAlert(id) }
      print(says)
    }
  }
}
