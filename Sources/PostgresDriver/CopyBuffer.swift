import Store

/// Rows in the text format of COPY, gathered up to a bounded size.
struct CopyBuffer {
  /// How many bytes are gathered before they are sent.
  static let limit = 1 << 17

  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(Self.limit + 4096) }

  var isFull: Bool { bytes.count >= Self.limit }

  mutating func removeAll() {
    // After one very long value the memory is given back.
    bytes.removeAll(keepingCapacity: bytes.capacity <= 4 * Self.limit)
  }

  /// Adds a row.
  ///
  /// - Throws: ``UnstorableValue``.
  mutating func append(_ row: ArraySlice<SQLValue>) throws(UnstorableValue) {
    for (offset, value) in row.enumerated() {
      if offset > 0 { bytes.append(UInt8(ascii: "\t")) }
      try append(value)
    }
    bytes.append(UInt8(ascii: "\n"))
  }

  private mutating func append(_ value: SQLValue) throws(UnstorableValue) {
    switch value {
    case .null: bytes.append(contentsOf: "\\N".utf8)
    case .integer(let number): bytes.append(contentsOf: String(number).utf8)
    case .double(let number):
      // 2.0 is written as 2, which a column of whole numbers takes too.
      let text = number.sqlText
      bytes.append(contentsOf: text.hasSuffix(".0") ? text.dropLast(2).utf8 : text[...].utf8)
    case .text(let text): try append(text)
    case .bytes(let value):
      guard value.count < UnstorableValue.lengthLimit / 2 else { throw .tooLong }
      appendHexadecimal(value)
    }
  }

  private mutating func append(_ text: String) throws(UnstorableValue) {
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    guard bytes.count - start < UnstorableValue.lengthLimit else { throw .tooLong }
    // Most texts have nothing to escape.
    guard bytes[start...].contains(where: { Self.letter(for: $0) != nil || $0 == 0 }) else { return }
    let plain = Array(bytes[start...])
    bytes.removeSubrange(start...)
    for byte in plain {
      if byte == 0 { throw .zeroByte }
      if let letter = Self.letter(for: byte) {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(letter)
      } else {
        bytes.append(byte)
      }
    }
  }

  /// What stands after the backslash for a byte that cannot stand as it is.
  private static func letter(for byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "\\"): UInt8(ascii: "\\")
    case UInt8(ascii: "\t"): UInt8(ascii: "t")
    case UInt8(ascii: "\n"): UInt8(ascii: "n")
    case UInt8(ascii: "\r"): UInt8(ascii: "r")
    default: nil
    }
  }

  private mutating func appendHexadecimal(_ value: [UInt8]) {
    bytes.append(contentsOf: "\\\\x".utf8)
    unsafe bytes += [UInt8](unsafeUninitializedCapacity: 2 * value.count) { digits, count in
      for byte in value {
        unsafe digits[count] = Self.digit(byte >> 4)
        unsafe digits[count + 1] = Self.digit(byte & 15)
        count += 2
      }
    }
  }

  private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}
