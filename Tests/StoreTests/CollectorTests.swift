import JSON
import Model
import Store
import TestSupport
import Testing

/// Collectors that work away from the server, and how a copy of one is noticed.
struct CollectorTests {
  private static let held = CollectorRecord.Credential(name: "audit", provider: "aws", account: "7")

  private static func register(
    _ store: DataStore,
    _ name: String = "plant",
    key: String = "key one",
    code: String = "code"
  ) async throws -> CollectorRecord? {
    try await store.write(as: "collector", at: .hour(1)) { transaction in
      try transaction.registerCollector(
        codeDigest: code,
        publicKey: key,
        host: "host",
        version: "1",
        address: "10.0.0.1"
      )
    }
  }

  private static func addCode(_ store: DataStore, _ name: String = "plant", _ code: String = "code")
    async throws
  {
    try await store.write(as: "ann", at: .hour(0)) { transaction in
      try transaction.addCollectorCode(name, digest: code, expiresAt: .hour(24))
    }
  }

  /// A collector that may work.
  private static func approved(_ store: DataStore) async throws -> Int64 {
    try await addCode(store)
    let id = try #require(try await register(store)).id
    try await store.write(as: "ann", at: .hour(2)) { try $0.approveCollector(id) }
    return id
  }

  /// Polls; a poll's next ticket is `after` and its id.
  private static func poll(
    _ store: DataStore,
    _ id: Int64,
    _ poll: String,
    _ ticket: String,
    running: [Int64: JSONValue] = [:],
    at hour: Int64 = 3
  ) async throws -> CollectorAnswer {
    let told = CollectorPoll(
      id: poll,
      ticket: ticket,
      version: "2",
      credentials: [held],
      running: running
    )
    return try await store.write(as: "collector \(id)", at: .hour(hour)) { transaction in
      try transaction.answer(told, of: id, ticket: "after \(poll)") { current in
        try transaction.work(of: current, running: running, room: 1, until: .hour(hour + 1))
      }
    }
  }

  private static func reply(_ answer: CollectorAnswer) throws -> JSONValue {
    guard case .reply(let reply) = answer else {
      Issue.record("the poll is stale")
      return .null
    }
    return reply
  }

  @Test(arguments: TestDatabase.all)
  func `a code registers one key, and tells it again what came of it`(_ database: TestDatabase)
    async throws
  {
    try await database.with { database in
      let store = try await DataStore(database)
      try await Self.addCode(store)
      let first = try #require(try await Self.register(store))
      #expect(first.state == .requested)
      #expect(try await Self.register(store) == first)
      #expect(try await Self.register(store, key: "key two") == nil)
      #expect(try await Self.register(store, code: "guessed") == nil)
      await #expect(throws: StoreError.self) { try await Self.addCode(store, "plant", "another") }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `before it is approved it gets no work`(_ database: TestDatabase) async throws {
    try await database.with { database in
      let store = try await DataStore(database)
      try await Self.addCode(store)
      let id = try #require(try await Self.register(store)).id
      let reply = try Self.reply(try await Self.poll(store, id, "one", ""))
      #expect(reply["state"] == "requested")
      await #expect(throws: StoreError.self) {
        try await store.write(as: "ann", at: .hour(3)) { transaction in
          try transaction.enqueue(collector: id, credential: "audit")
        }
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a poll that is sent again has the same answer`(_ database: TestDatabase) async throws {
    try await database.with { database in
      let store = try await DataStore(database)
      let id = try await Self.approved(store)
      let first = try await Self.poll(store, id, "one", "")
      #expect(try await Self.poll(store, id, "one", "") == first)
      _ = try await Self.poll(store, id, "two", "after one")
      // Held up on its way: no copy, and no answer.
      #expect(try await Self.poll(store, id, "one", "") == .stale)
      #expect(try await store.read { try $0.collector(id) }.state == .approved)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `two that poll with one key are stopped, until somebody approves`(_ database: TestDatabase)
    async throws
  {
    try await database.with { database in
      let store = try await DataStore(database)
      let id = try await Self.approved(store)
      _ = try await Self.poll(store, id, "one", "")
      _ = try await Self.poll(store, id, "two", "after one")
      let copy = try Self.reply(try await Self.poll(store, id, "copy", "after one"))
      #expect(copy["state"] == "stopped")
      #expect(copy["reason"]?.string?.contains("copied") == true)
      let original = try Self.reply(try await Self.poll(store, id, "three", "after two"))
      #expect(original["state"] == "stopped")
      let actions = try await store.read { try $0.auditEntries(AuditQuery()) }.map(\.action)
      #expect(actions.contains("collector.stop"))
      try await store.write(as: "ann", at: .hour(4)) { try $0.approveCollector(id) }
      let again = try Self.reply(try await Self.poll(store, id, "four", "after two"))
      #expect(again["state"] == "approved")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `jobs of a collector's credential are for it alone`(_ database: TestDatabase) async throws {
    try await database.with { database in
      let store = try await DataStore(database)
      let id = try await Self.approved(store)
      _ = try await Self.poll(store, id, "one", "")
      let job = try await store.write(as: "ann", at: .hour(3)) { transaction in
        try transaction.enqueue(collector: id, credential: "audit").job
      }
      let leased = try await store.write(as: "worker", at: .hour(4)) { transaction in
        #expect(try !transaction.hasFreeJob(at: .hour(4)))
        return try transaction.leaseJob(to: "worker", until: .hour(5))
      }
      #expect(leased == nil)
      let reply = try Self.reply(try await Self.poll(store, id, "two", "after one", at: 4))
      #expect(reply["commands"]?.array?.first?["job"] == .integer(job))
      #expect(reply["commands"]?.array?.first?["credential"] == "audit")
      // It says nothing of the job, so it did not hear of it.
      let next = try Self.reply(try await Self.poll(store, id, "three", "after two", at: 4))
      #expect(next["commands"]?.array?.first?["job"] == .integer(job))
      let busy = try Self.reply(
        try await Self.poll(store, id, "four", "after three", running: [job: ["calls": 3]], at: 5)
      )
      #expect(busy["commands"]?.array?.isEmpty == true)
      let held = try await store.read { try $0.job(job) }
      #expect(held.leasedUntil == .hour(6))
      #expect(held.progress["calls"] == 3)
      try await store.write(as: "ann", at: .hour(5)) { try $0.cancelJob(job) }
      let last = try Self.reply(
        try await Self.poll(store, id, "five", "after four", running: [job: [:]], at: 5)
      )
      #expect(last["cancel"] == [.integer(job)])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `one judge at a time holds an upload`(_ database: TestDatabase) async throws {
    try await database.with { database in
      let store = try await DataStore(database)
      let id = try await Self.approved(store)
      try await store.write(as: "x", at: .hour(4)) { transaction in
        _ = try transaction.upload(of: 9, by: id, path: "/a")
        #expect(try transaction.holdUpload(of: 9, judge: "one", until: .hour(5)))
        #expect(try !transaction.holdUpload(of: 9, judge: "two", until: .hour(5)))
        #expect(try transaction.holdUpload(of: 9, judge: "one", until: .hour(5)))
      }
      try await store.write(as: "x", at: .hour(6)) { transaction in
        #expect(try transaction.holdUpload(of: 9, judge: "two", until: .hour(7)))
        try transaction.endUpload(of: 9, judge: "two", scan: 3)
        #expect(try !transaction.holdUpload(of: 9, judge: "two", until: .hour(7)))
        #expect(try transaction.upload(of: 9)?.scan == 3)
      }
    }
  }
}
