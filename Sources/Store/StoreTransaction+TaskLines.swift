// The lines that finished tasks of a scan left to be judged.
extension StoreTransaction {
  /// The finished tasks of a scan, in their order.
  package func finishedTasks(of scan: Int64) throws -> [Int64] {
    try session.rows(
      "SELECT id FROM tasks WHERE scan = $1 AND state = 'done' ORDER BY id",
      [.integer(scan)]
    ) { $0.integer(0) }
  }

  /// The lines of a finished task that wait for counts over related resources.
  package func deferredLines(ofTask id: Int64) throws -> [UInt8] {
    try session.first("SELECT deferred FROM tasks WHERE id = $1", [.integer(id)]) {
      try Pack.decompress($0.bytes(0))
    } ?? []
  }
}
