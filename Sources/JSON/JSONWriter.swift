/// Appends JSON text to a buffer of bytes.
package struct JSONWriter {
  /// The text so far, UTF-8.
  package var bytes: [UInt8] = []

  package init() {}

  /// The text so far as a string.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Appends text that is JSON already.
  @inlinable package mutating func raw(_ text: StaticString) {
    unsafe bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    )
  }

  /// Appends bytes that are JSON already.
  @inlinable package mutating func raw(_ text: [UInt8]) { bytes.append(contentsOf: text) }

  /// Appends a string with quotes and escapes.
  package mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { unsafe string($0) }
  }

  /// Appends a string given as UTF-8 with quotes and escapes.
  package mutating func string(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(0x22)
    var clean = 0
    for index in 0..<text.count {
      let byte = unsafe text[index]
      guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
      unsafe bytes.append(contentsOf: text[clean..<index])
      escape(byte)
      clean = index + 1
    }
    unsafe bytes.append(contentsOf: text[clean..<text.count])
    bytes.append(0x22)
  }

  private mutating func escape(_ byte: UInt8) {
    bytes.append(0x5C)
    switch byte {
    case 0x22, 0x5C: bytes.append(byte)
    case 0x0A: bytes.append(0x6E)
    case 0x0D: bytes.append(0x72)
    case 0x09: bytes.append(0x74)
    default:
      raw("u00")
      for nibble in [byte >> 4, byte & 15] {
        bytes.append(nibble < 10 ? 0x30 + nibble : 0x57 + nibble)
      }
    }
  }

  /// Appends a value without white space, members in their order.
  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: raw("null")
    case .bool(let flag): flag ? raw("true") : raw("false")
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .number(let number): self.number(number)
    case .string(let text): string(text)
    case .array(let elements):
      bytes.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        self.value(element)
      }
      bytes.append(0x5D)
    case .object(let object): members(object.members)
    }
  }

  private mutating func members(_ members: [(key: String, value: JSONValue)]) {
    bytes.append(0x7B)
    for (index, member) in members.enumerated() {
      if index > 0 { bytes.append(0x2C) }
      string(member.key)
      bytes.append(0x3A)
      value(member.value)
    }
    bytes.append(0x7D)
  }

  /// Appends a number; one without a fraction is written as a whole number.
  package mutating func number(_ number: Double) {
    if let whole = Int64(exactly: number) {
      bytes.append(contentsOf: String(whole).utf8)
    } else if number.isFinite {
      bytes.append(contentsOf: String(number).utf8)
    } else {
      raw("null")
    }
  }

  /// Appends a value in canonical form: no white space, members sorted by the bytes of their keys.
  ///
  /// Two texts of the same value give the same bytes, so a digest over them names the value.
  package mutating func canonical(_ value: JSONValue) {
    switch value {
    case .array(let elements):
      bytes.append(0x5B)
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        canonical(element)
      }
      bytes.append(0x5D)
    case .object(let object):
      bytes.append(0x7B)
      let sorted = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      for (index, member) in sorted.enumerated() {
        if index > 0 { bytes.append(0x2C) }
        string(member.key)
        bytes.append(0x3A)
        canonical(member.value)
      }
      bytes.append(0x7D)
    default: self.value(value)
    }
  }
}

extension JSONValue {
  /// The value as JSON on one line, UTF-8.
  package var bytes: [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.bytes
  }

  /// The value as JSON text on one line.
  package var text: String {
    var writer = JSONWriter()
    writer.value(self)
    return writer.text
  }
}
