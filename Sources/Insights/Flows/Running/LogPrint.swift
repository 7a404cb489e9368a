import Model

/// What the bytes of a log up to some place are known by, however they came in pieces.
struct LogPrint: Sendable {
  private static let block = 64 << 10
  /// The digest of all whole blocks, each with the digest of those before it.
  private var chain: [UInt8] = []
  private var rest: [UInt8] = []
  /// How many bytes there are.
  private(set) var count: Int64 = 0

  /// The digest of all bytes.
  var digest: String { Digest.sha256(chain + rest) }

  mutating func add(_ bytes: ArraySlice<UInt8>) {
    count += Int64(bytes.count)
    var bytes = bytes
    while !bytes.isEmpty {
      let part = bytes.prefix(Self.block - rest.count)
      rest += part
      bytes = bytes.dropFirst(part.count)
      guard rest.count == Self.block else { return }
      chain = Array(Digest.sha256(chain + rest).utf8)
      rest.removeAll(keepingCapacity: true)
    }
  }
}

/// A log from its beginning up to a place.
package struct LogMark: Sendable, Hashable {
  /// Where the log lies, or `standard input`.
  package var log: String
  package var bytes: Int64
  package var digest: String

  package init(log: String, bytes: Int64, digest: String) {
    (self.log, self.bytes, self.digest) = (log, bytes, digest)
  }
}

/// What a log tells of conversations, up to a mark.
package struct LoggedConversations: Sendable {
  package var mark: LogMark
  /// The digest of the part that this run has told of before; nil where it begins with the log.
  package var former: String?
  package var rows: [FlowConversations.Row]
}

extension FlowReader {
  /// Notes with the last piece how far the log is read.
  func mark(_ pieces: inout [FlowPiece]) {
    guard let print else { return }
    if isDrained || isAtEnd {
      pieces.append(
        FlowPiece(content: .records(RecordBatch(file: input.name, [], []), nil), file: file)
      )
      pieces[pieces.count - 1].endsLog = true
    }
    guard !pieces.isEmpty else { return }
    pieces[pieces.count - 1].mark = LogMark(
      log: input.origin,
      bytes: print.count,
      digest: print.digest
    )
  }
}
