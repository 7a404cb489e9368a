import Engine
import Model
import Store

/// How many resources there are as of an instant at each spot that are judged alike.
///
/// Figures of many filters come from one of it: most resources are as others are, and what they were judged is
/// looked at once.
struct ResultTally: Sendable {
  /// Where resources are, as far as they are told apart, and by which layout they are judged.
  struct Spot: Hashable, Sendable {
    var account: Int64
    var region: String
    var group: String
    var kind: Int64
    var layout: Int64
  }

  /// Resources at one spot that are judged alike.
  struct Crowd: Sendable {
    /// A place in the texts of the columns.
    var text: Int32
    var count: Int32
  }

  /// What was counted.
  let columns: VerdictColumns
  private let crowds: [Crowd]
  /// Where the crowds of each spot begin.
  private let starts: [Int]
  /// How many failures exceptions cover, by spot and column.
  private var excepted: [Spot: [Int: Int]] = [:]

  /// Counts all resources of columns.
  init(_ columns: VerdictColumns) {
    self.columns = columns
    var counts = Array(repeating: Int32(0), count: columns.vectors.count)
    for vector in columns.vectorOf where vector >= 0 { counts[Int(vector)] += 1 }
    var starts = Array(repeating: 0, count: columns.spots.count + 1)
    for (vector, count) in zip(columns.vectors, counts) where count > 0 {
      starts[Int(vector.spot) + 1] += 1
    }
    for spot in columns.spots.indices { starts[spot + 1] += starts[spot] }
    var crowds = Array(repeating: Crowd(text: 0, count: 0), count: starts[columns.spots.count])
    var next = starts
    for (vector, count) in zip(columns.vectors, counts) where count > 0 {
      crowds[next[Int(vector.spot)]] = Crowd(text: vector.text, count: count)
      next[Int(vector.spot)] += 1
    }
    (self.crowds, self.starts) = (crowds, starts)
  }

  /// Notes that an exception covers a failure.
  mutating func except(at spot: Spot, column: Int) {
    excepted[spot, default: [:]][column, default: 0] += 1
  }

  /// The crowds at a spot, by its place among those of the columns.
  func crowds(at spot: Int) -> ArraySlice<Crowd> { crowds[starts[spot]..<starts[spot + 1]] }

  /// How many failures at a spot exceptions cover, by column.
  func excepted(at spot: Int) -> [Int: Int] {
    excepted.isEmpty ? [:] : excepted[columns.spots[spot]] ?? [:]
  }
}

/// Adds up what crowds of many spots were judged, column by column.
struct CrowdSums {
  /// Verdicts of one layout.
  private struct Text: Hashable {
    var layout: Int64
    var text: Int32
  }

  private struct Sum {
    var text: Text
    /// What one of the crowd comes to, the columns that are asked for together.
    var each: ResultFigures.Counts
    var count = 0
  }

  private let texts: [String]
  /// By layout whether a column is asked for.
  private let isAsked: [Int64: [Bool]]
  private var sums: [Sum] = []
  private var places: [Text: Int] = [:]
  /// By layout and column the failures that exceptions cover.
  private var excepted: [Int64: [Int: Int]] = [:]

  /// Sums over the texts of columns, of the columns of layouts that are asked for.
  init(_ texts: [String], asking isAsked: [Int64: [Bool]]) {
    (self.texts, self.isAsked) = (texts, isAsked)
  }

  /// Adds what is at a spot; returns its counts, all columns that are asked for together.
  mutating func add(_ tally: ResultTally, at spot: Int) -> ResultFigures.Counts {
    var here = ResultFigures.Counts()
    let layout = tally.columns.spots[spot].layout
    guard let asked = isAsked[layout] else { return here }
    for crowd in tally.crowds(at: spot) {
      let place = place(of: Text(layout: layout, text: crowd.text), asked)
      sums[place].count += Int(crowd.count)
      here.verdicts &+= sums[place].each.verdicts &* SIMD4(repeating: Int(crowd.count))
    }
    for (column, count) in tally.excepted(at: spot) where column < asked.count && asked[column] {
      excepted[layout, default: [:]][column, default: 0] += count
      here.excepted += count
    }
    return here
  }

  private mutating func place(of text: Text, _ asked: [Bool]) -> Int {
    if let known = places[text] { return known }
    var each = ResultFigures.Counts()
    for (isAsked, letter) in zip(asked, texts[Int(text.text)].utf8) where isAsked {
      if let verdict = Verdict(letter: letter) { each.add(verdict, 1, excepted: 0) }
    }
    places[text] = sums.count
    sums.append(Sum(text: text, each: each))
    return sums.count - 1
  }

  /// Hands over the counts of every column that was asked for and has some.
  func each(_ body: (_ layout: Int64, _ column: Int, ResultFigures.Counts) -> Void) {
    var all = isAsked.mapValues { Array(repeating: ResultFigures.Counts(), count: $0.count) }
    for sum in sums {
      guard let asked = isAsked[sum.text.layout] else { continue }
      for (column, letter) in zip(asked.indices, texts[Int(sum.text.text)].utf8)
      where asked[column] {
        guard let verdict = Verdict(letter: letter) else { continue }
        all[sum.text.layout]?[column].add(verdict, sum.count, excepted: 0)
      }
    }
    for (layout, columns) in excepted {
      for (column, count) in columns { all[layout]?[column].excepted += count }
    }
    for (layout, columns) in all {
      for (column, counts) in columns.enumerated() where counts.all > 0 {
        body(layout, column, counts)
      }
    }
  }
}

extension ResultTally.Spot {
  init(_ state: StoredState) {
    self.init(
      account: state.account,
      region: state.region,
      group: state.group,
      kind: state.kind,
      layout: state.layout
    )
  }
}

extension Verdict {
  /// The verdict's place in ``Verdict/allCases``.
  var place: Int {
    switch self {
    case .pass: 0
    case .fail: 1
    case .unknown: 2
    case .notApplicable: 3
    }
  }
}
