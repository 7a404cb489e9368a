/// A view of one parsed document: simdjson's tape and string buffer, borrowed from the parser.
///
/// A place on the tape is an index; the document's root value stands at ``root``. Strings are a
/// four-byte length followed by the bytes. The view is valid until its parser parses again.
/// Format: <https://github.com/simdjson/simdjson/blob/master/doc/tape.md>.
@unsafe package struct Tape {
  @usableFromInline let words: UnsafePointer<UInt64>
  @usableFromInline let strings: UnsafePointer<UInt8>

  @inlinable package init(words: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>) {
    unsafe self.words = words
    unsafe self.strings = strings
  }

  /// Where the document's value stands.
  @inlinable package var root: Int { 1 }

  /// What stands at a place.
  @inlinable package func kind(_ place: Int) -> Kind {
    unsafe Kind(rawValue: UInt8(truncatingIfNeeded: words[place] >> 56))
  }

  /// The place behind the value at a place, its whole subtree left out.
  @inlinable package func next(_ place: Int) -> Int {
    switch unsafe kind(place) {
    case .object, .array: unsafe Int(UInt32(truncatingIfNeeded: words[place]))
    case .int64, .uint64, .double: place + 2
    default: place + 1
    }
  }

  /// The place of the closing bracket of the object or array at a place.
  @inlinable package func end(_ place: Int) -> Int {
    unsafe Int(UInt32(truncatingIfNeeded: words[place])) - 1
  }

  /// The bytes of the string at a place, UTF-8 without escapes.
  @inlinable package func bytes(_ place: Int) -> UnsafeBufferPointer<UInt8> {
    let offset = unsafe Int(words[place] & 0x00FF_FFFF_FFFF_FFFF)
    let start = unsafe strings + offset
    let length = unsafe UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
    return unsafe UnsafeBufferPointer(start: start + 4, count: Int(length))
  }

  /// The text of the string at a place.
  @inlinable package func string(_ place: Int) -> String {
    unsafe String(decoding: bytes(place), as: UTF8.self)
  }

  /// The signed number at a place of kind `int64`.
  @inlinable package func int64(_ place: Int) -> Int64 {
    unsafe Int64(bitPattern: words[place + 1])
  }

  /// The number at a place of kind `int64`, `uint64` or `double`; nil elsewhere.
  @inlinable package func number(_ place: Int) -> Double? {
    switch unsafe kind(place) {
    case .int64: unsafe Double(Int64(bitPattern: words[place + 1]))
    case .uint64: unsafe Double(words[place + 1])
    case .double: unsafe Double(bitPattern: words[place + 1])
    default: nil
    }
  }

  /// The place of the member of the object at a place under a key, or nil.
  @inlinable package func member(_ key: UnsafeBufferPointer<UInt8>, of place: Int) -> Int? {
    guard unsafe kind(place) == .object else { return nil }
    var index = place + 1
    let end = unsafe end(place)
    while index < end {
      let name = unsafe bytes(index)
      if unsafe name.count == key.count && name.elementsEqual(key) { return index + 1 }
      index = unsafe next(index + 1)
    }
    return nil
  }

  /// The kinds of values on a tape, by simdjson's letter.
  package struct Kind: RawRepresentable, Equatable, Sendable {
    package let rawValue: UInt8
    @inlinable package init(rawValue: UInt8) { self.rawValue = rawValue }

    @inlinable package static var object: Kind { Kind(rawValue: 0x7B) }
    @inlinable package static var array: Kind { Kind(rawValue: 0x5B) }
    @inlinable package static var string: Kind { Kind(rawValue: 0x22) }
    @inlinable package static var int64: Kind { Kind(rawValue: 0x6C) }
    @inlinable package static var uint64: Kind { Kind(rawValue: 0x75) }
    @inlinable package static var double: Kind { Kind(rawValue: 0x64) }
    @inlinable package static var yes: Kind { Kind(rawValue: 0x74) }
    @inlinable package static var no: Kind { Kind(rawValue: 0x66) }
    @inlinable package static var null: Kind { Kind(rawValue: 0x6E) }
  }
}

extension Tape {
  /// Copies the value at a place.
  ///
  /// - Throws: ``JSONError/duplicateKey(_:)`` for an object that names a member twice.
  package func value(_ place: Int) throws(JSONError) -> JSONValue {
    switch unsafe kind(place) {
    case .null: return .null
    case .yes: return .bool(true)
    case .no: return .bool(false)
    case .int64: return unsafe .integer(int64(place))
    case .uint64, .double: return unsafe .number(number(place) ?? 0)
    case .string: return unsafe .string(string(place))
    case .array:
      var elements: [JSONValue] = []
      var index = place + 1
      let end = unsafe end(place)
      while index < end {
        elements.append(unsafe try value(index))
        index = unsafe next(index)
      }
      return .array(elements)
    default: return unsafe .object(try object(place))
    }
  }

  private func object(_ place: Int) throws(JSONError) -> JSONObject {
    var members: [(key: String, value: JSONValue)] = []
    var index = place + 1
    let end = unsafe end(place)
    while index < end {
      members.append((unsafe string(index), unsafe try value(index + 1)))
      index = unsafe next(index + 1)
    }
    // A set pays only for large objects; small ones are quicker to compare outright.
    if members.count > 16 {
      var seen: Set<String> = []
      for (key, _) in members where !seen.insert(key).inserted { throw .duplicateKey(key) }
    } else {
      for (position, member) in members.enumerated() {
        for earlier in members[..<position] where earlier.key == member.key {
          throw .duplicateKey(member.key)
        }
      }
    }
    return JSONObject(unique: members)
  }
}
