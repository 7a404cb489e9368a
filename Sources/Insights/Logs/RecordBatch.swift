import JSON

/// Records of one file that are read together.
struct RecordBatch: Sendable {
  var file: String
  /// The text, behind which a parser's padding is readable.
  var bytes: [UInt8]
  var records: [RecordCutter.Record]
  /// Whether the file is what a run with partial aggregates has written.
  var isPartials: Bool

  init(
    file: String,
    _ buffer: [UInt8],
    _ records: [RecordCutter.Record],
    isPartials: Bool = false
  ) {
    self.file = file
    self.isPartials = isPartials
    bytes = []
    bytes.reserveCapacity(buffer.count + JSONParser.padding)
    bytes += buffer
    bytes += repeatElement(0, count: JSONParser.padding)
    self.records = records
  }
}
