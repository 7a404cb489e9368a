import Dispatch
import Store
import Synchronization

/// A place for a connection: connects when first used, and anew after the connection was lost.
final class PostgresConnection: @unchecked Sendable {
  // Sendable: everything but the queue is touched only by what runs on the queue, one at a time.
  private let queue = DispatchQueue(label: "plumb.postgres")
  private let address: PostgresAddress
  private var link: ServerLink?
  private var isClosed = false

  init(_ address: PostgresAddress) { self.address = address }

  /// Runs blocking work on the queue, away from the threads that tasks share.
  func run<R: Sendable>(
    _ work: @Sendable @escaping (PostgresConnection) throws -> R
  ) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try work(self) }) }
    }
  }

  /// Connects where that is still to be done, and says where.
  func connect() throws -> String { try linked().name }

  /// Disconnects for good.
  func close() {
    isClosed = true
    link = nil
  }

  /// Runs a transaction: `begin` opens it, an error rolls it back.
  func transaction<R>(
    _ begin: String,
    unless cancellation: CancellationFlag,
    _ body: (any SQLSession) throws -> R
  ) throws -> R {
    try cancellation.check()
    let link = try begun(begin)
    let session = PostgresSession(link)
    defer { session.end() }
    do {
      try cancellation.check()
      let answer = try body(session)
      if let failure = session.failure { throw failure }
      try commit(link)
      return answer
    } catch {
      rollBack(link)
      throw error
    }
  }

  private func linked() throws -> ServerLink {
    if let link { return link }
    guard !isClosed else { throw SQLError.unreachable("postgres", reason: "it was closed") }
    let link = try ServerLink(address)
    self.link = link
    return link
  }

  /// A connection with an open transaction.
  ///
  /// That a connection was lost while nobody used it shows only now: nothing was done yet, so a new
  /// one takes its place.
  private func begun(_ begin: String) throws -> ServerLink {
    if let link {
      do {
        try link.run(begin)
        return link
      } catch {
        self.link = nil
        guard link.isLost else { throw error }
      }
    }
    let link = try linked()
    try link.run(begin)
    return link
  }

  private func commit(_ link: ServerLink) throws {
    guard link.isInTransaction else {
      throw SQLError.refused("a statement ended the transaction", statement: "COMMIT")
    }
    do {
      guard try link.run("COMMIT") == "COMMIT" else {
        throw SQLError.refused("the transaction was rolled back", statement: "COMMIT")
      }
    } catch SQLError.unreachable(let name, let reason) {
      throw SQLError.unreachable(
        name,
        reason: "\(reason); whether the last step was kept is not known"
      )
    }
  }

  private func rollBack(_ link: ServerLink) {
    if !link.isIdle { _ = try? link.run("ROLLBACK") }
    // A connection that is not in order again is given up.
    if link.isLost || !link.isIdle || link.mustRenew { self.link = nil }
  }
}

/// Whether the task that waits for a transaction was cancelled.
final class CancellationFlag: Sendable {
  private let isSet = Atomic(false)

  func set() { isSet.store(true, ordering: .relaxed) }

  /// - Throws: `CancellationError` once the flag is set.
  func check() throws { if isSet.load(ordering: .relaxed) { throw CancellationError() } }
}
