import ArgumentParser
import JSON
import Model
import Operations
import Store

struct FindingsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "findings",
    abstract: "Lists, shows and exports what was noticed, and says what was decided about it.",
    subcommands: [
      FindingsList.self, FindingsShow.self, FindingsChange.self, FindingsExport.self,
      FindingsNotes.self,
    ]
  )
}

/// Which findings are asked for.
struct FindingOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only in this state; may be repeated; default: open.",
      valueName: "open|mitigated|accepted|all"
    )
  )
  var state: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "This severity or above: informational, low, medium, high or critical.",
      valueName: "severity"
    )
  )
  var severity = FindingSeverity.informational

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only of this source; may be repeated: insights, posture, governance, operations or custom.",
      valueName: "source"
    ),
    transform: { try word($0, FindingSource.self) }
  )
  var source: [FindingSource] = []

  @Option(name: .long, help: ArgumentHelp("Only of this kind.", valueName: "id"))
  var note: String?

  @Option(name: .long, help: ArgumentHelp("Only about this account.", valueName: "id"))
  var account: String?

  @Option(name: .long, help: ArgumentHelp("Only about this resource.", valueName: "id"))
  var resource: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only those that tell of this IP address.", valueName: "address")
  )
  var address: String?

  @Option(name: .long, help: ArgumentHelp("Only seen since then.", valueName: "day-or-instant"))
  var from: String?

  @Option(name: .long, help: ArgumentHelp("Only seen before then.", valueName: "day-or-instant"))
  var to: String?

  func filter() throws -> FindingFilter {
    var filter = FindingFilter()
    filter.states = Set(state.isEmpty ? ["open"] : state.filter { $0 != "all" })
    if let odd = filter.states.first(where: { !FindingState.names.contains($0) }) {
      throw ValidationError("--state \"\(odd)\" is none of open, mitigated, accepted, all")
    }
    if state.contains("all") { filter.states = [] }
    (filter.severity, filter.sources) = (severity, Set(source))
    (filter.note, filter.account) = (note, account)
    filter.resource = resource
    filter.address = try address.map { try ipAddress($0, option: "--address") }
    filter.from = try from.map { try dayOrInstant($0, option: "--from", isEnd: false) }
    filter.to = try to.map { try dayOrInstant($0, option: "--to", isEnd: true) }
    return filter
  }

  func asking(_ sketch: APISketch) throws -> APISketch {
    let filter = try filter()
    return sketch.asking("state", filter.states.sorted())
      .asking("severity", severity == .informational ? nil : severity.rawValue)
      .asking("source", source.map(\.rawValue)).asking("note", note).asking("account", account)
      .asking("resource", resource).asking("address", filter.address)
      .asking("from", filter.from.map { "\($0)" }).asking("to", filter.to.map { "\($0)" })
  }
}

struct FindingsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists findings, one for each cause, the one noticed last first.",
    discussion: """
      Examples:
        plumb findings list --severity high
        plumb findings list --state all --source governance --format json
      """
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var options: FindingOptions

  @Option(name: .long, help: "How many at most.")
  var limit = 50

  func run() async throws {
    try await reporting {
      guard limit > 0 else { throw ValidationError("--limit expects 1 or more, not \(limit)") }
      let list = APISketch.List(noun: "finding", columns: KeptFinding.columns, limit: limit)
      if try await records.answers(
        output.format,
        { try options.asking(APISketch.list("findings", show: list)) }
      ) {
        return
      }
      let (filter, limit) = (try options.filter(), limit)
      let found = try await records.read { transaction, _ in
        try transaction.findings(filter, limit: limit)
      }
      output.list(found, "finding", cells: \.cells, json: { .object($0.summary) })
    }
  }
}

struct FindingsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a finding with its evidence and what became of it.",
    discussion: "Example: plumb findings show 17"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The finding's number, as plumb findings list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "findings", "\(id)") }) {
        return
      }
      let (found, changes) = try await records.read { transaction, _ in
        (try transaction.finding(id), try transaction.changes(ofFinding: id))
      }
      output.show(
        found.json,
        found.json.memberLines
          + columns(changes.map(\.cells), indent: 2)
      )
    }
  }
}

