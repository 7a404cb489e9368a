import CSimdjson
import JSON

/// A value on a parser's tape, looked at while the tape is lent out.
@safe struct FlowNode {
  private let tape: Tape
  private let place: Int

  init(_ tape: Tape, _ place: Int) {
    unsafe self.tape = unsafe tape
    self.place = place
  }

  var isObject: Bool { unsafe tape.kind(place) == .object }
  var isArray: Bool { unsafe tape.kind(place) == .array }

  /// The bytes of a string.
  var bytes: FlowBytes? {
    guard unsafe tape.kind(place) == .string else { return nil }
    return unsafe FlowBytes(start: tape.textStart(place), count: tape.textLength(place))
  }

  /// The number, where this is one.
  var number: Double? {
    switch unsafe tape.kind(place) {
    case .int64, .uint64, .double: unsafe tape.double(place)
    default: nil
    }
  }

  /// The member of an object.
  subscript(key: String) -> FlowNode? {
    guard isObject else { return nil }
    var members = members
    while let (name, value) = members.next() {
      if name.count == key.utf8.count, name.text == key { return value }
    }
    return nil
  }

  /// The elements of a list, or nil.
  var elements: Walk? {
    unsafe isArray ? Walk(tape: tape, place: place + 1, end: tape.end(place)) : nil
  }

  /// The members of an object; none where this is no object.
  var members: Members {
    unsafe isObject
      ? Members(walk: Walk(tape: tape, place: place + 1, end: tape.end(place)))
      : Members(walk: Walk(tape: tape, place: 0, end: 0))
  }

  /// One element after another.
  @safe struct Walk {
    fileprivate let tape: Tape
    fileprivate var place: Int
    fileprivate let end: Int

    fileprivate init(tape: Tape, place: Int, end: Int) {
      unsafe self.tape = unsafe tape
      self.place = place
      self.end = end
    }

    mutating func next() -> FlowNode? {
      guard place < end else { return nil }
      let node = unsafe FlowNode(tape, place)
      place = unsafe tape.next(place)
      return node
    }
  }

  /// One member after another.
  struct Members {
    fileprivate var walk: Walk

    mutating func next() -> (key: FlowBytes, value: FlowNode)? {
      guard let key = walk.next()?.bytes, let value = walk.next() else { return nil }
      return (key, value)
    }
  }

  /// The texts, numbers and truths among the members of an object.
  func scalars(without fields: [String: FlowField]) -> JSONObject {
    var found: [(key: String, value: JSONValue)] = []
    var members = members
    while let (key, node) = members.next() {
      let name = key.text
      guard fields[name] == nil, !node.isObject, !node.isArray else { continue }
      if let value = try? unsafe node.tape.value(node.place) { found.append((name, value)) }
    }
    return JSONObject(found)
  }
}
