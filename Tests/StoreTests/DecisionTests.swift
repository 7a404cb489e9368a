import JSON
import Model
import Store
import TestSupport
import Testing

/// What people decide over time: scopes, attachments and marks.
struct DecisionTests {
  private static func scope(
    _ name: String,
    parent: String = "",
    _ includes: String...,
    without excludes: [String] = []
  ) throws -> Scope {
    Scope(
      name: name,
      parent: parent,
      includes: try includes.map { try Scope.Selector($0) },
      excludes: try excludes.map { try Scope.Selector($0) }
    )
  }

  private static func profile(_ id: String, _ version: String) -> Profile {
    Profile(
      id: id,
      version: version,
      effectiveDate: "2026-01-01",
      title: "Profile \(id)",
      controls: [Profile.Control(id: "1", title: "One", goals: [Goal(rule: "r")])]
    )
  }

  /// Runs one change as a transaction of its own.
  private static func change(
    _ store: DataStore,
    at hour: Int64,
    _ body: @Sendable @escaping (StoreTransaction) throws -> Void
  ) async throws {
    try await store.write(as: "ann", at: .hour(hour), body)
  }

  @Test(arguments: TestDatabase.all)
  func `a scope is what it was at each instant`(kind: TestDatabase) async throws {
    let first = try Self.scope("prod", "account=prod-*,tag:env=live", "provider=ibm")
    let second = try Self.scope(
      "prod",
      "account=prod-*",
      without: ["region=eu-*", "kind=s3/bucket"]
    )
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { try $0.put(first) }
      try await Self.change(store, at: 3) { try $0.put(second) }
      try await Self.change(store, at: 5) { try $0.removeScope("prod") }
      let expected: [Int64: [Scope]] = [
        0: [], 1: [first], 2: [first], 3: [second], 4: [second], 5: [], 6: [],
      ]
      for (hour, scopes) in expected {
        let found = try await store.read { try $0.scopes(at: .hour(hour)) }
        #expect(found == scopes, "hour \(hour)")
      }
      let atLast = try await store.read { transaction in
        [
          try transaction.scopes(at: Instant.hour(3).advanced(milliseconds: -1)),
          try transaction.scopes(at: Instant.hour(5).advanced(milliseconds: -1)),
          try transaction.scopes(at: .never),
        ]
      }
      #expect(atLast == [[first], [second], []])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `of two changes at one instant the last one counts`(kind: TestDatabase) async throws {
    let first = try Self.scope("prod", "account=a")
    let second = try Self.scope("prod", "account=b")
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { transaction in
        try transaction.put(first)
        try transaction.put(second)
      }
      let found = try await store.read { transaction in
        [try transaction.scopes(at: .hour(1)), try transaction.scopes(at: .never)]
      }
      #expect(found == [[second], [second]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `cycles and unknown names of scopes are refused`(kind: TestDatabase) async throws {
    let a = try Self.scope("a", "account=1")
    let b = try Self.scope("b", parent: "a", "account=1")
    let c = try Self.scope("c", "scope=b")
    let faults: [(scope: Scope, words: String)] = [
      (try Self.scope("x", parent: "nowhere"), "names the scope \"nowhere\", which is not there"),
      (try Self.scope("x", "scope=nowhere"), "names the scope \"nowhere\", which is not there"),
      (try Self.scope("x", without: ["scope=nowhere"]), "which is not there"),
      (try Self.scope("x", parent: "x"), "contains itself"),
      (try Self.scope("a", parent: "b"), "contains itself"),
      (try Self.scope("a", parent: "c"), "contains itself"),
      (try Self.scope("a", "account=1", without: ["scope=c"]), "contains itself"),
    ]
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { transaction in
        for scope in [a, b, c] { try transaction.put(scope) }
      }
      for fault in faults {
        let scope = fault.scope
        let error = await #expect(throws: ScopeError.self) {
          try await Self.change(store, at: 2) { try $0.put(scope) }
        }
        #expect(error?.description.contains(fault.words) == true, "\(String(describing: error))")
      }
      let found = try await store.read { try $0.scopes(at: .never) }
      #expect(found == [a, b, c])
      try await #expect(store.read { try $0.session.count("audit_log") } == 3)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a scope that is used is not removed`(kind: TestDatabase) async throws {
    let a = try Self.scope("a", "account=1")
    let b = try Self.scope("b", parent: "a")
    let profile = Self.profile("p", "1")
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { transaction in
        try transaction.put(a)
        try transaction.put(b)
        _ = try transaction.attach(profile, to: "b", parameters: [:], schedule: "")
      }
      for (name, word) in [("a", "conflict"), ("b", "conflict"), ("c", "not found")] {
        let error = await #expect(throws: StoreError.self) {
          try await Self.change(store, at: 2) { try $0.removeScope(name) }
        }
        #expect(error?.word == word, "\(name)")
      }
      let found = try await store.read { try $0.scopes(at: .never) }
      #expect(found == [a, b])
      try await Self.change(store, at: 3) { transaction in
        try transaction.detach(1)
        try transaction.removeScope("b")
        try transaction.removeScope("a")
      }
      let left = try await store.read { try $0.scopes(at: .never) }
      #expect(left == [])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an attachment is what it was at each instant`(kind: TestDatabase) async throws {
    let scope = try Self.scope("prod", "account=prod-*")
    let parameters: [String: [String: JSONValue]] = [
      "r": ["days": 30, "names": ["a", "b"]], "q": [:],
    ]
    let (one, two) = (Self.profile("p", "1"), Self.profile("p", "2"))
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { transaction in
        try transaction.put(scope)
        _ = try transaction.attach(one, to: "prod", parameters: parameters, schedule: "every 24h")
        _ = try transaction.attach(one, to: "", parameters: [:], schedule: "")
      }
      try await Self.change(store, at: 3) { transaction in
        _ = try transaction.attach(two, to: "prod", parameters: [:], schedule: "")
      }
      try await Self.change(store, at: 5) { try $0.detach(3) }
      let expected: [Int64: [String]] = [
        0: [], 1: ["1 p 1 prod", "2 p 1 "], 2: ["1 p 1 prod", "2 p 1 "],
        3: ["2 p 1 ", "3 p 2 prod"], 4: ["2 p 1 ", "3 p 2 prod"], 5: ["2 p 1 "],
      ]
      for (hour, texts) in expected {
        let found = try await store.read { try $0.attachments(at: .hour(hour)) }
        #expect(found.map { "\($0.id) \($0.profile) \($0.version) \($0.scope)" } == texts)
      }
      let found = try await store.read { try $0.attachments(at: .hour(2)) }
      let first = try #require(found.first)
      #expect(first.parameters == parameters)
      #expect(first.schedule == "every 24h")
      #expect(first.digest == Digest.sha256(of: one.document))
      #expect(first.begins == .hour(1) && first.ends == .hour(3))
      let faults: [(word: String, body: @Sendable (StoreTransaction) throws -> Void)] = [
        (
          "not found",
          { _ = try $0.attach(one, to: "nowhere", parameters: [:], schedule: "") }
        ),
        ("not found", { try $0.detach(3) }), ("not found", { try $0.detach(99) }),
      ]
      for fault in faults {
        let error = await #expect(throws: StoreError.self) {
          try await Self.change(store, at: 6, fault.body)
        }
        #expect(error?.word == fault.word)
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a mark is what it was at each instant`(kind: TestDatabase) async throws {
    func mark(_ value: String, _ kind: Mark.Kind = .dataKind) -> Mark {
      Mark(subject: .resource, name: "arn:*", kind: kind, value: value)
    }
    let (customer, application, none) = (mark("customer"), mark("application"), mark(""))
    let owner = mark("Team Ü", .owner)
    try await kind.withStore { store in
      try await Self.change(store, at: 1) { try $0.set(customer) }
      try await Self.change(store, at: 2) { try $0.set(owner) }
      try await Self.change(store, at: 3) { try $0.set(application) }
      try await Self.change(store, at: 5) { try $0.set(none) }
      let expected: [Int64: [Mark]] = [
        0: [], 1: [customer], 2: [customer, owner], 3: [owner, application],
        4: [owner, application], 5: [owner], 6: [owner],
      ]
      for (hour, marks) in expected {
        let found = try await store.read { try $0.marks(at: .hour(hour)) }
        #expect(found == marks, "hour \(hour)")
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `marks that cannot be are refused`(kind: TestDatabase) async throws {
    let marks: [(mark: Mark, word: String)] = [
      (Mark(subject: .resource, name: "r", kind: .dataKind, value: "secret"), "conflict"),
      (Mark(subject: .resource, name: "r", kind: .criticality, value: "High"), "conflict"),
      (Mark(subject: .scope, name: "nowhere", kind: .owner, value: "ann"), "not found"),
    ]
    try await kind.withStore { store in
      for (mark, word) in marks {
        let error = await #expect(throws: StoreError.self) {
          try await Self.change(store, at: 1) { try $0.set(mark) }
        }
        #expect(error?.word == word)
      }
      let scope = try Self.scope("prod", "account=1")
      try await Self.change(store, at: 1) { transaction in
        try transaction.put(scope)
        try transaction.set(Mark(subject: .scope, name: "prod", kind: .criticality, value: "high"))
      }
      let found = try await store.read { try $0.marks(at: .never).map(\.value) }
      #expect(found == ["high"])
    }
  }
}
