package import Foundation
import Synchronization

/// Held while a process is started: Foundation's own way to start several at once is not safe.
private let starting = Mutex(())

extension Process {
  /// Starts the process, after any other that is being started by the tests.
  package func start() throws {
    try starting.withLock { _ in try run() }
  }
}
