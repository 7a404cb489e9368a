import JSON
import Model
import Store
import TestSupport
import Testing

/// By what is judged: accounts, kinds, goals, layouts and profiles, each under one number.
struct RegistryTests {
  private static func rule(_ id: String, version: Int = 1) -> Rule {
    Rule(
      id: id,
      version: version,
      title: "Title of \(id)",
      severity: .high,
      target: Rule.Target(kinds: [ResourceKind(service: "s3", kind: "bucket")]),
      requiredConfig: .leaf(Condition.Leaf(PropertyPath([.key("on")]), .isTrue))
    )
  }

  @Test(arguments: TestDatabase.all)
  func `accounts are found again under one number`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      for hour in [Int64(0), 1] {
        let numbers = try await store.write(as: "tests", at: .hour(hour)) { transaction in
          [
            try transaction.account(provider: "aws", account: "1"),
            try transaction.account(provider: "gcp", account: "1"),
            try transaction.account(provider: "aws", account: "2"),
            try transaction.account(provider: "aws", account: "1"),
          ]
        }
        #expect(numbers == [1, 2, 3, 1])
      }
      let accounts = try await store.read { try $0.accounts() }
      #expect(
        accounts.mapValues { "\($0.provider) \($0.account)" } == [
          1: "aws 1", 2: "gcp 1", 3: "aws 2",
        ]
      )
      #expect(accounts[1]?.name == "" && accounts[1]?.parent == nil)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an account gets a name and a place in the tree`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let accounts = try await store.write(as: "ann", at: .start) { transaction in
        let parent = try transaction.account(provider: "aws", account: "org")
        let child = try transaction.account(provider: "aws", account: "1")
        try transaction.place(child, name: "Ledger", parent: parent)
        return try transaction.accounts()
      }
      #expect(accounts[2]?.name == "Ledger")
      #expect(accounts[2]?.parent == 1)
      let error = await #expect(throws: SQLError.self) {
        try await store.write(as: "ann", at: .start) { try $0.place(2, name: "", parent: 99) }
      }
      #expect(error?.word == "constraint")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `people have names and addresses that are some`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let refused = [
        ("", ""), ("a\u{7}b", ""), (String(repeating: "n", count: 201), ""), ("ann", "ann"),
        ("ann", "ann@"), ("ann", "a@b@c"), ("ann", "ann lee@example.com"),
      ]
      for (name, email) in refused {
        await #expect(throws: StoreError.self, "\(name) \(email)") {
          try await store.write(as: "tests", at: .start) { try $0.addPerson(name, email: email) }
        }
      }
      let found = try await store.write(as: "tests", at: .start) { transaction in
        let ann = try transaction.addPerson("ann", email: "ann@example.com")
        return (ann, try transaction.isInUse(), try transaction.people())
      }
      #expect(!found.1 && found.2 == [found.0])
      await #expect(throws: StoreError.self) {
        try await store.write(as: "tests", at: .start) {
          try $0.setIdentity(of: found.0.id, email: "no", issuer: "", subject: "")
        }
      }
      let isInUse = try await store.write(as: "tests", at: .start) { transaction in
        try transaction.beginSession(digest: "d", of: found.0.id, expiresAt: .never)
        return try transaction.isInUse()
      }
      #expect(isInUse)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `kinds are found again under one number`(kind: TestDatabase) async throws {
    let kinds = [
      ResourceKind(service: "s3", kind: "bucket"), ResourceKind(service: "s3", kind: "object"),
      ResourceKind(service: "cos", kind: "bucket"),
    ]
    try await kind.withStore { store in
      for hour in [Int64(0), 1] {
        let numbers = try await store.write(as: "tests", at: .hour(hour)) { transaction in
          try kinds.map { try transaction.kind($0) }
        }
        #expect(numbers == [1, 2, 3])
      }
      let found = try await store.read { try $0.kinds() }
      #expect(found == [1: kinds[0], 2: kinds[1], 3: kinds[2]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a goal is a version of a rule with its parameters`(kind: TestDatabase) async throws {
    let parameters: [String: JSONValue] = [
      "days": 30, "names": ["a", "ü\n"], "share": .number(0.5),
    ]
    try await kind.withStore { store in
      for hour in [Int64(0), 1] {
        let numbers = try await store.write(as: "tests", at: .hour(hour)) { transaction in
          [
            try transaction.goal(Self.rule("r"), parameters),
            try transaction.goal(Self.rule("r"), [:]),
            try transaction.goal(Self.rule("r", version: 2), parameters),
            try transaction.goal(Self.rule("q"), parameters),
            try transaction.goal(Self.rule("r"), parameters),
          ]
        }
        #expect(numbers == [1, 2, 3, 4, 1])
      }
      let goals = try await store.read { try $0.goals() }
      #expect(goals.mapValues(\.rule) == [1: "r", 2: "r", 3: "r", 4: "q"])
      #expect(goals.mapValues(\.version) == [1: 1, 2: 1, 3: 2, 4: 1])
      #expect(goals[1]?.parameters == parameters)
      #expect(goals[2]?.parameters == [:])
      #expect(goals[1]?.severity == .high)
      let digest = try #require(goals[3]?.digest)
      let documents = try await store.read { transaction in
        [try transaction.ruleDocument(digest), try transaction.ruleDocument("no digest")]
      }
      #expect(documents == [Self.rule("r", version: 2).document, nil])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a layout is a kind, an order of goals and whether it changes by itself`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      for hour in [Int64(0), 1] {
        let numbers = try await store.write(as: "tests", at: .hour(hour)) { transaction in
          let one = try transaction.kind(ResourceKind(service: "s3", kind: "bucket"))
          let two = try transaction.kind(ResourceKind(service: "s3", kind: "object"))
          return [
            try transaction.layout(kind: one, goals: [1, 2], isVolatile: false).id,
            try transaction.layout(kind: one, goals: [2, 1], isVolatile: false).id,
            try transaction.layout(kind: one, goals: [1, 2], isVolatile: true).id,
            try transaction.layout(kind: two, goals: [1, 2], isVolatile: false).id,
            try transaction.layout(kind: two, goals: [], isVolatile: false).id,
            try transaction.layout(kind: one, goals: [1, 2], isVolatile: false).id,
          ]
        }
        #expect(numbers == [1, 2, 3, 4, 5, 1])
      }
      let layouts = try await store.read { try $0.layouts() }
      #expect(
        layouts.mapValues(\.goals) == [1: [1, 2], 2: [2, 1], 3: [1, 2], 4: [1, 2], 5: []]
      )
      #expect(layouts.filter { $0.value.isVolatile }.keys.sorted() == [3])
      #expect(layouts[4]?.kind == 2)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `each version of a profile is kept once`(kind: TestDatabase) async throws {
    func profile(_ version: String, _ title: String = "Profile") -> Profile {
      Profile(
        id: "p",
        version: version,
        effectiveDate: "2026-01-01",
        title: title,
        controls: [
          Profile.Control(id: "1", title: "One", goals: [Goal(rule: "r", parameters: ["days": 3])])
        ]
      )
    }
    let versions = [profile("1"), profile("2"), profile("2", "Another title")]
    try await kind.withStore { store in
      var digests: [String] = []
      for hour in [Int64(0), 1, 2, 0, 1, 2] {
        let version = versions[Int(hour)]
        digests.append(
          try await store.write(as: "tests", at: .hour(hour)) { try $0.keep(version) }
        )
      }
      #expect(digests[3...] == digests[..<3])
      #expect(Set(digests).count == 3)
      let kept = try await store.read { try $0.profileVersions().map(\.digest) }
      #expect(kept == Array(digests[..<3]))
      let second = digests[1]
      let documents = try await store.read { transaction in
        [try transaction.profileDocument(second), try transaction.profileDocument("none")]
      }
      #expect(documents == [versions[1].document, nil])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `eight writers at once take no number twice`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let all = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for writer in 0..<8 {
          group.addTask {
            try await store.write(as: "w\(writer)", at: .start) { transaction in
              try (0..<5).map {
                try transaction.account(provider: "aws", account: "\(writer)-\($0)")
              }
            }
          }
        }
        return try await group.reduce(into: [Int64]()) { $0 += $1 }
      }
      #expect(all.sorted() == Array(Int64(1)...40))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `eight who name one new account at once get one number`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let all = try await withThrowingTaskGroup(of: Int64.self) { group in
        for writer in 0..<8 {
          group.addTask {
            try await store.write(as: "w\(writer)", at: .start) { transaction in
              try transaction.account(provider: "aws", account: "new")
            }
          }
        }
        return try await group.reduce(into: [Int64]()) { $0.append($1) }
      }
      #expect(all.count == 8 && Set(all).count == 1)
      try await #expect(store.read { try $0.accounts().count } == 1)
    }
  }
}
