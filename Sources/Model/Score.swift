package import JSON

/// How much of what could be judged is as required, weighted by severity.
///
/// The score is the weight of the passed results over the weight of the passed and failed ones.
/// Unknown and not applicable results are outside the ratio and shown beside it; excepted failures
/// are counted both ways.
package struct Score: Sendable, Equatable {
  /// Weights by verdict.
  package private(set) var passed = 0
  package private(set) var failed = 0
  package private(set) var unknown = 0
  /// The part of ``failed`` that exceptions cover.
  package private(set) var excepted = 0
  /// Results by verdict, in the order of ``Verdict/allCases``.
  package private(set) var counts = [0, 0, 0, 0]

  /// The formula in words, printed wherever the score is.
  package static let formula =
    "score = weight passed / (weight passed + weight failed); weights: "
    + "critical 10, high 5, medium 3, low 1; unknown is outside and shown beside it"

  package init() {}

  /// The score of some results.
  package init(_ records: some Sequence<ResultRecord>) {
    for record in records {
      add(record.verdict, record.severity, isExcepted: record.exception != nil)
    }
  }

  /// Adds one result.
  package mutating func add(_ verdict: Verdict, _ severity: Severity, isExcepted: Bool) {
    change(verdict, weight: severity.weight, isExcepted, by: 1)
  }

  /// Adds some results that are alike.
  package mutating func add(_ verdict: Verdict, _ severity: Severity, count: Int) {
    change(verdict, weight: severity.weight, false, by: count)
  }

  /// Adds what other results come to.
  package mutating func add(_ other: Score) {
    passed += other.passed
    failed += other.failed
    unknown += other.unknown
    excepted += other.excepted
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// Adds one result of a weight.
  package mutating func insert(_ verdict: Verdict, weight: Int, _ isExcepted: Bool) {
    change(verdict, weight: weight, isExcepted, by: 1)
  }

  /// Takes one result of a weight away again.
  package mutating func remove(_ verdict: Verdict, weight: Int, _ isExcepted: Bool) {
    change(verdict, weight: weight, isExcepted, by: -1)
  }

  private mutating func change(_ verdict: Verdict, weight: Int, _ isExcepted: Bool, by count: Int) {
    switch verdict {
    case .pass:
      passed += weight * count
      counts[0] += count
    case .fail:
      failed += weight * count
      if isExcepted { excepted += weight * count }
      counts[1] += count
    case .unknown:
      unknown += weight * count
      counts[2] += count
    case .notApplicable: counts[3] += count
    }
  }

  /// Notes that failures of some weight are covered by exceptions.
  package mutating func except(weight: Int) { excepted += weight }

  /// The figures, for ``init(_:)-(JSONValue)``.
  package var json: JSONValue {
    [
      "passed": .integer(Int64(passed)), "failed": .integer(Int64(failed)),
      "unknown": .integer(Int64(unknown)), "excepted": .integer(Int64(excepted)),
      "results": .array(counts.map { .integer(Int64($0)) }),
    ]
  }

  /// Reads figures back; nil where the value holds none.
  package init?(_ json: JSONValue) {
    guard let passed = json["passed"]?.whole, let failed = json["failed"]?.whole,
      let unknown = json["unknown"]?.whole, let excepted = json["excepted"]?.whole,
      let counts = json["results"]?.array?.compactMap(\.whole), counts.count == 4
    else { return nil }
    self.passed = passed
    self.failed = failed
    self.unknown = unknown
    self.excepted = excepted
    self.counts = counts
  }

  /// The score from 0 to 100; nil when nothing passed or failed.
  package var value: Double? { Self.ratio(passed, passed + failed) }

  /// The score with excepted failures left out; nil when nothing else passed or failed.
  package var valueWithExceptions: Double? { Self.ratio(passed, passed + failed - excepted) }

  /// The shares of pass, fail and unknown in everything that was to be judged, from 0 to 100.
  package var bands: (pass: Double, fail: Double, unknown: Double) {
    let all = passed + failed + unknown
    return (
      Self.ratio(passed, all) ?? 0, Self.ratio(failed, all) ?? 0, Self.ratio(unknown, all) ?? 0
    )
  }

  private static func ratio(_ part: Int, _ whole: Int) -> Double? {
    whole == 0 ? nil : 100 * Double(part) / Double(whole)
  }
}
