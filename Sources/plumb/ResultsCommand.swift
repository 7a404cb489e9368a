import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Reports
import Store

/// Which stored results a command is about.
struct ResultOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Only in this scope.", valueName: "name"))
  var scope = ""

  @Option(
    name: .customLong("profile"),
    help: ArgumentHelp("Only goals of this attached profile.", valueName: "id")
  )
  var profile = ""

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only this verdict; may be repeated; default: fail.",
      valueName: "pass|fail|unknown|not_applicable|all"
    )
  )
  var verdict: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("This severity or above.", valueName: "critical|high|medium|low")
  )
  var severity = "low"

  @Option(name: .long, help: ArgumentHelp("Only rules of this pattern.", valueName: "pattern"))
  var rule: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only resources of this pattern.", valueName: "pattern"))
  var resource: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Only resources of this kind.", valueName: "service/kind")
  )
  var kind: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only in this account or group.", valueName: "id"))
  var account: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only resources marked so.", valueName: "kind"))
  var dataKind: String?

  @Option(name: .long, help: ArgumentHelp("Only resources marked so.", valueName: "class"))
  var dataClassification: String?

  @Option(name: .long, help: ArgumentHelp("Only resources of this owner.", valueName: "name"))
  var owner: String?

  @Option(name: .long, help: ArgumentHelp("Only resources marked so.", valueName: "level"))
  var criticality: String?

  @Flag(name: .long, help: "Leave out failures that an exception covers.")
  var withoutExcepted = false

  /// The options that only what is kept here can be filtered by.
  private var marks: [String] {
    [
      ("--data-kind", dataKind), ("--data-classification", dataClassification), ("--owner", owner),
      ("--criticality", criticality),
    ].compactMap { $1 == nil ? nil : $0 }
  }

  /// The list of the API by these options, and those that it does not know.
  func sketch(_ limit: Int) throws -> (APISketch, unheard: [String]) {
    let filter = try filter()
    let columns: [Column] = [
      "id", "verdict", "severity", "rule", "account=resource.account", "region=resource.region",
      "kind=resource.service_name/resource.resource_kind", "resource=resource.id", "since",
      "exception=exception.id",
    ]
    let sketch = APISketch.list(
      "results",
      show: APISketch.List(noun: "result", columns: columns, limit: limit)
    )
    .asking("verdict", filter.verdicts.map(\.rawValue).sorted())
    .asking("severity", filter.threshold == .low ? nil : filter.threshold.rawValue)
    .asking("scope", scope).asking("profile", profile).asking("rule", rule)
    .asking("resource", resource).asking("kind", kind).asking("account", account)
    .asking("without_excepted", withoutExcepted ? "true" : nil).asking("sort", "-severity")
    return (sketch, marks)
  }

  /// What the options come to.
  func filter() throws -> ResultFilter {
    var filter = ResultFilter()
    filter.scope = scope
    filter.profile = profile
    filter.threshold = try Severity(option: severity)
    filter.rules = rule
    filter.resources = resource
    filter.kinds = kind
    filter.accounts = account
    filter.leavesOutExcepted = withoutExcepted
    filter.marks[.dataKind] = dataKind
    filter.marks[.dataClassification] = dataClassification
    filter.marks[.owner] = owner
    filter.marks[.criticality] = criticality
    if verdict.isEmpty { filter.verdicts = [.fail] }
    for word in verdict where word != "all" {
      guard let verdict = Verdict(rawValue: word) else {
        let words = Verdict.allCases.map(\.rawValue).joined(separator: ", ")
        throw ValidationError("--verdict \"\(word)\" is none of \(words), all")
      }
      filter.verdicts.insert(verdict)
    }
    return filter
  }
}

