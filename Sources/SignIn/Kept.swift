import Model

/// A value that is fetched when it is wanted, and kept for a while.
///
/// Of many who want it at once one fetches.
actor Kept<Value: Sendable> {
  private let fetch: @Sendable () async throws -> Value
  private let clock: @Sendable () -> Instant
  private let maximumAge: Int64
  private var kept: (value: Value, version: Int, since: Instant)?
  private var versions = 0
  private var fetching: Task<(value: Value, version: Int), any Error>?
  private var renewed: Instant?

  /// How long after a fetch out of turn the next may follow, in milliseconds.
  static var pause: Int64 { 60_000 }

  /// - Parameters:
  ///   - maximumAge: how long a value is good, in milliseconds.
  ///   - clock: the time of day.
  ///   - fetch: what fetches the value.
  init(
    maximumAge: Int64,
    clock: @escaping @Sendable () -> Instant,
    fetch: @escaping @Sendable () async throws -> Value
  ) {
    (self.maximumAge, self.clock, self.fetch) = (maximumAge, clock, fetch)
  }

  /// The value kept, or a new one where that is too old, and the number of its version.
  func current() async throws -> (value: Value, version: Int) {
    let now = clock()
    if let kept, kept.since <= now, now < kept.since.advanced(milliseconds: maximumAge) {
      return (kept.value, kept.version)
    }
    return try await fetchOnce()
  }

  /// A later value than a version, fetched out of turn; nil where that was done a minute ago or less.
  func current(after version: Int) async throws -> (value: Value, version: Int)? {
    if let kept, kept.version > version { return (kept.value, kept.version) }
    let now = clock()
    if fetching == nil {
      if let renewed, renewed <= now, now < renewed.advanced(milliseconds: Self.pause) {
        return nil
      }
      renewed = now
    }
    return try await fetchOnce()
  }

  private func fetchOnce() async throws -> (value: Value, version: Int) {
    if let fetching { return try await fetching.value }
    // A task of its own: that one who waits is cancelled must not fail the others.
    let task = Task { try await fetchAndKeep() }
    fetching = task
    return try await task.value
  }

  private func fetchAndKeep() async throws -> (value: Value, version: Int) {
    defer { fetching = nil }
    let value = try await fetch()
    versions += 1
    kept = (value, versions, clock())
    return (value, versions)
  }
}
