import JSON
import Model
import Store
import TestSupport
import Testing

/// Conversations as a store keeps them: the largest of a day and direction, and the sum of the others.
struct ConversationStoreTests {
  static func conversation(
    _ external: String,
    day: Int64 = 0,
    account: String = "a-1",
    isOutbound: Bool = true,
    port: Int = 443,
    bytes: Int = 1000
  ) -> Conversation {
    Conversation(
      Conversation.Key(
        account: account,
        own: "10.0.0.5",
        external: external,
        port: port,
        transport: "tcp"
      ),
      day: .hour(day * 24),
      isOutbound: isOutbound,
      connections: 2,
      failed: 1,
      sent: bytes,
      received: 1,
      firstSeen: .hour(day * 24 + 1),
      lastSeen: .hour(day * 24 + 2)
    )
  }

  static func log(_ digest: String, _ conversations: [Conversation]) -> ConversationLog {
    ConversationLog(log: "/l", bytes: 9, digest: digest, conversations: conversations)
  }

  @Test(arguments: TestDatabase.all)
  func `a log counts once, and days are summed up`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let log = Self.log(
        "first",
        [Self.conversation("192.0.2.1"), Self.conversation("192.0.2.1", day: 1, bytes: 50)]
      )
      for expected in [1, 0] {
        let kept = try await store.write(as: "ann", at: .hour(90)) { try $0.keep([log]) }
        #expect(kept.counted == expected && kept.known == 1 - expected)
      }
      var more = Self.log("second", [Self.conversation("192.0.2.1", day: 2)])
      more.former = "first"
      more.addresses = [
        ExternalAddress(
          address: "192.0.2.1",
          owner: "Example",
          asn: "AS1",
          categories: ["botnet"],
          listings: [["list": "l"]]
        )
      ]
      let next = more
      _ = try await store.write(as: "ann", at: .hour(91)) { try $0.keep([next, log]) }
      let found = try await store.read { try $0.conversations() }
      let marks = try await store.read { try $0.countedLogs().map(\.digest) }
      // The former mark went with the longer one, so the first log counts as another.
      #expect(Set(marks) == ["first", "second"])
      let one = try #require(found.first)
      #expect(found.count == 1)
      #expect(one.conversation.days == 3)
      #expect(one.conversation.sent == 3100)
      #expect(one.conversation.since == .hour(1))
      #expect(one.address.owner == "Example" && one.address.categories == ["botnet"])
      let days = try await store.read { try $0.conversationDays(ConversationFilter()) }
      #expect(days.map(\.sent) == [2000, 100, 1000])
      #expect(days.map(\.listed) == [2002, 102, 1001])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a day has so many rows, what is less goes among the others of its account`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let limit = StoreTransaction.conversationLimit
      for round in 0..<2 {
        let many = (0..<limit).map { number in
          Self.conversation(
            "198.18.\(round * 100 + number / 250).\(number % 250)",
            account: number.isMultiple(of: 2) ? "a-1" : "a-2",
            bytes: round * limit + number + 1
          )
        }
        let log = Self.log("\(round)", many)
        _ = try await store.write(as: "ann", at: .hour(50)) { try $0.keep([log]) }
      }
      var filter = ConversationFilter()
      let found = try await store.read { try $0.conversations() }
      #expect(found.count == limit)
      #expect(found.map(\.conversation.sent).min() == Int64(limit + 1))
      let all = try await store.read { try $0.conversationDays(ConversationFilter()) }
      #expect(all.map(\.conversations) == [2 * limit])
      #expect(all.map(\.sent) == [(1...(2 * limit)).reduce(0, +)])
      filter.accounts = ["a-1"]
      let some = filter
      let half = try await store.read { try $0.conversationDays(some) }
      #expect(half.map(\.conversations) == [limit])
      filter.accounts = []
      let none = filter
      #expect(try await store.read { try $0.conversationCount(none) } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `conversations are found by what they are, and go with their time`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let log = Self.log(
        "x",
        [
          Self.conversation("192.0.2.1"),
          Self.conversation("192.0.2.2", isOutbound: false, port: 22),
          Self.conversation("192.0.2.3", day: 5, account: "a-2", bytes: 9),
        ]
      )
      _ = try await store.write(as: "ann", at: .hour(0)) { try $0.keep([log]) }
      let cases: [((inout ConversationFilter) -> Void, [String])] = [
        ({ $0.isOutbound = false }, ["192.0.2.2"]), ({ $0.port = 22 }, ["192.0.2.2"]),
        ({ $0.account = "a-2" }, ["192.0.2.3"]), ({ $0.external = "192.0.2.1" }, ["192.0.2.1"]),
        ({ $0.address = "10.0.0.5" }, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
        ({ $0.own = "10.0.0.6" }, []), ({ $0.transport = "udp" }, []), ({ $0.isListed = true }, []),
        ({ $0.isListed = false }, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
        ({ $0.category = "botnet" }, []), ({ $0.from = .hour(121) }, ["192.0.2.3"]),
        ({ $0.to = .hour(120) }, ["192.0.2.1", "192.0.2.2"]),
      ]
      for (number, (set, expected)) in cases.enumerated() {
        var filter = ConversationFilter()
        set(&filter)
        let asked = filter
        let found = try await store.read { try $0.conversations(asked) }
        #expect(found.map(\.conversation.key.external).sorted() == expected, "\(number)")
        let count = try await store.read { try $0.conversationCount(asked) }
        #expect(count == expected.count, "\(number)")
      }
      let report = try await store.write(as: "ann", at: .hour(24 * 93)) { try $0.prune() }
      #expect(report.conversations == 2)
      #expect(try await store.read { try $0.countedLogs().isEmpty })
    }
  }
}
