package import JSON

/// What came of a piece of a flow log.
package struct FlowChunk: Sendable {
  /// The file, by its place among those of the run.
  package var file: UInt32 = 0
  package var records: [FlowRecord] = []
  package var faults: [(position: Int, message: String)] = []
  package var faultCount = 0
  /// Records by which the log says that there was nothing to record, or that it left some out.
  package var empty = 0
  /// Records that another observer of the same packets has told.
  package var twice = 0
  /// The accounts that records name by their place.
  package var accounts: [String] = [""]
  /// The other columns of each record, where they are wanted.
  package var others: [JSONObject] = []
  var wantsOthers = false
  /// Who wrote the log.
  var provider = "unknown"

  init() {}

  private var places: [[UInt8]: UInt32] = [:]
  private var last: (name: [UInt8], place: UInt32) = ([], 0)

  /// How many bytes of an account are taken.
  private static let accountLimit = 128

  /// Notes what could not be read.
  mutating func fault(_ position: Int, _ message: String) {
    faultCount += 1
    if faults.count < 20 { faults.append((position, message)) }
  }

  /// The place of an account among those of the chunk.
  mutating func account(_ text: FlowBytes) -> UInt32 {
    if text.isUnset { return 0 }
    let text = text.slice(0, min(text.count, Self.accountLimit))
    if text.equals(last.name) { return last.place }
    let name = unsafe Array(text.buffer)
    let place = places[name] ?? UInt32(accounts.count)
    if place == accounts.count {
      places[name] = place
      accounts.append(text.text)
    }
    last = (name, place)
    return place
  }
}
