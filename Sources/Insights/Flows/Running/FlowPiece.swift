/// A piece of a flow log that can be read apart from the others.
struct FlowPiece: Sendable {
  /// What stands in it.
  enum Content: Sendable {
    case lines([UInt8], FlowColumns, first: Int, isBehind: Bool)
    case records(RecordBatch, FlowFormat?)
  }

  var content: Content
  var file: UInt32
  /// How far the file is read with it, where reading can go on there.
  var position: FlowPosition?
  /// Lines before it that were too long.
  var tooLong: [Int] = []
  /// How far the log is read with it, where that is asked for.
  var mark: LogMark?
  /// Whether the log ends with it, for now.
  var endsLog = false
  /// Whether the conversations before it were counted by an earlier run.
  var isCounted = false

  /// The records in it.
  func read(wantsOthers: Bool) -> FlowChunk {
    var chunk = FlowChunk()
    chunk.file = file
    chunk.wantsOthers = wantsOthers
    let limit = if case .lines = content { FlowReader.lineLimit } else { RecordCutter.recordLimit }
    for line in tooLong { chunk.fault(line, "is longer than \(limit >> 10) KiB") }
    switch content {
    case .lines(let bytes, let columns, let first, let isBehind):
      chunk.provider = columns.format.provider
      chunk.records.reserveCapacity(bytes.count / 80)
      var lines = FlowLines(columns, isBehind: isBehind)
      unsafe bytes.withUnsafeBufferPointer { buffer in
        if let text = unsafe FlowBytes(buffer) { lines.read(text, line: first, into: &chunk) }
      }
    case .records(let batch, let format):
      FlowJSON(only: format).read(batch, into: &chunk)
    }
    for index in chunk.records.indices { chunk.records[index].file = file }
    return chunk
  }
}

/// How far a file is read, so that another run can go on there.
struct FlowPosition: Sendable, Equatable {
  /// Bytes of the file, up to a line's end.
  var offset: Int64 = 0
  var line = 0
  /// What tells the file from another one of the same name.
  var identity = FlowFileIdentity()
  /// The header that counts there.
  var header: String?
  /// Whether the whole file was read as one and can only be read again from its beginning.
  var isWhole = false
}

/// What tells a file from others that had its name: its number, which may be given again, and how it
/// begins.
struct FlowFileIdentity: Sendable, Equatable, BitwiseCopyable {
  var inode: UInt64 = 0
  /// A digest of so many first bytes.
  var head: UInt64 = 0
  var headCount: UInt32 = 0
}
