import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

struct ReachChangeTests {
  private static let stop = #"{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*"}"#
  private static let office = #"""
    {"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*",
     "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}
    """#

  private static func estate(_ bench: Bench, at instant: Instant) async throws -> ReachEstate {
    let facts = try ReachKit.facts()
    return try await bench.store.read { transaction in
      var estate = ReachEstate(facts)
      try estate.add(transaction, at: instant)
      return estate
    }
  }

  private static func changes(_ bench: Bench, _ from: Int, _ to: Int) async throws -> [String] {
    try await ReachChange.all(
      from: estate(bench, at: hour(from)),
      to: estate(bench, at: hour(to)),
      ReachFilter()
    ).map(text)
  }

  private static func text(_ change: ReachChange) -> String {
    let holder = (change.after ?? change.before)?.holder.name ?? ""
    return "\(change.kind.rawValue) \(holder) \(change.before?.certainty.rawValue ?? "-") > "
      + (change.after?.certainty.rawValue ?? "-")
  }

  @Test func `who is not seen where something was unread may be there all the same`() throws {
    let ann = try ReachKit.holder("user", "ann", Self.stop)
    func estate(_ lines: [JSONValue], _ gap: String?) throws -> ReachEstate {
      try ReachKit.estate(
        [ReachKit.machine()] + lines + ReachKit.coverage("user", gap: gap)
          + ReachKit.coverage("role")
      )
    }
    let (whole, part) = (try estate([ann], nil), try estate([], "AccessDenied"))
    func changes(_ first: ReachEstate, _ second: ReachEstate) -> [String] {
      ReachChange.all(from: first, to: second, ReachFilter()).map(Self.text)
    }
    #expect(changes(whole, part) == ["changed ann certain > unknown"])
    #expect(changes(part, whole) == ["changed ann unknown > certain"])
    #expect(changes(whole, try estate([], nil)) == ["lost ann certain > -"])
    #expect(changes(part, part) == [])
  }

  @Test(arguments: TestDatabase.all)
  func `who gained and who lost access follows from what is kept`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      func scan(_ number: Int, _ lines: [JSONValue]) async throws {
        _ = try await bench.scan(
          ([ReachKit.machine()] + lines + ReachKit.whole).map(\.text),
          at: hour(number),
          account: ReachKit.account
        )
      }
      let ann = try ReachKit.holder("user", "ann", Self.stop)
      try await scan(0, [ann, ReachKit.holder("user", "bob", Self.stop)])
      try await scan(
        2,
        [
          ann, ReachKit.holder("user", "bob", Self.office),
          ReachKit.holder("user", "eve", Self.stop),
        ]
      )
      #expect(
        try await Self.changes(bench, 0, 2) == [
          "changed bob certain > conditional", "gained eve - > certain",
        ]
      )
      #expect(try await Self.changes(bench, 2, 3) == [])
      let history = try await bench.store.read { transaction in
        try ResourceHistory.all(named: "bob", transaction)[0].steps.flatMap(\.fields).map(\.path)
      }
      #expect(
        history == ["configuration.UserPolicyList[0].PolicyDocument.Statement[0].Condition"]
      )
    }
  }
}
