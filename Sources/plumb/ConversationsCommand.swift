import ArgumentParser
import JSON
import Model
import Operations
import Store

struct ConversationsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conversations",
    abstract: "Lists and sums up kept conversations between one's own and external addresses.",
    subcommands: [ConversationsList.self, ConversationsCount.self]
  )
}

/// Which conversations are asked for.
struct ConversationOptions: ParsableArguments {
  /// Which way conversations go.
  enum Direction: String, ExpressibleByArgument, CaseIterable { case inbound, outbound }

  @Option(name: .long, help: "Only inbound or outbound ones.")
  var direction: Direction?

  @Option(name: .long, help: ArgumentHelp("Only of this account.", valueName: "id"))
  var account: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only of this address of one's own.", valueName: "address")
  )
  var own: String?

  @Option(name: .long, help: ArgumentHelp("Only with this external address.", valueName: "address"))
  var external: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only with this address on either side.", valueName: "address")
  )
  var address: String?

  @Option(name: .long, help: ArgumentHelp("Only to this port of a server.", valueName: "number"))
  var port: Int?

  @Option(
    name: .customLong("protocol"),
    help: ArgumentHelp("Only over this, such as tcp.", valueName: "name")
  )
  var transport: String?

  @Flag(inversion: .prefixedNo, help: "Only with external addresses that some list has.")
  var listed: Bool?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only with those that a list has as this: anonymizer, malware, botnet, miner, scanner or other.",
      valueName: "category"
    )
  )
  var category: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only of days that end after.", valueName: "day-or-instant")
  )
  var from: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Only of days that begin before.", valueName: "day-or-instant")
  )
  var to: String?

  func validate() throws {
    let categories = ["anonymizer", "malware", "botnet", "miner", "scanner", "other"]
    if let category, !categories.contains(category) {
      throw ValidationError(
        "--category expects \(categories.joined(separator: ", ")), not \"\(category)\""
      )
    }
    if let port, !(0...65_535).contains(port) {
      throw ValidationError("--port expects 0 to 65535, not \(port)")
    }
  }

  func filter() throws -> ConversationFilter {
    var filter = ConversationFilter()
    filter.isOutbound = direction.map { $0 == .outbound }
    filter.account = account
    filter.own = try own.map { try ipAddress($0, option: "--own") }
    filter.external = try external.map { try ipAddress($0, option: "--external") }
    filter.address = try address.map { try ipAddress($0, option: "--address") }
    (filter.port, filter.transport) = (port, transport)
    (filter.isListed, filter.category) = (listed, category)
    filter.from = try from.map { try dayOrInstant($0, option: "--from", isEnd: false) }
    filter.to = try to.map { try dayOrInstant($0, option: "--to", isEnd: true) }
    return filter
  }

  func asking(_ sketch: APISketch) throws -> APISketch {
    let filter = try filter()
    return sketch.asking("direction", direction?.rawValue).asking("account", account)
      .asking("own", filter.own).asking("external", filter.external)
      .asking("address", filter.address)
      .asking("port", port.map { "\($0)" }).asking("protocol", transport)
      .asking("listed", listed.map { "\($0)" }).asking("category", category)
      .asking("from", filter.from.map { "\($0)" }).asking("to", filter.to.map { "\($0)" })
  }
}

struct ConversationsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists kept conversations, those with most bytes first, summed up over the days.",
    discussion: """
      plumb flows --save keeps them. Examples:
        plumb conversations list --direction outbound --from 2026-11-15
        plumb conversations list --listed --format json
        plumb conversations list --address 203.0.113.9
      """
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var options: ConversationOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The greatest first.",
      valueName: "bytes|sent|received|connections|last_seen"
    ),
    transform: { try word($0, ConversationOrder.self) }
  )
  var sort = ConversationOrder.bytes

  @Option(name: .long, help: "How many at most.")
  var limit = 50

  func run() async throws {
    try await reporting {
      guard limit > 0 else { throw ValidationError("--limit expects 1 or more, not \(limit)") }
      let list = APISketch.List(
        noun: "conversation",
        columns: [
          "direction", "own", "external=external.address", "port=port/protocol", "connections",
          "failed", "sent=bytes_sent", "received=bytes_received", "last seen=last_seen",
          "owner=external.owner", "listed=external.categories",
        ],
        limit: limit
      )
      if try await records.answers(
        output.format,
        {
          try options.asking(APISketch.list("conversations", show: list))
            .asking("sort", "-\(sort.rawValue)")
        }
      ) {
        return
      }
      let (filter, order, limit) = (try options.filter(), sort, limit)
      let found = try await records.read { transaction, _ in
        try transaction.conversations(filter, by: order, limit: limit)
      }
      output.list(
        found,
        "conversation",
        cells: { $0.conversation.cells($0.address) },
        json: { $0.conversation.json($0.address) }
      )
    }
  }
}

struct ConversationsCount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "count",
    abstract: "Sums kept conversations up by day and direction.",
    discussion: "Example: plumb conversations count --from 2026-11-01 --direction outbound"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var options: ConversationOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "day",
        columns: [
          "day", "direction", "conversations", "connections", "sent=bytes_sent",
          "received=bytes_received", "listed=bytes_listed",
        ]
      )
      if try await records.answers(
        output.format,
        { try options.asking(APISketch.list("conversation-counts", show: list)) }
      ) {
        return
      }
      let filter = try options.filter()
      let found = try await records.read { transaction, _ in
        try transaction.conversationDays(filter)
      }
      output.list(
        found,
        "day",
        cells: {
          [
            $0.day.day, $0.isOutbound ? "outbound" : "inbound", "\($0.conversations) conversations",
            "\($0.connections) connections", "\($0.sent) bytes sent", "\($0.received) received",
            $0.listed > 0 ? "\($0.listed) with listed addresses" : "",
          ]
        },
        json: \.json
      )
    }
  }
}

extension Conversation {
  /// The conversation as cells of a row, for people.
  fileprivate func cells(_ address: ExternalAddress) -> [String] {
    [
      isOutbound ? "outbound" : "inbound", key.own, key.external, "\(key.port)/\(key.transport)",
      "\(connections) connections", failed > 0 ? "\(failed) failed" : "", "\(sent) sent",
      "\(received) received", "\(lastSeen)",
      key.account.isEmpty ? "" : "account \(key.account)", address.owner,
      address.categories.joined(separator: " "),
    ]
  }
}
