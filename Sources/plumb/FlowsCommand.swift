import ArgumentParser
import Foundation
import Insights
import JSON
import Model

struct FlowsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flows",
    abstract: "Finds threats in network flow logs, and lists conversations with the outside.",
    discussion: """
      Reads Amazon, IBM, Google and Azure flow logs, Zeek's conn.log and what nfdump exports: files, \
      folders, buckets, gzip, standard input. docs/network.md tells every method with its numbers.

      Examples:
        plumb flows logs/
        plumb flows --reputation tor.txt --reputation stix.json --format json logs/
        plumb flows --state flows.state logs/        # learns, and reads on where it stopped
        plumb flows --follow --format ndjson --state flows.state /var/log/flows/
        plumb flows --state flows.state s3://my-bucket/AWSLogs/
        plumb flows --save logs/                     # keeps findings and conversations
        plumb flows conversations logs/
        plumb flows records logs/ > ocsf.ndjson
        plumb flows kinds
      """,
    subcommands: [FlowsDetect.self, FlowsConversations.self, FlowsRecords.self, FlowsKinds.self],
    defaultSubcommand: FlowsDetect.self
  )
}

struct FlowsDetect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Finds threats in flow logs; what plumb flows does without a word.",
    discussion: """
      Exit codes: 0 nothing at or above the threshold was found, 1 something was, 2 something could not be read.
      """
  )

  @OptionGroup var chosen: FlowOptions
  @OptionGroup var lists: ReputationOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only these detectors, apart by commas: \(FlowKind.detectors.joined(separator: ", ")).",
      valueName: "names"
    )
  )
  var detectors: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Begin with what an earlier run has learnt, read on where it stopped, and keep both in the file.",
      valueName: "file"
    )
  )
  var state: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Write the state at most so often.", valueName: "seconds")
  )
  var saveEvery = 10.0

  @Flag(
    name: .long,
    help: """
      Keep the findings, so that plumb findings and alerts can tell of them, and conversations with the \
      outside, for plumb conversations.
      """
  )
  var save = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @Option(
    name: .long,
    help: "text, json (a list), ndjson (one per line) or ocsf (Detection Findings, one per line)."
  )
  var format = DetectCommand.Format.text

  @Flag(name: .long, help: "Write one finding per cause: kind, account and who it is about.")
  var group = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Leave out findings of a lower level: informational, low, medium, high or critical.",
      valueName: "level"
    )
  )
  var threshold = FindingSeverity.informational

  func validate() throws {
    if group, format == .ocsf {
      throw ValidationError("--group goes with --format text, json and ndjson")
    }
    if !(0...86_400).contains(saveEvery) {
      throw ValidationError("--save-every expects seconds from 0 to 86400, not \(saveEvery)")
    }
    for name in names where !FlowKind.detectors.contains(name) {
      throw ValidationError(
        "--detectors expects \(FlowKind.detectors.joined(separator: ", ")), not \"\(name)\""
      )
    }
  }

  private var names: [String] {
    detectors?.split(separator: ",").map { String($0) } ?? FlowKind.detectors
  }

  func run() async throws {
    try await reporting {
      let reputation = try lists.read()
      if reputation.isEmpty, detectors != nil, names.contains("reputation") {
        throw ValidationError("the detector reputation needs a list: --reputation FILE")
      }
      var options = try chosen.run(.detect, reputation)
      options.detectors = Set(names)
      options.threshold = threshold
      options.state = state
      options.saveEvery = saveEvery
      // Who follows wants each finding as it comes.
      let written = chosen.follow && format == .text ? .ndjson : format
      let writer = FindingWriter(written, isGrouped: group)
      try writer.begin()
      let kept = save ? try await store.open() : nil
      let keeper = kept.map { FindingKeeper($0, as: person.actor) }
      let conversations = kept.map {
        ConversationKeeper($0, as: person.actor, hasLists: lists.isGiven)
      }
      if let conversations {
        options.tellsConversations = true
        options.counted = try await conversations.marks()
      }
      let totals = try await chosen.read(
        options,
        store,
        finding: { finding in
          keeper?.take(finding)
          try writer.write(finding)
        },
        conversations: { conversations?.take($0) },
        settle: { isSaving in
          try await keeper?.keep()
          try await conversations?.keep(isAll: isSaving)
        }
      )
      if let keeper { complain(keeper.text) }
      if let conversations { complain(conversations.text) }
      try writer.end("flow", totals.records)
      if totals.skipped > 0 {
        complain("\(counted(totals.skipped, "file")) read to the end by an earlier run")
      }
      if totals.faults > 0 { throw Exit.notJudged }
      if totals.findings > 0 { throw Exit.failed }
    }
  }
}

