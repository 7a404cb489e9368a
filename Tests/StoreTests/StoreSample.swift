import Foundation
import Model
import Store
import Synchronization
import TestSupport

extension Instant {
  /// 2026-01-01T00:00:00Z.
  static let start = Instant(milliseconds: 1_767_225_600_000)

  /// Some hours after the start.
  static func hour(_ hours: Int64) -> Instant { start.advanced(milliseconds: hours * 3_600_000) }

  /// Some days after the start.
  static func day(_ days: Int) -> Instant { start.advanced(days: days) }
}

extension TestDatabase {
  /// Hands over a new store.
  func withStore<R>(_ body: (DataStore) async throws -> R) async throws -> R {
    try await with { database in
      let store = try await DataStore(database)
      return try await body(store)
    }
  }
}

extension SQLError {
  /// Which error it is, without its message.
  var word: String {
    switch self {
    case .unreachable: "unreachable"
    case .busy: "busy"
    case .constraint: "constraint"
    case .full: "full"
    case .corrupt: "corrupt"
    case .refused: "refused"
    }
  }
}

extension StoreError {
  /// Which error it is, without its details.
  var word: String {
    switch self {
    case .newer: "newer"
    case .otherMigration: "other migration"
    case .otherAccount: "other account"
    case .noDatabase: "no database"
    case .noScore: "no score"
    case .notFound: "not found"
    case .conflict: "conflict"
    case .damaged: "damaged"
    case .leaseLost: "lease lost"
    }
  }
}

extension SQLSession {
  /// How many rows a table has.
  func count(_ table: String) throws -> Int64 {
    try first("SELECT count(*) FROM \(table)") { $0.integer(0) } ?? -1
  }
}

/// Something that one task waits for and another does.
final class Flag: Sendable {
  private let isSet = Atomic(false)

  func set() { isSet.store(true, ordering: .releasing) }

  /// Waits on a thread that may be blocked; false where it is not set within 180 seconds.
  func wait() -> Bool {
    for _ in 0..<180_000 {
      if isSet.load(ordering: .acquiring) { return true }
      Thread.sleep(forTimeInterval: 0.001)
    }
    return false
  }

  /// Waits in a task; false where it is not set within 180 seconds.
  func isSetSoon() async throws -> Bool {
    try await eventually(pause: .milliseconds(1)) { isSet.load(ordering: .acquiring) }
  }
}

/// What a resource was over an interval: its line of the inventory.
struct Span: Hashable, Sendable, CustomStringConvertible {
  var line: String
  var begins: Instant
  var ends: Instant

  init(_ line: String, _ begins: Instant, _ ends: Instant = .never) {
    self.line = line
    self.begins = begins
    self.ends = ends
  }

  var description: String { "\(line) \(begins)–\(ends)" }
}

/// Resources of one account, stored as a scan stores them.
struct StoreSample: Sendable {
  let store: DataStore
  let account: Int64
  let kind: Int64

  init(_ store: DataStore, account name: String = "a1") async throws {
    self.store = store
    let numbers = try await store.write(as: "tests", at: .start) { transaction in
      (
        try transaction.account(provider: "aws", account: name),
        try transaction.kind(ResourceKind(service: "s3", kind: "bucket"))
      )
    }
    account = numbers.0
    kind = numbers.1
  }

  /// The fingerprint of a line.
  func fingerprint(_ line: String) -> Fingerprint {
    Fingerprint(account: 0, kind: 0, resource: line, seed: store.seed)
  }

  /// A resource as a scan finds it; all of it but the id follows from its line.
  func found(
    _ id: String,
    _ line: String,
    known: Int64? = nil,
    place: (block: Int, slot: Int) = (0, 0),
    layout: Int64 = 0,
    proofs: [(goal: Int64, proof: String)] = []
  ) -> FoundResource {
    let short = line.prefix(20)
    return FoundResource(
      known: known,
      account: account,
      kind: kind,
      key: Fingerprint(account: account, kind: kind, resource: id, seed: store.seed),
      region: "region \(short)",
      group: "group \(short)",
      id: id,
      name: "name \(short)",
      tags: "tags \(short)",
      fingerprint: fingerprint(line),
      layout: layout,
      verdicts: "verdicts \(short)",
      block: place.block,
      slot: place.slot,
      proofs: proofs
    )
  }

  /// Stores what a complete scan found, lines by id, and returns the numbers by id.
  @discardableResult
  func scan(_ lines: [String: String], at instant: Instant) async throws -> [String: Int64] {
    try await store.write(as: "tests", at: instant) { transaction in
      try scan(lines, at: instant, in: transaction)
    }
  }

  private func scan(
    _ lines: [String: String],
    at instant: Instant,
    in transaction: StoreTransaction
  ) throws -> [String: Int64] {
    let index = StateIndex(try transaction.stateEntries(account: account))
    var blocks = BlockBuilder()
    var resources: [FoundResource] = []
    var numbers: [String: Int64] = [:]
    for (id, line) in lines.sorted(by: { $0.key < $1.key }) {
      let resource = found(id, line)
      let known = index.place(key: resource.key).map { index.entries[$0] }
      if let known, known.isCurrent, known.fingerprint == resource.fingerprint {
        numbers[id] = known.resource
        continue
      }
      let place = blocks.append(Array(line.utf8)[...])
      resources.append(found(id, line, known: known?.resource, place: place))
    }
    let stored = try transaction.store(resources, blocks.finish(), of: account, at: instant)
    for (resource, number) in zip(resources, stored) { numbers[resource.id] = number }
    let seen = Set(numbers.values)
    let gone = index.entries.filter { $0.isCurrent && !seen.contains($0.resource) }
    try transaction.endAsGone(gone.map(\.resource), at: instant)
    return numbers
  }

  /// Every state of a resource with its line.
  func history(of number: Int64) async throws -> [Span] {
    try await store.read { transaction in
      let states = try transaction.history(of: number)
      return try zip(states, transaction.lines(of: states)).map { state, line in
        Span(String(decoding: line, as: UTF8.self), state.begins, state.ends)
      }
    }
  }

  /// The states at an instant with their lines, by id, ascending.
  func states(at instant: Instant) async throws -> [(id: String, span: Span)] {
    try await store.read { transaction in
      var states: [StoredState] = []
      try transaction.states(at: instant) { states.append($0) }
      return try zip(states, transaction.lines(of: states)).map {
        state,
        line -> (id: String, span: Span) in
        let text = String(decoding: line, as: UTF8.self)
        return (id: state.id, span: Span(text, state.begins, state.ends))
      }.sorted { $0.id < $1.id }
    }
  }
}
