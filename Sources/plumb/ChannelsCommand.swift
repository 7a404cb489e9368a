import ArgumentParser
import Channels
import HTTP
import JSON
import Model
import Operations
import Store

struct ChannelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "channels",
    abstract: "Says who is told of findings: webhooks, chats, mail, syslog.",
    subcommands: [
      ChannelsAdd.self, ChannelsList.self, ChannelsShow.self, ChannelsChange.self,
      ChannelsRotate.self, ChannelsRemove.self, ChannelsTest.self,
    ]
  )
}

/// What channels may reach.
struct ReachOptions: ParsableArguments {
  @Flag(
    name: .customLong("allow-private-channels"),
    help: "Let channels reach private addresses, and do without TLS."
  )
  var allowsPrivate = false

  @Option(
    name: .customLong("channel-ca-bundle"),
    help: ArgumentHelp(
      "Certificate authorities that channels trust instead of the system's, as PEM.",
      valueName: "file"
    )
  )
  var authorities: String?

  func sender() throws -> ChannelSender {
    if let authorities { _ = try textFile(authorities) }
    return ChannelSender(
      try CurlClient(authorities: authorities, connections: 2, limit: 1 << 20),
      allowsPrivate: allowsPrivate,
      authorities: authorities
    )
  }
}

/// Which findings a channel is told of, and how.
struct ChannelFilterOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("This severity or above; at first medium.", valueName: "severity")
  )
  var severity: FindingSeverity?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only of this source; may be repeated: insights, posture, governance, operations or custom.",
      valueName: "source"
    ),
    transform: { try word($0, FindingSource.self) }
  )
  var source: [FindingSource] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only of kinds of this pattern, with * and ?; may be repeated.",
      valueName: "pattern"
    )
  )
  var note: [String] = []

  @Option(name: .long, help: ArgumentHelp("Only about what is in this scope.", valueName: "name"))
  var scope: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "How many alerts a day go out one by one, 0 for no bound; at first 50. Others wait for the digest.",
      valueName: "count"
    )
  )
  var budget: Int?

  @Flag(inversion: .prefixedNo, help: "Let every alert wait for the digest.")
  var digest: Bool?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Send the digest every so many hours from midnight UTC on; at first 24.",
      valueName: "1-24"
    )
  )
  var digestHours: Int?

  @Flag(inversion: .prefixedEnableDisable, help: "Whether it is told of anything.")
  var alerts: Bool?

  func validate() throws {
    if let budget, !(0...100_000).contains(budget) {
      throw ValidationError("--budget expects 0 to 100000, not \(budget)")
    }
    if let digestHours, !(1...24).contains(digestHours) {
      throw ValidationError("--digest-hours expects 1 to 24, not \(digestHours)")
    }
  }

  /// What was said, as the API takes it.
  var document: JSONObject {
    var object: JSONObject = [:]
    object["severity"] = severity.map { .string($0.rawValue) }
    if !source.isEmpty { object["sources"] = .array(source.map { .string($0.rawValue) }) }
    if !note.isEmpty { object["notes"] = .array(note.map { .string($0) }) }
    object["scope"] = scope.map { .string(scopeName($0)) }
    object["budget"] = budget.map { .integer(Int64($0)) }
    object["digest"] = digest.map { .bool($0) }
    object["digest_hours"] = digestHours.map { .integer(Int64($0)) }
    object["enabled"] = alerts.map { .bool($0) }
    return object
  }
}

struct ChannelsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists channels, without secrets.",
    discussion: "Example: plumb channels list"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "channel",
        columns: ["id", "name", "kind", "address", "severity", "sources", "digest", "enabled"]
      )
      if try await records.answers(output.format, { APISketch.list("channels", show: list) }) {
        return
      }
      let found = try await records.read { transaction, _ in try transaction.channels() }
      output.list(
        found,
        "channel",
        cells: {
          [
            "\($0.id)", $0.name, $0.kind.rawValue, $0.address, "\($0.severity.rawValue) and above",
            $0.isDigest ? "digest" : "", $0.isEnabled ? "" : "off",
          ]
        },
        json: \.json
      )
    }
  }
}

struct ChannelsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a channel, and what came of trying it last.",
    discussion: "Example: plumb channels show 3"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The channel's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "channels", "\(id)") }) {
        return
      }
      let found = try await records.read { transaction, _ in try transaction.channel(id) }
      output.show(found.json, found.json.memberLines)
    }
  }
}

struct ChannelsChange: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "change",
    abstract: "Changes which findings a channel is told of, and how; what is left out stays.",
    discussion: "Example: plumb channels change 3 --severity high --budget 20"
  )

  @OptionGroup var filter: ChannelFilterOptions
  @OptionGroup var change: ChangeOptions

  @Argument(help: "The channel's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let (id, document) = (id, JSONValue.object(filter.document))
      let says = "channel \(id) is changed"
      let sketch = APISketch.change("PATCH", "channels", "\(id)", body: document) { _ in [says] }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { transaction in
        var channel = try transaction.channel(id)
        channel.take(document)
        try transaction.replace(channel)
      }
      print(says)
    }
  }
}

struct ChannelsRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a channel, its secrets, and what waits for it.",
    discussion: "Example: plumb channels remove 3"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The channel's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let says = "channel \(id) is removed"
      let sketch = APISketch.change("DELETE", "channels", "\(id)") { _ in [says] }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.removeChannel(id) }
      print(says)
    }
  }
}

struct ChannelsTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Sends a message that tells of nothing, and says what came of it.",
    discussion: "Example: plumb channels test 3"
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var reach: ReachOptions
  @OptionGroup var key: KeyOptions

  @Argument(help: "The channel's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch.change("POST", "channels", "\(id)", "test") { test in
        try Self.says(id, test)
      }
      if try await change.answers({ sketch }) { return }
      try change.server.refuseUnanswered()
      let store = try await change.store.open()
      let keeper = CredentialKeeper(store, try key.place(change.store).place)
      let test = try await ChannelKeeper(store, keeper, try reach.sender())
        .test(id, by: change.person.actor, at: try change.at.instant())
      for line in try Self.says(id, test.json) { print(line) }
    }
  }

  private static func says(_ id: Int64, _ test: JSONValue) throws -> [String] {
    guard test["accepted"]?.bool == true else {
      complain("channel \(id): \(test["outcome"]?.string ?? "")")
      throw Exit.failed
    }
    return ["channel \(id) works: \(test["outcome"]?.string ?? "")"]
  }
}