struct FlowsConversations: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conversations",
    abstract:
      "Lists conversations between one's own and external addresses, those with most bytes first.",
    discussion: """
      Examples:
        plumb flows conversations logs/
        plumb flows conversations --direction outbound --owners ip2asn.tsv --format json logs/

      Exit codes: 0 listed, 2 something could not be read.
      """
  )

  /// Which way conversations go.
  enum Direction: String, ExpressibleByArgument, CaseIterable { case inbound, outbound }

  @OptionGroup var chosen: FlowOptions
  @OptionGroup var lists: ReputationOptions

  @OptionGroup var store: StoreOptions

  @Option(name: .long, help: "Only inbound or outbound ones.")
  var direction: Direction?

  @Option(name: .long, help: ArgumentHelp("At most so many; 0 for all.", valueName: "n"))
  var limit = 50

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func validate() throws {
    if limit < 0 { throw ValidationError("--limit expects 0 or more, not \(limit)") }
  }

  func run() async throws {
    try await reporting {
      let reputation = try lists.read()
      let totals = try await chosen.read(chosen.run(.converse, reputation), store)
      var rows = totals.conversations.rows(reputation)
      if let direction { rows.removeAll { $0.isOutbound != (direction == .outbound) } }
      let all = rows.count
      if limit > 0 { rows = Array(rows.prefix(limit)) }
      if format == .json {
        print(JSONValue.array(rows.map(\.json)).text)
      } else {
        let head = [
          "direction", "own", "external", "port", "connections", "failed", "sent", "received",
          "last seen", "owner", "listed",
        ]
        let cells = rows.map { row -> [String] in
          let listed = row.facts["listings"]?.array?.compactMap { $0["category"]?.string } ?? []
          return [
            row.isOutbound ? "outbound" : "inbound", row.own, row.external,
            "\(row.port)/\(row.transport)", "\(row.flows)", "\(row.failed)", "\(row.sent)",
            "\(row.received)", "\(row.last)", row.facts["owner"]?.string ?? "",
            Set(listed).sorted().joined(separator: " "),
          ]
        }
        for line in columns([head] + cells) { print(line) }
        let shown = rows.count < all ? ", \(rows.count) shown (--limit)" : ""
        print("\(counted(totals.records, "flow")), \(counted(all, "conversation"))\(shown)")
      }
      if totals.conversations.evictions > 0 {
        complain(
          "\(totals.conversations.evictions) conversations were left out for want of room; fewer logs at once have all"
        )
      }
      if totals.conversations.forgottenConnections > 0 {
        complain(
          "\(counted(totals.conversations.forgottenConnections, "connection")) forgotten for want of room, "
            + "and perhaps counted again"
        )
      }
      if totals.faults > 0 { throw Exit.notJudged }
    }
  }
}

struct FlowsRecords: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "records",
    abstract: "Writes each record as OCSF Network Activity, one per line.",
    discussion: """
      Example: plumb flows records logs/ > ocsf.ndjson

      Exit codes: 0 written, 2 something could not be read.
      """
  )

  /// How records are written.
  enum Format: String, ExpressibleByArgument, CaseIterable { case ocsf }

  @OptionGroup var chosen: FlowOptions
  @OptionGroup var store: StoreOptions

  @Option(name: .long, help: "ocsf.")
  var format = Format.ocsf

  func run() async throws {
    try await reporting {
      let totals = try await chosen.read(
        chosen.run(.normalise, Reputation()),
        store,
        lines: { try OutputFile.standardOutput.write($0) }
      )
      if totals.faults > 0 { throw Exit.notJudged }
    }
  }
}

struct FlowsKinds: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kinds",
    abstract: "Lists the kinds of findings, and the detectors that find them.",
    discussion: "Example: plumb flows kinds --format json"
  )

  @OptionGroup var format: FormatOptions

  func run() async throws {
    format.list(
      FlowKind.allCases,
      "kind",
      cells: { [$0.note.id, $0.note.severity.rawValue, $0.detector, $0.note.title] },
      json: { kind in
        [
          "id": .string(kind.note.id), "severity": .string(kind.note.severity.rawValue),
          "detector": .string(kind.detector), "title": .string(kind.note.title),
          "description": .string(kind.note.description),
          "attack": .array(kind.note.techniques.map(JSONValue.string)),
        ]
      }
    )
  }
}
