import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

/// A change of score, split by cause.
struct ScoreExplanationTests {
  /// Two instants, each some time after a scan, and whose score is asked for.
  private struct Pair: Sendable {
    var from: Instant
    var to: Instant
    var part: RandomEstate.Part
    /// Whether nothing but versions of rules differs between the two, exceptions and time aside.
    var isVersionOnly: Bool
  }

  private static let isLong = ProcessInfo.processInfo.environment["PLUMB_LONG_TESTS"] == "1"
  private static let scans = 200
  /// An explanation takes some 20 ms in a debug build, so 10,000 of them are only asked for with
  /// `PLUMB_LONG_TESTS=1` in the environment.
  private static let pairs = isLong ? 10_000 : 1_500

  @Test func `the parts of a change sum to it, whatever changed`() async throws {
    try await Bench.with(.sqlite) { bench in
      var estate = RandomEstate(seed: 2026)
      let steps = try await estate.scan(Self.scans, bench)
      let pairs = Self.pairs(of: steps)
      #expect(pairs.count >= Self.pairs)
      let moments = Set(pairs.map(\.to)).sorted()
      let scores = try await Self.scores(bench, moments)
      #expect(scores.count == moments.count)
      var found = Findings()
      try await withThrowingTaskGroup(of: Findings.self) { group in
        for start in stride(from: 0, to: pairs.count, by: 50) {
          let some = Array(pairs[start..<min(start + 50, pairs.count)])
          group.addTask {
            try await bench.store.read { try Self.explain(some, scores, $0) }
          }
        }
        for try await part in group { found.merge(part) }
      }
      #expect(found.faults.count == 0, "\(found.faults.prefix(5).joined(separator: "\n"))")
      #expect(found.explained == pairs.count)
      #expect(found.causes == Set(ScoreCause.allCases))
      #expect(found.versionOnly > 50)
      #expect(found.withExceptions > pairs.count / 10)
    }
  }

  /// What explaining some pairs came to.
  private struct Findings: Sendable {
    var faults: [String] = []
    var causes: Set<ScoreCause> = []
    var explained = 0
    var versionOnly = 0
    var withExceptions = 0

    mutating func merge(_ other: Findings) {
      faults += other.faults
      causes.formUnion(other.causes)
      explained += other.explained
      versionOnly += other.versionOnly
      withExceptions += other.withExceptions
    }
  }

  /// Random pairs of different moments, and every pair within a run of new versions.
  private static func pairs(of steps: [RandomEstate.Step]) -> [Pair] {
    var random = SplitMix64(seed: 7)
    var pairs: [Pair] = []
    /// A pair of two scans, each looked at some minutes after it, when exceptions were decided.
    func add(_ one: Int, _ other: Int) {
      let common = Set(steps[one].parts).intersection(steps[other].parts)
        .sorted { ($0.scope, $0.profile) < ($1.scope, $1.profile) }
      let minutes = (0..<2).map { _ in Int64.random(in: 0...1, using: &random) * 40 * 60_000 }
      pairs.append(
        Pair(
          from: steps[one].instant.advanced(milliseconds: minutes[0]),
          to: steps[other].instant.advanced(milliseconds: minutes[1]),
          part: common[Int.random(in: common.indices, using: &random)],
          isVersionOnly: steps[(one + 1)...other].allSatisfy { $0.changes == [.version] }
        )
      )
    }
    for step in 1..<steps.count where steps[step].changes == [.version] { add(step - 1, step) }
    while pairs.count < Self.pairs {
      let one = Int.random(in: 0..<steps.count - 1, using: &random)
      add(one, Int.random(in: one + 1..<steps.count, using: &random))
    }
    return pairs
  }

  /// The scores that status tells at some moments.
  private static func scores(
    _ bench: Bench,
    _ moments: [Instant]
  ) async throws -> [Instant: [RandomEstate.Part: Score]] {
    try await bench.store.read { transaction in
      var scores: [Instant: [RandomEstate.Part: Score]] = [:]
      for moment in moments {
        for standing in try Status(transaction, at: moment).standings {
          let entry = standing.entry
          let part = RandomEstate.Part(scope: entry.scope, profile: entry.profile)
          scores[moment, default: [:]][part] = entry.score
        }
      }
      return scores
    }
  }