struct FindingsChange: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "change",
    abstract: "Says what was decided about a finding: mitigated, accepted, or open again.",
    discussion: """
      One that is mitigated is open again when it is seen after that; one that is accepted stays so.

      Examples:
        plumb findings change 17 mitigated --reason 'key was rotated'
        plumb findings change 18 accepted --reason 'break-glass user, every use is reviewed'
      """
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The finding's number.")
  var id: Int64

  @Argument(help: "open, mitigated or accepted.")
  var state: String

  @Option(name: .long, help: ArgumentHelp("Why; needed to accept.", valueName: "text"))
  var reason = ""

  func validate() throws {
    guard FindingState.names.contains(state) else {
      throw ValidationError("\"\(state)\" is none of open, mitigated, accepted")
    }
  }

  func run() async throws {
    try await reporting {
      let (id, state, reason) = (id, state, reason)
      let says = "finding \(id) is \(state)"
      let body: JSONValue = ["state": .string(state), "reason": .string(reason)]
      let sketch = APISketch.change("PATCH", "findings", "\(id)", body: body) { _ in [says] }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.decide(finding: id, to: state, reason: reason) }
      print(says)
    }
  }
}

struct FindingsExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes findings for other programs.",
    discussion: """
      ocsf is OCSF 1.8, a Detection Finding (2004) per line, or a Vulnerability Finding (2002) where the
      evidence names a vulnerability.

      Examples:
        plumb findings export --state all --format ocsf > findings.ndjson
        plumb findings export --severity high --format csv > findings.csv
      """
  )

  /// How findings are written.
  enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, csv, ocsf }

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var options: FindingOptions

  @Option(name: .long, help: "text, json (a list), csv or ocsf (one per line).")
  var format = Format.json

  func run() async throws {
    try await reporting {
      let rows: RowFormat =
        switch format {
        case .text: .text
        case .json: .json
        case .csv: .csv
        case .ocsf: .ndjson
        }
      let context = ServerOptions.Context(local: store.given, format: rows)
      let list = APISketch.List(noun: "finding", columns: KeptFinding.columns)
      if try await server.answers(
        context,
        {
          try options.asking(
            format == .ocsf
              ? APISketch.list("findings", "ocsf", show: APISketch.List(noun: "finding"))
              : APISketch.list("findings", show: list)
          )
        }
      ) {
        return
      }
      let filter = try options.filter()
      let found = try await store.openForReading().read { try $0.findings(filter) }
      let answer = APISketch.Answer.page(list)
      switch format {
      case .ocsf:
        for kept in found { print(kept.finding.ocsf(product: Plumb.configuration.version).text) }
      default:
        var sketch = APISketch()
        sketch.answer = answer
        let items = found.map { JSONValue.object($0.summary) }
        try ServerAnswer(sketch, rows).show(
          ServerCaller.Outcome(value: .array(items), bytes: [], hasMore: false)
        )
      }
    }
  }
}

struct FindingsNotes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notes",
    abstract: "Lists kinds of findings, with how many findings there are of each.",
    discussion: "Example: plumb findings notes"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "note",
        columns: ["id", "source", "provider", "severity", "note", "open", "mitigated", "accepted"]
      )
      if try await records.answers(output.format, { APISketch.list("notes", show: list) }) {
        return
      }
      let (notes, counts) = try await records.read { transaction, _ in
        (try transaction.notes(), FindingCounts(try transaction.findings()))
      }
      output.list(
        notes,
        "note",
        cells: { note in
          let states = counts.notes[note.id]?.states ?? [:]
          return [
            "\(note.id)", note.note.source.rawValue, note.note.provider,
            note.note.severity.rawValue, note.note.id, "\(states["open"] ?? 0) open",
            note.note.title,
          ]
        },
        json: { note in
          var object = note.json
          for (key, value) in (counts.notes[note.id] ?? FindingCounts.OfNote()).json.members {
            object[key] = value
          }
          return .object(object)
        }
      )
    }
  }
}

extension KeptFinding {
  /// The columns of a list of a server.
  fileprivate static var columns: [Column] {
    [
      "id", "severity", "state", "last_seen", "source", "note", "title", "account=entity.account",
      "entity=entity.actor/entity.resource", "source_ip=entity.source_ip", "peer=entity.peer",
      "vulnerabilities", "count",
    ]
  }

  /// The finding as cells of a row, for people.
  fileprivate var cells: [String] {
    [
      "\(id)", finding.note.severity.rawValue, finding.state.name,
      finding.lastSeen.map { "\($0)" } ?? "without time", finding.note.source.rawValue,
      finding.note.title, finding.subject.elided, finding.count > 1 ? "\(finding.count)×" : "",
    ]
  }
}

extension FindingChange {
  fileprivate var cells: [String] {
    ["\(at)", kind.rawValue, severity.rawValue, actor.isEmpty ? "" : "by \(actor)", reason]
  }
}
