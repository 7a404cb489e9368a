import ArgumentParser
import JSON
import Model
import Operations
import Store

struct DecisionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decisions",
    abstract: "Lists, shows and counts decisions about requests.",
    subcommands: [DecisionsList.self, DecisionsShow.self, DecisionsCount.self]
  )
}

/// Which decisions are asked for.
struct DecisionOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Only those that came out so.", valueName: "allowed|warned|refused"),
    transform: { try word($0, Effect.self) }
  )
  var decision: Effect?

  @Option(
    name: .long,
    help: ArgumentHelp("Only those in which this rule was not passed.", valueName: "id")
  )
  var rule: String?

  @Option(name: .long, help: ArgumentHelp("Only about this account.", valueName: "id"))
  var account: String?

  @Option(name: .long, help: ArgumentHelp("Only since then.", valueName: "day-or-instant"))
  var from: String?

  @Option(name: .long, help: ArgumentHelp("Only before then.", valueName: "day-or-instant"))
  var to: String?

  func filter() throws -> DecisionFilter {
    var filter = DecisionFilter()
    (filter.effect, filter.rule, filter.account) = (decision, rule, account)
    filter.from = try from.map { try dayOrInstant($0, option: "--from", isEnd: false) }
    filter.to = try to.map { try dayOrInstant($0, option: "--to", isEnd: true) }
    return filter
  }

  func asking(_ sketch: APISketch) throws -> APISketch {
    let filter = try filter()
    return sketch.asking("decision", decision?.rawValue).asking("rule", rule)
      .asking("account", account).asking("from", filter.from.map { "\($0)" })
      .asking("to", filter.to.map { "\($0)" })
  }
}

struct DecisionsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists decisions, newest first: who asked, about what, by which rule.",
    discussion: "Example: plumb decisions list --decision refused --from 2026-11-01"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var filter: DecisionOptions

  @Option(name: .long, help: "How many at most.")
  var limit = 50

  func run() async throws {
    try await reporting {
      guard limit > 0 else { throw ValidationError("--limit expects 1 or more, not \(limit)") }
      let list = APISketch.List(
        noun: "decision",
        columns: [
          "id", "at", "decision", "actor", "gate", "account", "resource_id", "rules",
        ],
        limit: limit
      )
      if try await records.answers(
        output.format,
        { try filter.asking(APISketch.list("decisions", show: list)) }
      ) {
        return
      }
      let (asked, limit) = (try filter.filter(), limit)
      let found = try await records.read { transaction, _ in
        try transaction.decisions(asked, limit: limit)
      }
      output.list(
        found,
        "decision",
        cells: {
          [
            "\($0.id)", "\($0.at)", $0.effect.rawValue, $0.actor, $0.gate,
            $0.place.accounts.first ?? "", $0.place.id, $0.summary["rules"]?.cell ?? "",
          ]
        },
        json: \.summary
      )
    }
  }
}

struct DecisionsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a decision: reasons, proofs, and what was refused.",
    discussion: "Example: plumb decisions show 4711 --format json"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The decision's number, as plumb decisions list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "decisions", "\(id)") }) {
        return
      }
      let found = try await records.read { transaction, _ in try transaction.decision(id) }
      let message = found.report["message"]?.string ?? ""
      output.show(
        found.json,
        found.summary.memberLines + message.split(separator: "\n").map { "  \($0)" }
      )
    }
  }
}

struct DecisionsCount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Counts decisions by day, account and rule: how much was prevented over time.",
    discussion: "Example: plumb decisions count --decision refused --from 2026-10-01"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var filter: DecisionOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "count",
        columns: ["day", "account", "rule", "decision", "count"]
      )
      if try await records.answers(
        output.format,
        { try filter.asking(APISketch.list("decision-counts", show: list)) }
      ) {
        return
      }
      let asked = try filter.filter()
      let found = try await records.read { transaction, _ in
        try transaction.decisionCounts(asked)
      }
      output.list(
        found,
        "count",
        cells: { [$0.day, $0.account, $0.rule, $0.effect.rawValue, "\($0.count)"] },
        json: \.json
      )
    }
  }
}
