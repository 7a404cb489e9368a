import Synchronization

/// Work that is waited for no longer than a time; it goes on when it is late.
package enum Race {
  /// What the work comes to; nil where it takes longer than a limit.
  package static func value<Value: Sendable>(
    within limit: Duration,
    _ work: @escaping @Sendable () async throws -> Value
  ) async throws -> Value? {
    try await withCheckedThrowingContinuation { continuation in
      let ending = Ending(continuation)
      // Both outlive the one who waits: the work is not stopped midway, and the clock is.
      let clock = Task {
        try? await Task.sleep(for: limit)
        ending.end(.success(nil))
      }
      Task {
        do {
          ending.end(.success(try await work()))
        } catch {
          ending.end(.failure(error))
        }
        clock.cancel()
      }
    }
  }

  private final class Ending<Value: Sendable>: Sendable {
    private let waiting: Mutex<CheckedContinuation<Value?, any Error>?>

    init(_ continuation: CheckedContinuation<Value?, any Error>) { waiting = Mutex(continuation) }

    /// Lets whoever waits go on; what ends second changes nothing.
    func end(_ result: Result<Value?, any Error>) {
      let first = waiting.withLock { $0.take() }
      first?.resume(with: result)
    }
  }
}
