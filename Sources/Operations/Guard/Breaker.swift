/// Falls back to monitoring when decisions are slow or go wrong, and tries again after a while.
///
/// A value without a clock of its own, so that its turns can be tested.
package struct Breaker: Sendable {
  /// When it trips, and for how long.
  package struct Limits: Sendable {
    /// A decision that takes longer counts as slow.
    package var deadline: Duration
    /// How long decisions are looked back at.
    package var window: Duration
    /// It trips when so many of them, and half of all, were slow or went wrong.
    package var least: Int
    /// How long it stays tripped before one decision is tried.
    package var rest: Duration

    package init(
      deadline: Duration = .milliseconds(250),
      window: Duration = .seconds(10),
      least: Int = 20,
      rest: Duration = .seconds(30)
    ) {
      (self.deadline, self.window, self.least, self.rest) = (deadline, window, least, rest)
    }
  }

  /// What a decision's outcome led to.
  package enum Turn: Sendable, Equatable { case none, tripped, restored }

  private enum State {
    case watching
    case tripped(until: ContinuousClock.Instant)
    /// One decision is tried.
    case trying(since: ContinuousClock.Instant)
  }

  package let limits: Limits
  private var state = State.watching
  private var begins: ContinuousClock.Instant?
  private var decisions = 0
  private var bad = 0

  package init(_ limits: Limits = Limits()) { self.limits = limits }

  /// Whether requests are only monitored.
  package var isTripped: Bool {
    if case .watching = state { false } else { true }
  }

  /// Whether a request may be decided now; of those that come while it is tripped, one is tried after a
  /// rest.
  package mutating func admits(at now: ContinuousClock.Instant) -> Bool {
    switch state {
    case .watching: return true
    case .tripped(let until):
      guard now >= until else { return false }
      state = .trying(since: now)
      return true
    case .trying(let since):
      // The one that was tried never came back.
      guard now - since > limits.rest else { return false }
      state = .trying(since: now)
      return true
    }
  }

  /// Notes how a decision went.
  package mutating func note(
    _ took: Duration,
    isFault: Bool,
    at now: ContinuousClock.Instant
  ) -> Turn {
    let isBad = isFault || took > limits.deadline
    if case .trying = state {
      state = isBad ? .tripped(until: now + limits.rest) : .watching
      (begins, decisions, bad) = (now, 0, 0)
      return isBad ? .none : .restored
    }
    guard case .watching = state else { return .none }
    if begins.map({ now - $0 > limits.window }) ?? true { (begins, decisions, bad) = (now, 0, 0) }
    decisions += 1
    if isBad { bad += 1 }
    guard bad >= limits.least, bad * 2 >= decisions else { return .none }
    state = .tripped(until: now + limits.rest)
    return .tripped
  }
}
