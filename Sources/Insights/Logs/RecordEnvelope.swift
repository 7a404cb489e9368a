import CSimdjson
import JSON

/// Records that others wrap: a list under a key, or a record as text under `message` or
/// `properties.log`, as CloudWatch and Azure Monitor send those of Kubernetes.
enum RecordEnvelope {
  private static let textKeys: Set<String> = ["message", "log", "properties"]

  /// Whether an object is an envelope at all.
  static func isEnvelope(_ tape: Tape) -> Bool {
    var isOne = false
    unsafe eachMember(tape, tape.root) { key, place in
      if RecordCutter.envelopes.contains(key), unsafe tape.kind(place) == .array { isOne = true }
      if textKeys.contains(key), unsafe !inner(tape, place).isEmpty { isOne = true }
    }
    return isOne
  }

  /// The records that an object wraps, as JSON.
  static func records(_ tape: Tape) -> [[UInt8]] {
    var records: [[UInt8]] = []
    unsafe eachMember(tape, tape.root) { key, place in
      if RecordCutter.envelopes.contains(key), unsafe tape.kind(place) == .array {
        var index = place + 1
        while unsafe index < tape.end(place) {
          if unsafe tape.kind(index) == .object { records.append(unsafe json(tape, index)) }
          index = unsafe tape.next(index)
        }
      } else if textKeys.contains(key) {
        records += unsafe inner(tape, place)
      }
    }
    return records
  }

  /// The record that a value is or holds under `log`, as text or as an object.
  private static func inner(_ tape: Tape, _ place: Int) -> [[UInt8]] {
    switch unsafe tape.kind(place) {
    case .string:
      let text = unsafe tape.string(place)
      return text.first == "{" ? [Array(text.utf8)] : []
    case .object:
      var found: [[UInt8]] = []
      unsafe eachMember(tape, place) { key, inner in
        guard key == "log" else { return }
        switch unsafe tape.kind(inner) {
        case .object: found.append(unsafe json(tape, inner))
        case .string:
          let text = unsafe tape.string(inner)
          if text.first == "{" { found.append(Array(text.utf8)) }
        default: break
        }
      }
      return found
    default: return []
    }
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
