import Model

/// Writes values of fixed layout one behind another.
struct StateWriter {
  private(set) var bytes: [UInt8] = []

  /// Adds a value's bytes.
  mutating func put<Value: BitwiseCopyable>(_ value: Value) {
    unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Adds values with their number and the size of one.
  mutating func put<Value: BitwiseCopyable>(list values: [Value]) {
    put(UInt64(values.count))
    put(UInt32(MemoryLayout<Value>.stride))
    unsafe values.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
  }

  /// Adds a text.
  mutating func put(text: String) { put(list: Array(text.utf8)) }
}

/// Reads what a ``StateWriter`` has written.
struct StateReader {
  private let bytes: [UInt8]
  private var place = 0

  /// What is wrong with a state.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next value.
  mutating func get<Value: BitwiseCopyable>(_ type: Value.Type) throws -> Value {
    let size = MemoryLayout<Value>.size
    guard bytes.count - place >= size else { throw Fault(description: "breaks off") }
    let value = unsafe bytes.withUnsafeBytes {
      unsafe $0.loadUnaligned(fromByteOffset: place, as: Value.self)
    }
    place += size
    return value
  }

  /// The next list.
  mutating func getList<Value: BitwiseCopyable>(_ type: Value.Type) throws -> [Value] {
    let count = try get(UInt64.self)
    let stride = try get(UInt32.self)
    guard stride == MemoryLayout<Value>.stride else {
      throw Fault(description: "was written by another version of plumb")
    }
    guard count <= UInt64(bytes.count - place) / UInt64(stride) else {
      throw Fault(description: "breaks off")
    }
    var values: [Value] = []
    values.reserveCapacity(Int(count))
    unsafe bytes.withUnsafeBytes { buffer in
      for index in 0..<Int(count) {
        let offset = place + index * Int(stride)
        values.append(unsafe buffer.loadUnaligned(fromByteOffset: offset, as: Value.self))
      }
    }
    place += Int(count) * Int(stride)
    return values
  }

  /// The next text.
  mutating func getText() throws -> String {
    String(decoding: try getList(UInt8.self), as: UTF8.self)
  }
}
