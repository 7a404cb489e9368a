import Model
import Store
import TestSupport
import Testing

/// What is stored of resources: states over time, and their lines.
struct ResourceTests {
  @Test(arguments: TestDatabase.all)
  func `new, changed, gone and back again leave exact intervals`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      let numbers = try await sample.scan(["a": "1", "b": "1"], at: .hour(0))
      let scans: [(hour: Int64, lines: [String: String])] = [
        (1, ["a": "2", "b": "1"]), (2, ["a": "2"]), (3, ["a": "2", "b": "1"]),
        (5, ["a": "3", "b": "2"]), (6, ["a": "3", "b": "2"]), (7, ["b": "2"]),
      ]
      for scan in scans {
        let found = try await sample.scan(scan.lines, at: .hour(scan.hour))
        #expect(found == numbers.filter { scan.lines.keys.contains($0.key) })
      }
      let a = try #require(numbers["a"])
      let b = try #require(numbers["b"])
      let histories = [try await sample.history(of: a), try await sample.history(of: b)]
      #expect(
        histories[0] == [
          Span("1", .hour(0), .hour(1)), Span("2", .hour(1), .hour(5)),
          Span("3", .hour(5), .hour(7)),
        ]
      )
      #expect(
        histories[1] == [
          Span("1", .hour(0), .hour(2)), Span("1", .hour(3), .hour(5)), Span("2", .hour(5)),
        ]
      )
      let lines = try await store.read { transaction in
        let instants = [Instant.hour(2).advanced(milliseconds: -1), .hour(2), .hour(3), .never]
        return try instants.map { instant in
          let state = try transaction.state(of: b, at: instant)
          return state?.verdicts ?? "none"
        }
      }
      #expect(lines == ["verdicts 1", "none", "verdicts 1", "verdicts 2"])
      let first = try await store.read { transaction in
        try transaction.state(of: a, at: Instant.start.advanced(milliseconds: -1)) == nil
      }
      #expect(first)
      let changed = try await store.read { transaction in
        try [
          transaction.changed(after: .hour(1), upTo: .hour(2)),
          transaction.changed(after: .hour(3), upTo: .hour(4)),
          transaction.changed(after: .hour(0), upTo: .hour(1)),
          transaction.changed(after: .hour(4), upTo: .never),
          transaction.changed(after: .hour(6), upTo: .hour(7)),
        ]
      }
      #expect(changed == [[b], [], [a], [a, b].sorted(), [a]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `present and past states hold all that was found`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      try await sample.scan(["a": "1"], at: .hour(0))
      try await sample.scan(["a": "2"], at: .hour(1))
      for (line, hour) in [("1", Int64(0)), ("2", 1)] {
        let found = try await store.read { try $0.state(of: 1, at: .hour(hour)) }
        let state = try #require(found)
        #expect(state.resource == 1 && state.account == sample.account && state.kind == sample.kind)
        #expect(state.id == "a" && state.name == "name \(line)")
        #expect(state.region == "region \(line)" && state.group == "group \(line)")
        #expect(state.tags == "tags \(line)" && state.verdicts == "verdicts \(line)")
        #expect(state.fingerprint == sample.fingerprint(line))
        #expect(state.layout == 0)
      }
      let named = try await store.read { transaction in
        try ["a", "name 2", "name 1", "nobody"].map { name in
          try transaction.resources(named: name).map(\.resource)
        }
      }
      #expect(named == [[1], [1], [], []])
      let vectors = try await store.read { transaction in
        var vectors: [String] = []
        try transaction.vectors(at: .never) {
          resource,
          account,
          region,
          group,
          kind,
          layout,
          verdicts in
          vectors.append("\(resource) \(account) \(region) \(group) \(kind) \(layout) \(verdicts)")
        }
        return vectors
      }
      #expect(vectors == ["1 1 region 2 group 2 1 0 verdicts 2"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `states are asked for by account and kind`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let one = try await StoreSample(store)
      let two = try await StoreSample(store, account: "a2")
      try await one.scan(["a": "1", "b": "1"], at: .hour(0))
      try await two.scan(["a": "1"], at: .hour(0))
      try await one.scan(["a": "2", "b": "1"], at: .hour(1))
      let filters = [
        StateFilter(), StateFilter(account: two.account), StateFilter(kind: one.kind),
        StateFilter(kind: 99),
      ]
      let counts = try await store.read { transaction in
        try filters.map { filter in
          var count = 0
          try transaction.states(at: .hour(0), filter) { _ in count += 1 }
          return count
        }
      }
      #expect(counts == [3, 1, 3, 0])
      let entries = try await store.read { transaction in
        [
          try transaction.stateEntries().count,
          try transaction.stateEntries(account: two.account).count,
        ]
      }
      #expect(entries == [3, 1])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a record of another account is refused and nothing is kept`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let one = try await StoreSample(store)
      let two = try await StoreSample(store, account: "a2")
      let numbers = try await two.scan(["mine": "1"], at: .hour(0))
      let mine = try #require(numbers["mine"])
      let refusal = StoreError.otherAccount(expected: "a1", found: "a2", record: "x")
      await #expect(throws: refusal) {
        try await store.write(as: "tests", at: .hour(1)) { transaction in
          var blocks = BlockBuilder()
          _ = blocks.append(Array("line".utf8)[...])
          return try transaction.store(
            [one.found("a", "line"), two.found("x", "line")],
            blocks.finish(),
            of: one.account,
            at: .hour(1)
          )
        }
      }
      // A number of another account's resource is no way in either.
      let error = await #expect(throws: StoreError.self) {
        try await store.write(as: "tests", at: .hour(1)) { transaction in
          try transaction.store(
            [one.found("new", "line"), one.found("mine", "2", known: mine)],
            [],
            of: one.account,
            at: .hour(1)
          )
        }
      }
      #expect(error?.word == "conflict")
      let counts = try await store.read { transaction in
        try ["resources", "versions", "blocks"].map { try transaction.session.count($0) }
      }
      #expect(counts == [1, 0, 1])
      let history = try await two.history(of: mine)
      #expect(history == [Span("1", .hour(0))])
    }
  }

  @Test(arguments: TestDatabase.all, [Int64(2), 1])
  func `a second state at the same or an earlier instant is refused`(
    kind: TestDatabase,
    hour: Int64
  ) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      try await sample.scan(["a": "1"], at: .hour(0))
      try await sample.scan(["a": "2"], at: .hour(2))
      let error = await #expect(throws: StoreError.self) {
        try await sample.scan(["a": "3", "new": "1"], at: .hour(hour))
      }
      #expect(error?.word == "conflict")
      let history = try await sample.history(of: 1)
      #expect(history == [Span("1", .hour(0), .hour(2)), Span("2", .hour(2))])
      try await #expect(store.read { try $0.session.count("resources") } == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a resource that is stored twice as new is refused`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      let error = await #expect(throws: SQLError.self) {
        try await store.write(as: "tests", at: .hour(0)) { transaction in
          try transaction.store(
            [sample.found("a", "1"), sample.found("b", "1"), sample.found("a", "2")],
            [],
            of: sample.account,
            at: .hour(0)
          )
        }
      }
      #expect(error?.word == "constraint")
      try await #expect(store.read { try $0.session.count("resources") } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `lines are given back as they were`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      var lines: [String: String] = [:]
      for number in 0..<1300 { lines["r\(number + 1000)"] = "{\"ü\":\"\\n🦊\",\"n\":\(number)}" }
      // One line that is longer than a block, in the middle.
      lines["r1700"] = String(repeating: "long ", count: 80_000)
      try await sample.scan(lines, at: .hour(0))
      let states = try await sample.states(at: .hour(0))
      let found = Dictionary(states.map { ($0.id, $0.span.line) }) { first, _ in first }
      #expect(states.count == 1300)
      #expect(found == lines)
      try await #expect(store.read { try $0.session.count("blocks") } == 5)
      let faults = try await store.read { try $0.contentFaults() }
      #expect(faults == [])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a line that is not there any more is told`(kind: TestDatabase) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      try await sample.scan(["a": "1", "b": "2"], at: .hour(0))
      for statement in [
        "UPDATE resources SET slot = 7", "UPDATE blocks SET content = $1", "DELETE FROM blocks",
      ] {
        let values: [SQLValue] = statement.contains("$1") ? [.bytes([1, 2, 3])] : []
        try await store.write(as: "tests", at: .hour(1)) { transaction in
          _ = try transaction.session.run(statement, values)
        }
        let error = await #expect(throws: StoreError.self) { try await sample.states(at: .hour(0)) }
        #expect(error?.word == "damaged", "\(statement)")
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `proofs stand with the state that they prove`(kind: TestDatabase) async throws {
    let rule = Rule(
      id: "r",
      title: "Title",
      target: Rule.Target(kinds: [ResourceKind(service: "s3", kind: "bucket")]),
      requiredConfig: .leaf(Condition.Leaf(PropertyPath([.key("on")]), .isTrue))
    )
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      let proofs = try await store.write(as: "tests", at: .hour(1)) { transaction in
        let goal = try transaction.goal(rule, [:])
        let numbers = try transaction.store(
          [sample.found("a", "1", proofs: [(goal: goal, proof: "{\"ü\":1}")])],
          [],
          of: sample.account,
          at: .hour(1)
        )
        return [
          try transaction.proof(of: goal, resource: numbers[0], from: .hour(1)),
          try transaction.proof(of: goal, resource: numbers[0], from: .hour(2)),
          try transaction.proof(of: goal + 1, resource: numbers[0], from: .hour(1)),
        ]
      }
      #expect(proofs == ["{\"ü\":1}", nil, nil])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `verdicts that change by themselves are told of present resources`(
    kind: TestDatabase
  ) async throws {
    try await kind.withStore { store in
      let sample = try await StoreSample(store)
      let before = try await store.read { try $0.volatileVerdicts() }
      #expect(before == [:])
      let found = try await store.write(as: "tests", at: .hour(0)) { transaction in
        let fixed = try transaction.layout(kind: sample.kind, goals: [], isVolatile: false).id
        let volatile = try transaction.layout(kind: sample.kind, goals: [], isVolatile: true).id
        let numbers = try transaction.store(
          [
            sample.found("a", "1", layout: volatile), sample.found("b", "2", layout: fixed),
            sample.found("c", "3", layout: volatile),
          ],
          [],
          of: sample.account,
          at: .hour(0)
        )
        try transaction.endAsGone([numbers[2]], at: .hour(1))
        let verdicts = try transaction.volatileVerdicts()
        return (numbers: numbers, verdicts: verdicts)
      }
      #expect(found.verdicts == [found.numbers[0]: "verdicts 1"])
    }
  }
}
