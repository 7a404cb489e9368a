import Store

/// Rows in the text format of COPY, gathered up to a bounded size.
final class CopyWriter: SQLRowWriter {
  /// How many bytes are gathered before they are sent.
  static let limit = 1 << 17

  private(set) var bytes: [UInt8] = []
  /// How many columns of the row were written.
  private(set) var column = 0
  /// The first value that cannot be stored.
  private(set) var fault: UnstorableValue?

  init() { bytes.reserveCapacity(Self.limit + 4096) }

  var isFull: Bool { bytes.count >= Self.limit }

  /// Ends a row and begins another.
  func endRow() {
    bytes.append(UInt8(ascii: "\n"))
    column = 0
    if bytes.count >= UnstorableValue.lengthLimit { note(.tooLong) }
  }

  /// Forgets the rows that were sent.
  func removeAll() {
    // After one very long value the memory is given back.
    bytes.removeAll(keepingCapacity: bytes.capacity <= 4 * Self.limit)
  }

  func null() {
    beginColumn()
    bytes.append(contentsOf: "\\N".utf8)
  }

  func integer(_ number: Int64) {
    beginColumn()
    bytes.append(contentsOf: String(number).utf8)
  }

  func double(_ number: Double) {
    beginColumn()
    // 2.0 is written as 2, which a column of whole numbers takes too.
    let text = number.sqlText
    bytes.append(contentsOf: text.hasSuffix(".0") ? text.dropLast(2).utf8 : text[...].utf8)
  }

  func text(_ text: String) {
    beginColumn()
    let start = bytes.count
    bytes.append(contentsOf: text.utf8)
    // Most texts have nothing to escape.
    if bytes[start...].contains(where: { $0 <= 13 || $0 == UInt8(ascii: "\\") }) { escape(start) }
  }

  func bytes(_ value: [UInt8]) {
    beginColumn()
    guard value.count < UnstorableValue.lengthLimit / 2 else { return note(.tooLong) }
    bytes.append(contentsOf: "\\\\x".utf8)
    unsafe bytes += [UInt8](unsafeUninitializedCapacity: 2 * value.count) { digits, count in
      for byte in value {
        unsafe digits[count] = Self.digit(byte >> 4)
        unsafe digits[count + 1] = Self.digit(byte & 15)
        count += 2
      }
    }
  }

  private func beginColumn() {
    if column > 0 { bytes.append(UInt8(ascii: "\t")) }
    column += 1
  }

  private func note(_ fault: UnstorableValue) { self.fault = self.fault ?? fault }

  /// Writes the text that begins at a place again, with backslashes before what needs them.
  private func escape(_ start: Int) {
    let plain = Array(bytes[start...])
    bytes.removeSubrange(start...)
    for byte in plain {
      if byte == 0 { note(.zeroByte) }
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

  private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}
