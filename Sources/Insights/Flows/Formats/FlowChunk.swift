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

  private var last: (hash: UInt64, place: UInt32) = (0, 0)

  /// Notes what could not be read.
  mutating func fault(_ position: Int, _ message: String) {
    faultCount += 1
    if faults.count < 20 { faults.append((position, message)) }
  }

  /// The place of an account among those of the chunk.
  mutating func account(_ text: FlowBytes) -> UInt32 {
    if text.isUnset { return 0 }
    var hash: UInt64 = 14_695_981_039_346_656_037
    for index in 0..<text.count { hash = (hash ^ UInt64(text[index])) &* 1_099_511_628_211 }
    if hash == last.hash, last.place > 0 { return last.place }
    let name = text.slice(0, min(text.count, 128)).text
    let known = accounts.firstIndex(of: name)
    // Nobody has thousands; somebody else's log may say so.
    if known == nil, accounts.count >= 4096 { return 0 }
    if known == nil { accounts.append(name) }
    last = (hash, UInt32(known ?? accounts.count - 1))
    return last.place
  }
}
