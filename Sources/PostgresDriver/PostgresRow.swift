import CLibPQ
import Store

/// The row at hand of an answer.
///
/// One object serves all rows; outside the call it has no columns.
@safe final class PostgresRow: SQLRow {
  /// How the bytes of a column are to be read.
  private enum Coding {
    /// A whole number or a truth value of 1, 2, 4 or 8 bytes.
    case whole
    /// A number of 4 or 8 bytes.
    case real
    /// A byte string as it is.
    case raw
    /// A byte string in hexadecimal.
    case hexadecimal
    /// A truth value as `t` or `f`.
    case truth
    /// Text, also that of a number.
    case text

    init(type: Oid, isBinary: Bool) {
      self =
        switch type {
        case PostgresType.bytea: isBinary ? .raw : .hexadecimal
        case PostgresType.bool where !isBinary: .truth
        case _ where isBinary && PostgresType.wholeNumbers.contains(type): .whole
        case _ where isBinary && PostgresType.numbers.contains(type): .real
        default: .text
        }
    }
  }

  private var result: OpaquePointer?
  private var codings: [Coding] = []

  /// Shows a row, the only one of its answer, during a call.
  func show(_ answer: borrowing Answer, _ body: (any SQLRow) throws -> Void) rethrows {
    unsafe result = unsafe answer.result
    defer { unsafe result = nil }
    if codings.isEmpty {
      for (column, type) in answer.types.enumerated() {
        let isBinary = unsafe PQfformat(result, Int32(column)) == 1
        codings.append(Coding(type: type, isBinary: isBinary))
      }
    }
    try body(self)
  }

  func isNull(_ column: Int) -> Bool {
    guard codings.indices.contains(column) else { return true }
    return unsafe PQgetisnull(result, 0, Int32(column)) != 0
  }

  func integer(_ column: Int) -> Int64 {
    guard let (coding, bytes) = unsafe cell(column) else { return 0 }
    switch coding {
    case .whole: return unsafe bytes.bigEndianInteger
    case .real: return Int64(nearest: unsafe bytes.bigEndianDouble)
    case .truth: return unsafe bytes.first == UInt8(ascii: "t") ? 1 : 0
    case .text, .raw, .hexadecimal:
      let text = unsafe String(decoding: bytes, as: UTF8.self)
      return Int64(text) ?? Int64(nearest: Double(text) ?? 0)
    }
  }

  func double(_ column: Int) -> Double {
    guard let (coding, bytes) = unsafe cell(column) else { return 0 }
    return switch coding {
    case .whole: Double(unsafe bytes.bigEndianInteger)
    case .real: unsafe bytes.bigEndianDouble
    case .truth: unsafe bytes.first == UInt8(ascii: "t") ? 1 : 0
    case .text, .raw, .hexadecimal: Double(unsafe String(decoding: bytes, as: UTF8.self)) ?? 0
    }
  }

  func text(_ column: Int) -> String {
    guard let (coding, bytes) = unsafe cell(column) else { return "" }
    return switch coding {
    case .whole: String(unsafe bytes.bigEndianInteger)
    case .real: unsafe bytes.bigEndianDouble.sqlText
    case .truth: unsafe bytes.first == UInt8(ascii: "t") ? "1" : "0"
    case .text, .raw: unsafe String(decoding: bytes, as: UTF8.self)
    case .hexadecimal: unsafe String(decoding: bytes.fromHexadecimal, as: UTF8.self)
    }
  }

  func bytes(_ column: Int) -> [UInt8] {
    guard let (coding, bytes) = unsafe cell(column) else { return [] }
    return switch coding {
    case .raw: unsafe Array(bytes)
    case .hexadecimal: unsafe bytes.fromHexadecimal
    case .whole, .real, .truth, .text: Array(text(column).utf8)
    }
  }

  /// How a column is to be read and its bytes; nil where it is null or there is none.
  private func cell(_ column: Int) -> (Coding, UnsafeRawBufferPointer)? {
    guard !isNull(column), let start = unsafe PQgetvalue(result, 0, Int32(column)) else {
      return nil
    }
    let length = Int(unsafe PQgetlength(result, 0, Int32(column)))
    return unsafe (codings[column], UnsafeRawBufferPointer(start: start, count: length))
  }
}

extension UnsafeRawBufferPointer {
  /// The whole number that the bytes are, of any length up to 8.
  fileprivate var bigEndianInteger: Int64 {
    var number: Int64 = (unsafe first ?? 0) & 0x80 == 0 ? 0 : -1
    for index in indices { number = unsafe number << 8 | Int64(self[index]) }
    return number
  }

  /// The number that the bytes are, 4 or 8 of them.
  fileprivate var bigEndianDouble: Double {
    let bits = unsafe UInt64(bitPattern: bigEndianInteger)
    return count == 4
      ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) : Double(bitPattern: bits)
  }

  /// The bytes that are written as `\x` and two digits for each.
  fileprivate var fromHexadecimal: [UInt8] {
    func nibble(_ digit: UInt8) -> UInt8 {
      digit < UInt8(ascii: "a") ? digit & 15 : digit - UInt8(ascii: "a") + 10
    }
    return stride(from: 2, to: count - 1, by: 2).map { index in
      unsafe nibble(self[index]) << 4 | nibble(self[index + 1])
    }
  }
}

extension Int64 {
  /// The whole number next to zero, or the last one there is.
  fileprivate init(nearest number: Double) {
    let last: Int64 = number < 0 ? .min : number > 0 ? .max : 0
    self = Int64(exactly: number.rounded(.towardZero)) ?? last
  }
}
