internal import CPack

/// Compression of what is stored, with zstd.
package enum Pack {
  /// The bytes as a zstd frame.
  package static func compress(_ bytes: [UInt8], level: Int32 = 1) -> [UInt8] {
    guard !bytes.isEmpty else { return [] }
    let bound = plumb_pack_bound(bytes.count)
    return unsafe Array(unsafeUninitializedCapacity: bound) { out, count in
      count = unsafe bytes.withUnsafeBytes { input in
        unsafe plumb_pack(out.baseAddress, bound, input.baseAddress, input.count, level)
      }
    }
  }

  /// What a zstd frame holds.
  ///
  /// - Throws: ``StoreError/damaged(_:)`` when the frame is damaged or holds over 1 GiB.
  package static func decompress(_ bytes: [UInt8]) throws -> [UInt8] {
    guard !bytes.isEmpty else { return [] }
    return try unsafe bytes.withUnsafeBytes { input in
      let length = unsafe plumb_unpacked_length(input.baseAddress, input.count)
      guard length > 0, length <= 1 << 30 else {
        throw StoreError.damaged("a compressed block is no zstd frame")
      }
      let result = unsafe [UInt8](unsafeUninitializedCapacity: Int(length)) { out, count in
        count = unsafe plumb_unpack(out.baseAddress, Int(length), input.baseAddress, input.count)
      }
      guard result.count == Int(length) else {
        throw StoreError.damaged("a compressed block cannot be read")
      }
      return result
    }
  }
}

/// A 128-bit hash of bytes under a database's secret seed: XXH3.
///
/// It tells within one database whether something is still the same; it is no proof to others, for
/// which proofs hold SHA-256. Source: <https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md>.
package struct Fingerprint: Hashable, Sendable {
  package var high: UInt64
  package var low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The fingerprint of bytes.
  package init(of bytes: UnsafeRawBufferPointer, seed: UInt64) {
    var out: (UInt64, UInt64) = (0, 0)
    unsafe withUnsafeMutableBytes(of: &out) { target in
      guard let start = target.baseAddress else { return }
      unsafe plumb_hash128(
        start.assumingMemoryBound(to: UInt8.self),
        bytes.baseAddress,
        bytes.count,
        seed
      )
    }
    self.init(high: UInt64(bigEndian: out.0), low: UInt64(bigEndian: out.1))
  }

  /// The key of a resource: of its account, kind and id, none of which can run into another.
  package init(account: Int64, kind: Int64, resource: String, seed: UInt64) {
    var bytes: [UInt8] = []
    unsafe withUnsafeBytes(of: account.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    unsafe withUnsafeBytes(of: kind.littleEndian) { unsafe bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: resource.utf8)
    self = unsafe bytes.withUnsafeBytes { unsafe Fingerprint(of: $0, seed: seed) }
  }
}
