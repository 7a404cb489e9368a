import CCrypto
package import Model

/// AES-256-GCM: enciphers bytes and notices every change of them and of what they are bound to.
///
/// What is sealed begins with the number of the format and the nonce, and ends with the tag.
package enum AESGCM {
  /// How many bytes a key has.
  package static let keyCount = 32
  private static let nonceCount = 12
  private static let tagCount = 16
  private static let format: UInt8 = 1
  private static let head = 1 + nonceCount

  /// Seals bytes under a key and binds them to a context; each time the outcome is another.
  ///
  /// - Throws: ``VaultError/library`` where libcrypto has no random bytes or no such cipher.
  package static func seal(
    _ text: [UInt8],
    key: [UInt8],
    context: [UInt8]
  ) throws(VaultError) -> [UInt8] {
    guard key.count == keyCount else { throw .library }
    let nonce = try random(nonceCount)
    let context = [format] + context
    var sealed = [UInt8](repeating: 0, count: text.count + tagCount)
    let isDone = unsafe sealed.withUnsafeMutableBufferPointer { target in
      unsafe plumb_gcm_seal(
        key,
        nonce,
        context,
        Int32(context.count),
        text,
        Int32(text.count),
        target.baseAddress
      )
    }
    guard isDone else { throw .library }
    return [format] + nonce + sealed
  }

  /// Opens what ``seal(_:key:context:)`` made with the same key and context.
  ///
  /// - Throws: ``VaultError/changed`` for anything else.
  package static func open(
    _ sealed: [UInt8],
    key: [UInt8],
    context: [UInt8]
  ) throws(VaultError) -> [UInt8] {
    guard key.count == keyCount, sealed.count >= head + tagCount, sealed[0] == format else {
      throw .changed
    }
    let nonce = Array(sealed[1..<head])
    let body = Array(sealed[head...])
    let context = [format] + context
    let count = body.count - tagCount
    // One byte more than is needed, so that there is an address for an empty text.
    var text = [UInt8](repeating: 0, count: count + 1)
    let isDone = unsafe text.withUnsafeMutableBufferPointer { target in
      unsafe plumb_gcm_open(
        key,
        nonce,
        context,
        Int32(context.count),
        body,
        Int32(count),
        target.baseAddress
      )
    }
    guard isDone else { throw .changed }
    defer { wipe(&text) }
    return Array(text.prefix(count))
  }

  /// Bytes that nobody can foresee.
  ///
  /// - Throws: ``VaultError/library``.
  package static func random(_ count: Int) throws(VaultError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let isDone = unsafe bytes.withUnsafeMutableBufferPointer { target in
      unsafe RAND_bytes(target.baseAddress, Int32(count)) == 1
    }
    guard isDone else { throw .library }
    return bytes
  }

  /// Overwrites bytes that are needed no more.
  package static func wipe(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBufferPointer { target in
      unsafe OPENSSL_cleanse(target.baseAddress, target.count)
    }
  }
}
