import Model
import Store
import Synchronization

/// Something of every resource that there is, in memory by the resources' numbers.
///
/// Counting and searching a large estate then reads no row of the store: only what changed since is read, and
/// put in its place.
protocol EstateColumns: Sendable {
  init()
  /// Takes over what a resource is now.
  mutating func set(_ row: EstateRow)
  /// Forgets a resource.
  mutating func remove(_ resource: Int64)
  /// Whether so much was replaced that they are better made anew.
  var isWorn: Bool { get }
}

/// Keeps columns of one store, as things are now and as they were at instants that were asked for last.
final class EstateKeeper<Columns: EstateColumns>: Sendable {
  private struct Kept {
    /// How often results had changed, and resources had been removed for good.
    var changes: Int64
    var removals: Int64
    var columns: Columns
    /// What was taken over last: since which number of changes, and the resources.
    var recent: [(since: Int64, resources: [Int64])] = []

    /// Notes what was taken over, of which only so much is kept.
    mutating func note(_ resources: [Int64]) {
      recent.append((changes, resources))
      while recent.reduce(0, { $0 + $1.resources.count }) > 20_000 { recent.removeFirst() }
    }
  }

  private let present = Mutex<Kept?>(nil)
  private let former = Mutex<[(instant: Instant, kept: Kept)]>([])
  /// How many former instants are kept.
  private static var most: Int { 2 }

  /// The columns as of an instant, which may be now, as the transaction sees them.
  ///
  /// Whoever asks while another reads what changed waits for that.
  func columns(_ transaction: StoreTransaction, at instant: Instant) throws -> Columns {
    let changes = try transaction.changeCount()
    let removals = try transaction.removalCount()
    var now = try present.withLock { present in
      // Taken out meanwhile, so that they are changed in their place; after a fault they are made anew.
      let last = present
      present = nil
      let kept = try Self.renewed(last, transaction, changes, removals)
      present = kept
      return kept
    }
    // Another may have read changes that this transaction does not see.
    let isOwn = now.changes == changes && now.removals == removals
    if !isOwn { now = try Self.former(now, transaction, changes, removals) }
    if try transaction.isPresentEstate(at: instant) { return now.columns }
    return try former.withLock { former in
      former.removeAll { $0.kept.changes < changes || $0.kept.removals < removals }
      let known = former.first {
        $0.instant == instant && $0.kept.changes == changes && $0.kept.removals == removals
      }
      if let known { return known.kept.columns }
      var kept = now
      try transaction.estate(
        differingAt: instant,
        gone: { kept.columns.remove($0) },
        there: { kept.columns.set($0) }
      )
      if isOwn { former = former.suffix(Self.most - 1) + [(instant, kept)] }
      return kept.columns
    }
  }

  private static func made(_ transaction: StoreTransaction, _ changes: Int64, _ removals: Int64)
    throws -> Kept
  {
    var columns = Columns()
    try transaction.presentEstate { columns.set($0) }
    return Kept(changes: changes, removals: removals, columns: columns)
  }

  private static func renewed(
    _ last: consuming Kept?,
    _ transaction: StoreTransaction,
    _ changes: Int64,
    _ removals: Int64
  ) throws -> Kept {
    guard var kept = last, !kept.columns.isWorn, kept.removals >= removals else {
      return try made(transaction, changes, removals)
    }
    guard kept.changes < changes else { return kept }
    var resources: [Int64] = []
    try transaction.estate(changedSince: kept.changes) { row in
      resources.append(row.resource)
      if row.isPresent { kept.columns.set(row) } else { kept.columns.remove(row.resource) }
    }
    kept.note(resources)
    kept.changes = changes
    return kept
  }

  /// What was before the last changes, as a transaction sees it that began before them.
  private static func former(
    _ last: Kept,
    _ transaction: StoreTransaction,
    _ changes: Int64,
    _ removals: Int64
  ) throws -> Kept {
    guard last.removals == removals, let first = last.recent.first, first.since <= changes else {
      return try made(transaction, changes, removals)
    }
    var kept = last
    // Of a part that began before, more than what changed since is looked at again.
    let parts = last.recent.enumerated().filter { index, _ in
      index + 1 == last.recent.count || last.recent[index + 1].since > changes
    }
    let resources = Set(parts.flatMap { $0.element.resources })
    for resource in resources { kept.columns.remove(resource) }
    try transaction.estate(of: resources.sorted()) { if $0.isPresent { kept.columns.set($0) } }
    (kept.changes, kept.removals, kept.recent) = (changes, removals, [])
    return kept
  }
}

/// Texts and other values by numbers, each once.
struct Numbered<Value: Hashable & Sendable>: Sendable {
  private(set) var values: [Value] = []
  private var numbers: [Value: Int32] = [:]

  /// The number of a value.
  mutating func number(_ value: Value) -> Int32 {
    if let known = numbers[value] { return known }
    let number = Int32(values.count)
    values.append(value)
    numbers[value] = number
    return number
  }
}

/// Where every resource is and how it was judged.
struct VerdictColumns: EstateColumns {
  /// What resources have in common that are at one spot and judged alike.
  struct Vector: Hashable, Sendable {
    /// A place in ``spots``.
    var spot: Int32
    /// A place in ``texts``.
    var text: Int32
  }

  private struct Numbers: Hashable, Sendable {
    var account: Int64
    var region: Int32
    var group: Int32
    var kind: Int64
    var layout: Int64
  }

  private var numbered = Numbered<Numbers>()
  private var names = Numbered<String>()
  private var verdicts = Numbered<String>()
  private var alike = Numbered<Vector>()
  private(set) var spots: [ResultTally.Spot] = []
  /// By the number of a resource a place in ``vectors``, or less than 0 where there is none.
  private(set) var vectorOf: [Int32] = []
  private var present = 0

  /// What resources at one spot have in common that are judged alike.
  var vectors: [Vector] { alike.values }
  /// The verdicts of vectors, a letter for each place of the layout.
  var texts: [String] { verdicts.values }
  /// How many resources there are at each of ``spots``.
  var spotCounts: [Int] {
    var counts = Array(repeating: 0, count: spots.count)
    for vector in vectorOf where vector >= 0 { counts[Int(vectors[Int(vector)].spot)] += 1 }
    return counts
  }
  /// Whether vectors that no resource has any more are many beside those that resources have.
  var isWorn: Bool { alike.values.count > 2 * present + 1000 }

  mutating func set(_ row: EstateRow) {
    let spot = ResultTally.Spot(
      account: row.account,
      region: row.region,
      group: row.group,
      kind: row.kind,
      layout: row.layout
    )
    set(row.resource, at: spot, row.verdicts)
  }

  /// Takes over where a resource is and how it was judged.
  mutating func set(_ resource: Int64, at spot: ResultTally.Spot, _ text: String) {
    let number = numbered.number(
      Numbers(
        account: spot.account,
        region: names.number(spot.region),
        group: names.number(spot.group),
        kind: spot.kind,
        layout: spot.layout
      )
    )
    if number == spots.count { spots.append(spot) }
    let vector = alike.number(Vector(spot: number, text: verdicts.number(text)))
    let place = Int(resource)
    if place >= vectorOf.count {
      vectorOf += Array(repeating: -1, count: place + 1 - vectorOf.count)
    }
    if vectorOf[place] < 0 { present += 1 }
    vectorOf[place] = vector
  }

  mutating func remove(_ resource: Int64) {
    guard Int(resource) < vectorOf.count, vectorOf[Int(resource)] >= 0 else { return }
    vectorOf[Int(resource)] = -1
    present -= 1
  }
}
