import Store
import Synchronization

/// Lends connections; who finds none waits in order.
final class ConnectionPool: Sendable {
  private typealias Waiter = CheckedContinuation<PostgresConnection, any Error>

  private struct State {
    var idle: [PostgresConnection]
    var waiters: [Int: Waiter] = [:]
    /// The waiters' numbers run from `first` up to `next`, with gaps where one was cancelled.
    var first = 0
    var next = 0
    var isClosed = false

    mutating func number() -> Int {
      next += 1
      return next - 1
    }

    mutating func firstWaiter() -> Waiter? {
      while first < next {
        first += 1
        if let waiter = waiters.removeValue(forKey: first - 1) { return waiter }
      }
      return nil
    }
  }

  private let name: String
  private let all: [PostgresConnection]
  private let state: Mutex<State>

  init(_ connections: [PostgresConnection], name: String) {
    self.name = name
    all = connections
    // The one that was used last is taken first, so few connections are open when few are needed.
    state = Mutex(State(idle: connections.reversed()))
  }

  /// A connection for the caller alone, until it is given back.
  ///
  /// - Throws: `CancellationError` when the task is cancelled before its turn.
  func take() async throws -> PostgresConnection {
    let number = state.withLock { $0.number() }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        let answer: Result<PostgresConnection, any Error>? = state.withLock { state in
          if Task.isCancelled { return .failure(CancellationError()) }
          if state.isClosed { return .failure(closed) }
          if let connection = state.idle.popLast() { return .success(connection) }
          state.waiters[number] = waiter
          return nil
        }
        if let answer { waiter.resume(with: answer) }
      }
    } onCancel: {
      let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
      waiter?.resume(throwing: CancellationError())
    }
  }

  /// Gives a connection back, to the first who waits.
  func give(_ connection: PostgresConnection) {
    let waiter = state.withLock { state in
      let waiter = state.firstWaiter()
      if waiter == nil { state.idle.append(connection) }
      return waiter
    }
    waiter?.resume(returning: connection)
  }

  /// Refuses everybody who waits or comes, and closes each connection after its work.
  func close() async {
    let waiters = state.withLock { state in
      state.isClosed = true
      defer { state.waiters.removeAll() }
      return Array(state.waiters.values)
    }
    for waiter in waiters { waiter.resume(throwing: closed) }
    for connection in all { try? await connection.run { $0.close() } }
  }

  private var closed: SQLError { .unreachable(name, reason: "it was closed") }
}
