import JSON
package import Model
package import Store
import Synchronization

/// Keeps decisions in the store without holding up whoever asks.
///
/// Entries wait in memory, at most ``most`` of them, and are written together a moment later. What
/// finds no room, or cannot be written before the process ends, is lost and told of: it is counted,
/// and the audit log says how many there were once the database takes entries again.
package final class DecisionLog: Sendable {
  private struct State {
    var waiting: [LoggedDecision] = []
    /// What writes, from the first entry that waits until none does.
    var writer: Task<Void, Never>?
    /// Whether a writer waits to try again.
    var isRetrying = false
    /// How many entries are on their way into the store.
    var leaving = 0
    /// How many were lost and are not told of in the store yet.
    var untold = 0
    var lost = 0
    /// When the last one that was lost was decided.
    var lostAt: Instant?

    mutating func lose(_ entries: some Collection<LoggedDecision>) {
      lost += entries.count
      untold += entries.count
      lostAt = entries.map(\.at).max() ?? lostAt
    }
  }

  /// How many entries wait at most.
  package static let most = 100_000
  /// How many are written in one transaction.
  private static let batch = 10_000

  private let store: DataStore
  private let pause: Duration
  private let state = Mutex(State())

  /// A log that writes a pause after the first entry that waits.
  package init(_ store: DataStore, pause: Duration = .milliseconds(200)) {
    (self.store, self.pause) = (store, pause)
  }

  /// How many entries were lost since the process began.
  package var lost: Int { state.withLock { $0.lost } }

  /// When the last entry that was lost was decided; nil where none was.
  package var lostAt: Instant? { state.withLock { $0.lostAt } }

  /// Takes entries in; returns at once.
  package func note(_ entries: [LoggedDecision]) {
    guard !entries.isEmpty else { return }
    state.withLock { state in
      let taken = entries.prefix(max(0, Self.most - state.waiting.count))
      state.waiting += taken
      state.lose(entries.dropFirst(taken.count))
      guard state.writer == nil else { return }
      // Nobody who asks for a decision waits for this one; `flush` does at the end.
      state.writer = Task { [self] in
        try? await Task.sleep(for: pause)
        await write()
      }
    }
  }

  /// Writes what waits, and returns once it is kept.
  ///
  /// - Returns: how many entries are still not kept.
  @discardableResult
  package func flush() async -> Int {
    // What is on its way is kept, or waits again, once its writer is done.
    await state.withLock { $0.writer }?.value
    await write()
    return state.withLock { $0.waiting.count + $0.leaving + $0.untold }
  }

  private func write() async {
    while true {
      let (entries, untold) = state.withLock { state in
        let entries = Array(state.waiting.prefix(Self.batch))
        state.waiting.removeFirst(entries.count)
        state.leaving += entries.count
        defer { state.untold = 0 }
        return (entries, state.untold)
      }
      guard let last = entries.last?.at ?? (untold > 0 ? lastKnown : nil) else {
        state.withLock { $0.writer = nil }
        return
      }
      do {
        try await store.write(as: "plumb", at: last) { transaction in
          try transaction.log(entries)
          _ = try transaction.keep(entries.filter { $0.effect == .refused }.map(\.finding))
          if untold > 0 {
            try transaction.record("decisions.lost", "", ["count": .integer(Int64(untold))])
          }
        }
        lastWritten.withLock { $0 = last }
        state.withLock { $0.leaving -= entries.count }
      } catch {
        state.withLock { state in
          // They take their place again, ahead of those that came meanwhile, as far as there is room.
          let room = max(0, Self.most - state.waiting.count)
          let kept = entries.suffix(room)
          state.waiting = kept + state.waiting
          state.lose(entries.dropLast(kept.count))
          state.untold += untold
          state.leaving -= entries.count
          guard !state.isRetrying else { return }
          // It is tried again although nobody else asks for a decision.
          state.isRetrying = true
          state.writer = Task { [self] in
            try? await Task.sleep(for: max(pause, .seconds(1)))
            self.state.withLock { $0.isRetrying = false }
            await write()
          }
        }
        return
      }
    }
  }

  private let lastWritten = Mutex<Instant?>(nil)
  private var lastKnown: Instant? { lastWritten.withLock { $0 } }
}

extension LoggedDecision {
  /// What a refusal is among findings: that a rule refused somebody something.
  fileprivate var finding: Finding {
    var entity = FindingEntity()
    (entity.actor, entity.actorKind) = (actor.isEmpty ? nil : actor, .unknown)
    entity.account = place.accounts.first.flatMap { $0.isEmpty ? nil : $0 }
    entity.region = place.region.isEmpty ? nil : place.region
    entity.resource = place.id.isEmpty ? nil : place.id
    let rule = rule.isEmpty ? "guardrail" : rule
    return Finding(
      id: NameUUID.of([
        "refusal", .integer(at.milliseconds), .string(actor), .string(gate), .string(rule),
        .string(place.id),
      ]),
      note: FindingNote(
        id: rule,
        title: "A request was refused by \(rule)",
        severity: .medium,
        source: .governance,
        provider: "guardrails"
      ),
      entity: entity,
      firstSeen: at,
      lastSeen: at,
      count: 1,
      evidence: FindingEvidence(
        source: "decisions",
        values: [
          "gate": .string(gate), "verdict": .string(verdict), "kind": .string("\(place.kind)"),
          "name": .string(name),
        ],
        events: []
      )
    )
  }
}
