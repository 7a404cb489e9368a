import CSimdjson
import Foundation
import JSON

/// Records that others wrap: a list under a key; a record as text under `message` or
/// `properties.log`, as CloudWatch and Azure Monitor send those of Kubernetes; a record under `detail`
/// or `data`, as event buses do, or under `message.data` in base 64, as Pub/Sub does.
enum RecordEnvelope {
  /// What an object wraps.
  struct Contents {
    /// The records, as JSON.
    var records: [[UInt8]] = []
    /// Elements of lists that are no records.
    var others = 0
  }

  /// What the members beside the list of a page are called.
  private static let pageKeys: Set<String> = [
    "nextLink", "@odata.nextLink", "@odata.context", "nextPageToken", "nextToken", "NextToken",
    "kind", "etag",
  ]

  /// What an object wraps, or nil where it is no envelope.
  static func contents(_ tape: Tape) -> Contents? {
    var contents = Contents()
    var isEmptyPage = false
    var hasMore = false
    unsafe eachMember(tape, tape.root) { key, place in
      let isList = RecordCutter.envelopes.contains(key) || key == "receivedMessages"
      if isList, unsafe tape.kind(place) == .array {
        unsafe addElements(tape, place, &contents)
        isEmptyPage = true
      } else {
        unsafe contents.records += inner(tape, place, key)
        if !pageKeys.contains(key) { hasMore = true }
      }
    }
    if !contents.records.isEmpty { return contents }
    // A page without records; any other object with an empty list is a record that nobody knows.
    return isEmptyPage && !hasMore ? contents : nil
  }

  private static func addElements(_ tape: Tape, _ place: Int, _ contents: inout Contents) {
    var index = place + 1
    while unsafe index < tape.end(place) {
      if unsafe tape.kind(index) == .object {
        contents.records.append(unsafe json(tape, index))
      } else if unsafe tape.kind(index) == .string, let record = unsafe text(tape, index) {
        contents.records.append(record)
      } else {
        contents.others += 1
      }
      index = unsafe tape.next(index)
    }
  }

  /// The records that the value of a key is or holds.
  private static func inner(_ tape: Tape, _ place: Int, _ key: String) -> [[UInt8]] {
    let kind = unsafe tape.kind(place)
    switch (key, kind) {
    case ("detail", .object), ("data", .object), ("log", .object):
      return [unsafe json(tape, place)]
    case ("message", .object), ("properties", .object):
      var found: [[UInt8]] = []
      unsafe eachMember(tape, place) { key, inside in
        if key == "log" || key == "data" { unsafe found += inner(tape, inside, key) }
      }
      return found
    case ("message", .string), ("log", .string), ("properties", .string):
      return unsafe text(tape, place).map { [$0] } ?? []
    case ("data", .string):
      if let record = unsafe text(tape, place) { return [record] }
      guard let data = Data(base64Encoded: unsafe tape.string(place)), data.first == 0x7B else {
        return []
      }
      return [Array(data)]
    default: return []
    }
  }

  /// A text that is an object.
  private static func text(_ tape: Tape, _ place: Int) -> [UInt8]? {
    let text = unsafe tape.string(place)
    return text.first == "{" ? Array(text.utf8) : nil
  }

  private static func json(_ tape: Tape, _ place: Int) -> [UInt8] {
    var writer = JSONWriter()
    unsafe tape.write(place, to: &writer)
    return writer.bytes
  }

  private static func eachMember(_ tape: Tape, _ place: Int, _ body: (String, Int) -> Void) {
    guard unsafe tape.kind(place) == .object else { return }
    var index = place + 1
    while unsafe index < tape.end(place) {
      body(unsafe tape.string(index), index + 1)
      index = unsafe tape.next(index + 1)
    }
  }
}
