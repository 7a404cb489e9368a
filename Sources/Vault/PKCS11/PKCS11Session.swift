import CPKCS11
import Model

/// A session with a token; one thread uses it at a time.
@safe final class PKCS11Session {
  private let module: PKCS11Module
  private let token: PKCS11Module.Token
  private let handle: CK_SESSION_HANDLE

  /// Opens a session and logs in where the token wants that.
  ///
  /// - Throws: ``PKCS11Fault``, ``PKCS11Trouble``, what `pin` throws.
  init(_ address: PKCS11Address, writes: Bool, pin: () throws -> Secret) throws {
    module = try PKCS11Module.load(address.modulePath)
    token = try module.token(address)
    var handle: CK_SESSION_HANDLE = 0
    try PKCS11Module.check(
      "C_OpenSession",
      unsafe plumb_token_session(module.functions, token.slot, writes, &handle)
    )
    self.handle = handle
    guard token.needsLogin else { return }
    var bytes = Array(try pin().revealed.utf8)
    defer { AESGCM.wipe(&bytes) }
    let code = unsafe plumb_token_login(module.functions, handle, bytes, bytes.count)
    try PKCS11Module.check("C_Login", code)
  }

  deinit { _ = unsafe plumb_token_close(module.functions, handle) }

  /// A key on the token.
  struct Key {
    let handle: CK_OBJECT_HANDLE
    /// The bytes of its CKA_ID in hexadecimal, else the token's serial number.
    let id: String
    /// Why it is not used; nil for a good one.
    let flaw: String?
  }

  /// The AES keys with a label.
  ///
  /// - Throws: ``PKCS11Fault``.
  func keys(_ label: String) throws -> [Key] {
    let label = Array(label.utf8)
    var handles = [CK_OBJECT_HANDLE](repeating: 0, count: 64)
    var count = CK_ULONG(handles.count)
    try PKCS11Module.check(
      "C_FindObjects",
      unsafe plumb_token_find(
        module.functions,
        handle,
        label,
        label.count,
        nil,
        0,
        &handles,
        &count
      )
    )
    return try handles.prefix(Int(count)).map { try key($0) }
  }

  private func key(_ key: CK_OBJECT_HANDLE) throws -> Key {
    var facts = plumb_token_key()
    try PKCS11Module.check(
      "C_GetAttributeValue",
      unsafe plumb_token_describe(module.functions, handle, key, &facts)
    )
    let bytes = unsafe withUnsafeBytes(of: &facts.id) { unsafe Array($0.prefix(facts.id_count)) }
    var flaw: String?
    if facts.is_extractable || !facts.is_sensitive {
      flaw = "can leave the token; only one with CKA_SENSITIVE and without CKA_EXTRACTABLE is used"
    } else if facts.length != AESGCM.keyCount {
      flaw = "has \(facts.length) bytes; AES-256 takes \(AESGCM.keyCount)"
    }
    return Key(
      handle: key,
      id: bytes.isEmpty ? token.serial.escaped : bytes.map(Self.hexadecimal).joined(),
      flaw: flaw
    )
  }

  private static func hexadecimal(_ byte: UInt8) -> String {
    (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }

  /// Draws a key that cannot leave the token.
  ///
  /// - Throws: ``PKCS11Fault``.
  func generate(_ label: String) throws {
    let (label, id) = (Array(label.utf8), try random(8))
    try PKCS11Module.check(
      "C_GenerateKey",
      unsafe plumb_token_generate(module.functions, handle, label, label.count, id, id.count)
    )
  }

  /// Random bytes of the token's.
  private func random(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try PKCS11Module.check(
      "C_GenerateRandom",
      unsafe plumb_token_random(module.functions, handle, &bytes, count)
    )
    return bytes
  }

  private static let nonceCount = 12
  private static let tagCount = 16
  private static let format: UInt8 = 1
  private static let head = 1 + nonceCount

  /// Seals bytes with AES-256-GCM on the token; laid out as ``AESGCM`` does it.
  ///
  /// - Throws: ``PKCS11Fault``.
  func seal(_ text: [UInt8], _ key: Key, context: [UInt8]) throws -> [UInt8] {
    let nonce = try random(Self.nonceCount)
    let context = [Self.format] + context
    var sealed = [UInt8](repeating: 0, count: text.count + Self.tagCount)
    var written = CK_ULONG(sealed.count)
    try PKCS11Module.check(
      "C_Encrypt",
      unsafe plumb_token_seal(
        module.functions,
        handle,
        key.handle,
        nonce,
        context,
        context.count,
        text,
        text.count,
        &sealed,
        &written
      )
    )
    guard written == sealed.count else {
      throw PKCS11Trouble("C_Encrypt wrote \(written) bytes where \(sealed.count) are due")
    }
    return [Self.format] + nonce + sealed
  }

  /// Opens what ``seal(_:_:context:)`` made with the same key and context.
  ///
  /// - Throws: ``VaultError/changed``, ``PKCS11Fault``.
  func open(_ sealed: [UInt8], _ key: Key, context: [UInt8]) throws -> [UInt8] {
    guard sealed.count >= Self.head + Self.tagCount, sealed[0] == Self.format else {
      throw VaultError.changed
    }
    var hasBegun = false
    do {
      return try opened(sealed, key, [Self.format] + context, &hasBegun)
    } catch let fault as PKCS11Fault where hasBegun && !fault.endsSession {
      // Some tokens have no word of their own for bytes that were changed: then a sample tells
      // whether the bytes are to blame.
      guard !fault.refusesBytes else { throw VaultError.changed }
      let sample = try seal(sealed, key, context: context)
      guard (try? opened(sample, key, [Self.format] + context, &hasBegun)) == sealed else {
        throw fault
      }
      throw VaultError.changed
    }
  }

  private func opened(
    _ sealed: [UInt8],
    _ key: Key,
    _ context: [UInt8],
    _ hasBegun: inout Bool
  ) throws -> [UInt8] {
    let (nonce, body) = (Array(sealed[1..<Self.head]), Array(sealed[Self.head...]))
    // As much room as there is to read: some tokens ask for that of the tag too.
    var text = [UInt8](repeating: 0, count: body.count)
    defer { AESGCM.wipe(&text) }
    var written = CK_ULONG(text.count)
    try PKCS11Module.check(
      "C_Decrypt",
      unsafe plumb_token_open(
        module.functions,
        handle,
        key.handle,
        nonce,
        context,
        context.count,
        body,
        body.count,
        &text,
        &written,
        &hasBegun
      )
    )
    return Array(text.prefix(Int(written)))
  }
}