  private static func explain(
    _ pairs: [Pair],
    _ scores: [Instant: [RandomEstate.Part: Score]],
    _ transaction: StoreTransaction
  ) throws -> Findings {
    let explainer = try ScoreExplainer(transaction)
    var found = Findings()
    for pair in pairs {
      let explanation = try explainer.explain(
        scope: pair.part.scope,
        profile: pair.part.profile,
        from: pair.from,
        to: pair.to
      )
      let name = "\(pair.part.profile)@\(pair.part.scope) from \(pair.from) to \(pair.to)"
      let sum = explanation.parts.map(\.change).reduce(0, +)
      if sum != explanation.change {
        found.faults.append("\(name): the parts sum to \(sum), not \(explanation.change)")
      }
      let score = scores[pair.to]?[pair.part]
      if score != explanation.after {
        let told = score?.json.text ?? "nothing"
        found.faults.append("\(name): \(explanation.after.json.text), and status tells \(told)")
      }
      let causes = Set(explanation.parts.map(\.cause))
      let others: Set<ScoreCause> = [.configuration, .resourcesCame, .resourcesWent]
      if pair.isVersionOnly {
        found.versionOnly += 1
        if !causes.isDisjoint(with: others) {
          found.faults.append("\(name): only versions changed, not \(causes)")
        }
      }
      found.explained += 1
      found.causes.formUnion(causes)
      if explanation.after.excepted > 0 { found.withExceptions += 1 }
    }
    return found
  }

  @Test(arguments: TestDatabase.all)
  func `each change is told under its own cause`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      let b1 = Bucket(id: "b1", isEncrypted: false)
      let b2 = Bucket(id: "b2")
      let b3 = Bucket(id: "b3", isLogged: false)
      let plan = try Kit.plan([Kit.encrypted()])
      let newer = try Kit.plan([Kit.encrypted(version: 2)])
      try await bench.scan([b1.line, b2.line], at: hour(0), plan)
      try await bench.scan([Bucket(id: "b1").line, b2.line], at: hour(1), plan)
      try await bench.scan([Bucket(id: "b1").line, b2.line, b3.line], at: hour(2), plan)
      try await bench.scan([Bucket(id: "b1").line, b2.line, b3.line], at: hour(3), newer)
      try await bench.scan([b2.line, b3.line], at: hour(4), newer)
      let unread = Bucket(id: "b3", unread: ["logging"])
      try await bench.scan([b2.line, unread.line], at: hour(5), newer)
      let expected: [(Int, ScoreCause, Int, [String])] = [
        (1, .configuration, 50_000_000, ["bucket.encrypted on b1"]),
        (2, .resourcesCame, 0, ["bucket.encrypted on b3"]),
        (3, .contentVersion, -33_333_333, ["bucket.encrypted"]),
        (4, .resourcesWent, -16_666_667, ["bucket.encrypted on b1"]),
        (5, .coverage, 50_000_000, ["bucket.encrypted on b3"]),
      ]
      for (number, cause, change, examples) in expected {
        let explanation = try await bench.store.read { transaction in
          try ScoreExplainer(transaction).explain(
            scope: "",
            profile: "",
            from: hour(number - 1),
            to: hour(number)
          )
        }
        #expect(explanation.parts.map(\.cause) == [cause])
        #expect(explanation.parts.map(\.change) == [change])
        #expect(explanation.change == change)
        if cause == .contentVersion {
          #expect(explanation.parts.map(\.results) == [3])
        } else {
          #expect(explanation.parts.map(\.examples) == [examples])
        }
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a resource that was not read again counts the same wherever it is counted`(
    database: TestDatabase
  ) async throws {
    try await Bench.with(database) { bench in
      let lines = [Bucket(id: "b1", isEncrypted: false).line, Bucket(id: "b2").line]
      try await bench.scan(lines, at: hour(0), try Kit.plan([Kit.encrypted()]))
      // What this one lacks stays as it was, judged by the version before.
      let newer = try Kit.plan([Kit.encrypted(version: 2)])
      try await bench.scan([lines[1]], at: hour(1), newer, isComplete: false)
      let (status, explained, results) = try await bench.store.read { transaction in
        let explanation = try ScoreExplainer(transaction).explain(
          scope: "",
          profile: "",
          from: hour(0),
          to: hour(1)
        )
        var score = Score()
        var reader = try ResultReader(transaction, at: hour(1))
        try reader.results(ResultFilter()) { result in
          score.add(result.verdict, result.goal.severity, isExcepted: false)
        }
        let status = try Status(transaction, at: hour(1)).standings.map(\.entry.score)
        return (status, explanation.after, score)
      }
      #expect(results.counts == [1, 1, 0, 0])
      #expect(status == [results])
      #expect(explained == results)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a profile without goals has no score to explain`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      var manual = Kit.profile("manual", [Goal(rule: "bucket.encrypted")])
      manual.controls[0].goals = []
      let plan = try Kit.plan(attachments: [(scope: "", profile: manual)])
      try await bench.scan([Bucket(id: "b1").line], at: hour(0), plan)
      try await bench.scan([Bucket(id: "b1", isEncrypted: false).line], at: hour(1), plan)
      let explanation = try await bench.store.read { transaction in
        try ScoreExplainer(transaction).explain(
          scope: "",
          profile: "manual",
          from: hour(0),
          to: hour(1)
        )
      }
      #expect(explanation.after == Score())
      #expect(explanation.parts.isEmpty)
    }
  }
}