struct ResultsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "Lists stored results as of now or of any instant.",
    discussion: """
      Examples:
        plumb results --as-of 2026-11-01T00:00Z --severity high
        plumb results --scope production --verdict unknown --format ndjson
        plumb results --data-kind customer --without-excepted
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var options: ResultOptions

  @Option(
    name: .long,
    help: ArgumentHelp("As of this instant, ISO 8601; default: now.", valueName: "instant")
  )
  var asOf: String?

  @Option(name: .long, help: "How many at most.")
  var limit = 1000

  @Option(name: .long, help: "text, json, ndjson or csv.")
  var format: RowFormat = .text

  func run() async throws {
    try await reporting {
      let given = try moment(asOf, option: "--as-of")
      let (sketch, unheard) = try options.sketch(limit)
      let context = ServerOptions.Context(local: store.given, unheard: unheard, format: format)
      if try await server.answers(context, { try sketch.asOf(given).checked() }) { return }
      let instant = given ?? timeOfDay()
      let filter = try options.filter()
      let limit = max(0, limit)
      let (results, total) = try await store.openForReading().read { transaction in
        var reader = try ResultReader(transaction, at: instant)
        var found: [StoredResult] = []
        var total = 0
        try reader.results(filter) { result in
          total += 1
          found.append(result)
          // Only the first in order are kept, so that memory does not grow with the estate.
          if found.count / 2 > max(limit, 1000) { found = found.first(limit) }
        }
        return (found.first(limit), total)
      }
      switch format {
      case .json: print(JSONValue.array(results.map(\.json)).text)
      case .ndjson: for result in results { print(result.json.text) }
      case .csv:
        print("id,verdict,severity,rule,account,region,kind,resource,since,exception")
        for result in results { print(result.csv) }
      case .text:
        for result in results { print(result.text.withoutControls) }
        let shown = results.count < total ? ", \(results.count) shown; --limit shows more" : ""
        print("\(total) results as of \(instant)\(shown)")
      }
    }
  }
}

/// How a list of rows is printed.
enum RowFormat: String, ExpressibleByArgument, CaseIterable { case text, json, ndjson, csv }

extension [StoredResult] {
  /// So many of them, the severest first, then by rule and resource.
  fileprivate func first(_ limit: Int) -> [StoredResult] {
    let sorted = sorted {
      ($1.goal.severity.weight, $0.goal.rule, $0.place.id)
        < ($0.goal.severity.weight, $1.goal.rule, $1.place.id)
    }
    return Array(sorted.prefix(limit))
  }
}

extension StoredResult {
  /// The rule with its parameters: one rule may be judged with several.
  private var ruleText: String { Goal(rule: goal.rule, parameters: goal.parameters).text }

  fileprivate var text: String {
    let mark = exception.map { "  excepted until \($0.expires)" } ?? ""
    return "\(id)  \(verdict.rawValue)  \(goal.severity.rawValue)  \(ruleText)  \(place.id)  "
      + "since \(state.begins)\(mark)"
  }

  fileprivate var csv: String {
    [
      id, verdict.rawValue, goal.severity.rawValue, ruleText, place.accounts.first ?? "",
      place.region, "\(place.kind)", place.id, "\(state.begins)", exception?.id ?? "",
    ].map(\.csvCell).joined(separator: ",")
  }
}

struct DiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compares two scans: what came, went and changed, down to the field.",
    discussion: """
      Example: plumb diff 12 13
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The earlier scan's number.")
  var first: Int64

  @Argument(help: "The later scan's number.")
  var second: Int64

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: store.given, format: format.ofRows)
      let list = APISketch.List(noun: "difference")
      let sketch = APISketch.list("scans", "\(self.second)", "differences", show: list)
        .asking("since", "\(self.first)")
      if try await server.answers(context, { sketch }) { return }
      let (first, second) = (first, second)
      let diff = try await store.openForReading().read { transaction in
        let scans = try [transaction.scan(first), transaction.scan(second)]
        guard scans[0].instant < scans[1].instant else {
          throw StoreError.conflict("scan \(first) is not earlier than scan \(second)")
        }
        return try PostureDiff(transaction, from: scans[0].instant, to: scans[1].instant)
          .entries().found
      }
      if format == .json { return print(JSONValue.array(diff.map(\.json)).text) }
      for entry in diff { print(entry.text.withoutControls(keeping: "\n")) }
      let counts = Dictionary(grouping: diff, by: \.kind).mapValues(\.count)
      print(
        "\(counts[.came] ?? 0) came, \(counts[.went] ?? 0) went, \(counts[.changed] ?? 0) changed, "
          + "\(counts[.judged] ?? 0) judged otherwise"
      )
    }
  }
}

extension PostureDiff.Entry {
  fileprivate var text: String {
    var lines = ["\(kind.rawValue)  \(place.kind)  \(place.id)"]
    lines += fields.map {
      "    \($0.path): \($0.before?.text ?? "absent") -> \($0.after?.text ?? "absent")"
    }
    if kind == .changed || kind == .judged {
      lines += verdicts.map {
        "    \($0.rule): \($0.before?.rawValue ?? "none") -> \($0.after?.rawValue ?? "none")"
      }
    }
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// The text as a cell of a CSV file (RFC 4180); one that a spreadsheet would run is quoted.
  var csvCell: String { CSVRow.cell(self) }

  /// The text with control characters replaced, but for those given.
  func withoutControls(keeping kept: Character) -> String {
    split(separator: kept, omittingEmptySubsequences: false)
      .map { String($0).withoutControls }.joined(separator: String(kept))
  }
}
