import JSON
import Model
import Store

// Passing over what did not change.
extension TaskWorker {
  /// Goes over lines until there is a chunk to judge: what did not change is passed over.
  ///
  /// - Returns: where it stopped.
  func passOver(
    _ text: [UInt8],
    from first: Int,
    to end: Int,
    at origin: Int64,
    _ pending: inout [UInt8],
    _ found: inout Found
  ) throws -> Int {
    try unsafe text.withUnsafeBufferPointer { buffer in
      var start = first
      while start < end, pending.count < Self.chunkSize {
        let rest = unsafe UnsafeBufferPointer(rebasing: buffer[start..<end])
        let length = unsafe JSONParser.lineLength(of: rest)
        let line = unsafe UnsafeBufferPointer(rebasing: buffer[start..<start + length])
        start += length + 1
        if let place = unsafe place(of: UnsafeRawBufferPointer(line)) {
          try passOver(knowledge.index.entries[place], at: place, &found)
        } else {
          unsafe pending.append(contentsOf: line)
          pending.append(0x0A)
          found.origins.append(origin + Int64(start - length - 1))
        }
      }
      return min(start, end)
    }
  }

  /// The place of the settled resource whose line this is; nil where it is to be judged.
  private func place(of line: UnsafeRawBufferPointer) -> Int? {
    let index = knowledge.index
    let place =
      unsafe index.place(fingerprint: fingerprint(of: line, namesAccount: true))
      ?? index.place(fingerprint: fingerprint(of: line, namesAccount: false))
    guard let place, knowledge.plan.isSettled(index.entries[place]) else { return nil }
    return place
  }

  /// The fingerprint of a line: one that names no account is another resource in each account.
  func fingerprint(
    of line: UnsafeRawBufferPointer,
    namesAccount: Bool
  ) -> Fingerprint {
    unsafe Fingerprint(of: line, seed: namesAccount ? scan.store.seed : accountSeed)
  }

  /// Notes a resource that is as it was.
  private func passOver(
    _ entry: StateIndex.Entry,
    at place: Int,
    _ found: inout Found
  ) throws {
    if !scan.isOpenToAccounts {
      let account = knowledge.accountNames[entry.account] ?? ""
      guard account == scan.account else {
        throw StoreError.otherAccount(
          expected: scan.account,
          found: account,
          record: "a \(knowledge.kindNames[entry.kind].map { "\($0)" } ?? "resource")"
        )
      }
    }
    found.report.resources += 1
    if entry.layout == 0, let kind = knowledge.kindNames[entry.kind] {
      found.report.notCovered["\(kind)", default: 0] += 1
    }
    if knowledge.meet(place) {
      found.report.unchanged += 1
      found.seen.append(entry.resource)
    } else {
      let kind = knowledge.kindNames[entry.kind].map { "\($0)" } ?? "a resource"
      found.report.fault("\(kind) stands twice in the inventory, on equal lines")
    }
  }
}
