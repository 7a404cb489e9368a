import Store

/// Values as libpq takes them: bytes as they are, anything else as text ended by a zero byte.
@safe struct BoundValues {
  private var memory: [UInt8] = []
  private var starts: [Int?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []

  /// - Throws: ``UnstorableValue``.
  init(_ values: [SQLValue]) throws(UnstorableValue) {
    starts.reserveCapacity(values.count)
    lengths.reserveCapacity(values.count)
    formats.reserveCapacity(values.count)
    for value in values { try add(value) }
  }

  private mutating func add(_ value: SQLValue) throws(UnstorableValue) {
    let start = memory.count
    switch value {
    case .null: break
    case .integer(let number): memory.append(contentsOf: String(number).utf8)
    case .double(let number): memory.append(contentsOf: number.sqlText.utf8)
    case .text(let text):
      memory.append(contentsOf: text.utf8)
      if memory[start...].contains(0) { throw .zeroByte }
    case .bytes(let bytes): memory.append(contentsOf: bytes)
    }
    guard memory.count - start < UnstorableValue.lengthLimit else { throw .tooLong }
    starts.append(value == .null ? nil : start)
    lengths.append(Int32(memory.count - start))
    formats.append(ValueKind(value) == .bytes ? 1 : 0)
    memory.append(0)
  }

  /// Hands over the addresses of the values, nil for null, with their lengths and formats.
  func withPointers<R>(
    _ body: (
      UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?
    ) throws -> R
  ) rethrows -> R {
    try unsafe memory.withUnsafeBytes { memory in
      let base = unsafe memory.assumingMemoryBound(to: CChar.self).baseAddress
      let pointers = unsafe starts.map { start in
        unsafe start.flatMap { offset in unsafe base.map { unsafe $0 + offset } }
      }
      return try unsafe pointers.withUnsafeBufferPointer { pointers in
        try unsafe lengths.withUnsafeBufferPointer { lengths in
          try unsafe formats.withUnsafeBufferPointer { formats in
            try unsafe body(pointers.baseAddress, lengths.baseAddress, formats.baseAddress)
          }
        }
      }
    }
  }
}

/// Why a value cannot be sent to the server.
enum UnstorableValue: Error {
  case zeroByte, tooLong

  /// The server takes no value of 1 GiB or more.
  static let lengthLimit = 1 << 30

  var message: String {
    switch self {
    case .zeroByte: "a text has a zero byte, which PostgreSQL cannot store"
    case .tooLong: "a value is longer than 1 GiB, which PostgreSQL cannot store"
    }
  }
}

extension Double {
  /// The number as PostgreSQL reads it, exact.
  var sqlText: String { isNaN ? "NaN" : description }
}
