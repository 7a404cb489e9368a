import Engine
import Model
import Store

/// How many results there are as of an instant, by where their resources are, goal and verdict.
///
/// It is counted in one walk over the verdicts and is small whatever the number of resources, so
/// figures of many filters come from one of it.
struct ResultTally: Sendable {
  /// Where resources are, as far as they are told apart.
  struct Spot: Hashable, Sendable {
    var account: Int64
    var region: String
    var group: String
    var kind: Int64
    var layout: Int64
  }

  /// A resource with the weight of its failures.
  struct Burden: Sendable {
    var resource: Int64
    var weight: Int

    /// Whether it comes first: by weight, then by number.
    func isBefore(_ other: Burden) -> Bool {
      (other.weight, resource) < (weight, other.resource)
    }
  }

  /// The resources at one spot.
  struct Cell: Sendable {
    /// For each column of the layout the results by verdict in the order of ``Verdict/allCases``, and
    /// then how many of the failures exceptions cover.
    var counts: [Int]
    /// Those whose failures weigh most, heaviest first.
    var heaviest: [Burden] = []

    /// The results of a column, and those of them that exceptions cover.
    func counts(_ column: Int, leavesOutExcepted: Bool) -> ResultFigures.Counts {
      var found = ResultFigures.Counts()
      let base = column * ResultTally.width
      for verdict in Verdict.allCases {
        found.verdicts[verdict.place] = counts[base + verdict.place]
      }
      let excepted = counts[base + ResultTally.width - 1]
      if leavesOutExcepted {
        found.verdicts[Verdict.fail.place] -= excepted
      } else {
        found.excepted = excepted
      }
      return found
    }
  }

  /// How many numbers a column takes.
  static let width = 5
  /// How many of the heaviest a spot keeps.
  static let kept = 20

  /// Resources at one spot that have the same verdicts.
  private struct Alike: Hashable {
    var spot: Spot
    var verdicts: String
  }

  /// How many there are, and the first of them by number.
  fileprivate struct Crowd {
    var count = 0
    var first: [Int64] = []
  }

  private(set) var cells: [Spot: Cell] = [:]
  /// What was added and is not in the cells yet: most resources are as others are, and their verdicts are
  /// looked at once.
  private var crowds: [Alike: Crowd] = [:]
  private let weights: [Int64: [Int]]

  init(_ facts: PostureFacts) {
    weights = facts.layouts.mapValues { layout in
      layout.goals.map { facts.goals[$0]?.severity.weight ?? 0 }
    }
  }

  /// Adds one resource; ``settle()`` brings it into the cells.
  mutating func add(_ resource: Int64, at spot: Spot, _ verdicts: String) {
    crowds[Alike(spot: spot, verdicts: verdicts), default: Crowd()].add(resource)
    if crowds.count == Self.together { settle() }
  }

  /// Notes that an exception covers a failure that is added before or after.
  mutating func except(at spot: Spot, column: Int) {
    guard let weights = weights[spot.layout] else { return }
    cells[spot, default: Cell(columns: weights.count)]
      .counts[column * Self.width + Self.width - 1] += 1
  }

  /// Brings everything that was added into the cells.
  mutating func settle() {
    for (alike, crowd) in crowds {
      guard let weights = weights[alike.spot.layout] else { continue }
      cells[alike.spot, default: Cell(columns: weights.count)].add(crowd, alike.verdicts, weights)
    }
    crowds = [:]
  }

  /// How many different ones wait at a time.
  private static let together = 50_000
}

extension ResultTally.Crowd {
  mutating func add(_ resource: Int64) {
    count += 1
    if first.count == ResultTally.kept {
      guard let last = first.last, resource < last else { return }
      first.removeLast()
    }
    first.insert(resource, at: first.lastIndex { $0 < resource }.map { $0 + 1 } ?? 0)
  }
}

extension ResultTally.Cell {
  fileprivate init(columns: Int) {
    counts = Array(repeating: 0, count: columns * ResultTally.width)
  }

  fileprivate mutating func add(
    _ crowd: ResultTally.Crowd,
    _ verdicts: String,
    _ weights: [Int]
  ) {
    var weight = 0
    for (column, letter) in verdicts.utf8.enumerated() where column < weights.count {
      guard let verdict = Verdict(letter: letter) else { continue }
      counts[column * ResultTally.width + verdict.place] += crowd.count
      if verdict == .fail { weight += weights[column] }
    }
    guard weight > 0 else { return }
    for resource in crowd.first { keep(ResultTally.Burden(resource: resource, weight: weight)) }
  }

  private mutating func keep(_ burden: ResultTally.Burden) {
    if heaviest.count == ResultTally.kept {
      guard let last = heaviest.last, burden.isBefore(last) else { return }
      heaviest.removeLast()
    }
    heaviest.insert(burden, at: heaviest.firstIndex { burden.isBefore($0) } ?? heaviest.count)
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
