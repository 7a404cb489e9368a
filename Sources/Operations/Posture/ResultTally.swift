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

  private(set) var cells: [Spot: Cell] = [:]
  private let weights: [Int64: [Int]]

  init(_ facts: PostureFacts) {
    weights = facts.layouts.mapValues { layout in
      layout.goals.map { facts.goals[$0]?.severity.weight ?? 0 }
    }
  }

  /// Adds one resource.
  mutating func add(_ resource: Int64, at spot: Spot, _ verdicts: String) {
    guard let weights = weights[spot.layout] else { return }
    cells[spot, default: Cell(counts: Array(repeating: 0, count: weights.count * Self.width))]
      .add(resource, verdicts, weights)
  }

  /// Notes that an exception covers a failure that was added.
  mutating func except(at spot: Spot, column: Int) {
    cells[spot]?.counts[column * Self.width + Self.width - 1] += 1
  }
}

extension ResultTally.Cell {
  fileprivate mutating func add(_ resource: Int64, _ verdicts: String, _ weights: [Int]) {
    var weight = 0
    for (column, letter) in verdicts.utf8.enumerated() where column < weights.count {
      guard let verdict = Verdict(letter: letter) else { continue }
      counts[column * ResultTally.width + verdict.place] += 1
      if verdict == .fail { weight += weights[column] }
    }
    if weight > 0 { keep(ResultTally.Burden(resource: resource, weight: weight)) }
  }

  private mutating func keep(_ burden: ResultTally.Burden) {
    if heaviest.count == ResultTally.kept {
      guard let last = heaviest.last, last.weight < burden.weight else { return }
      heaviest.removeLast()
    }
    let place = heaviest.firstIndex { $0.weight < burden.weight } ?? heaviest.count
    heaviest.insert(burden, at: place)
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
