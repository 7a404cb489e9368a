import Dispatch
package import Model

/// A place on a token, reached through PKCS#11: the keys that have a label there.
///
/// Keys are used on the token and never leave it. One session serves all, one call at a time.
package final class PKCS11Token: KeyPlace, @unchecked Sendable {
  // Sendable: session and refused are touched only on the queue, one work at a time.
  private let queue = DispatchQueue(label: "plumb.pkcs11")
  private let address: PKCS11Address
  private let pin: @Sendable () throws -> Secret
  private var session: PKCS11Session?
  /// The PIN that the token refused; it is not shown again, so that the token does not lock itself.
  private var refused: (pin: Secret, fault: PKCS11Fault)?

  /// A place.
  ///
  /// - Parameters:
  ///   - address: which key on which token.
  ///   - pin: the PIN, unless the address names its file.
  package init(
    _ address: PKCS11Address,
    pin: @Sendable @escaping () throws -> Secret
  ) {
    (self.address, self.pin) = (address, pin)
  }

  /// Token and key as a URI.
  package var name: String { "\(address)" }

  /// The keys that have the label.
  package func ring() async -> KeyRing {
    do {
      let found = try await run { try $0.keys(self.address.object) }
      let good = found.filter { $0.flaw == nil }.map { PKCS11Key(self, $0.id, self.address.object) }
      var findings = found.compactMap { key in key.flaw.map { "a key of \(name) \($0)" } }
      if !good.isEmpty {
        findings.append("\(name) holds key \(good.map(\.id).joined(separator: ", "))")
      }
      if found.isEmpty { findings.append("\(name) is not there") }
      return KeyRing(good, findings: findings.joined(separator: ", "))
    } catch {
      return KeyRing([], findings: "\(error)")
    }
  }

  /// The one key that has the label.
  package func keyToWrapWith() async throws -> any KeyEncryptionKey {
    let found = try await run { try $0.keys(self.address.object) }
    guard let key = found.first else {
      throw fault("it is not on the token; plumb credentials key make draws it there")
    }
    guard found.count == 1 else {
      throw fault("\(found.count) keys on the token have that label; name another key")
    }
    if let flaw = key.flaw { throw fault("it \(flaw)") }
    return PKCS11Key(self, key.id, address.object)
  }

  /// Draws a key on the token, which it cannot leave.
  ///
  /// - Throws: ``VaultError/key(_:reason:)``, also where there is a key with the label.
  package func make() async throws -> any KeyEncryptionKey {
    try await run(writes: true) { session in
      guard try session.keys(self.address.object).isEmpty else {
        throw PKCS11Trouble("there is a key with that label; choose another for a new one")
      }
      try session.generate(self.address.object)
    }
    return try await keyToWrapWith()
  }

  /// Does something with a key.
  fileprivate func use<R: Sendable>(
    _ key: PKCS11Key,
    _ work: @Sendable @escaping (PKCS11Session, PKCS11Session.Key) throws -> R
  ) async throws -> R {
    try await run { session in
      let found = try session.keys(self.address.object).first { key.isAt($0.id) }
      guard let found else { throw PKCS11Trouble("\(key.id) is not on the token any more") }
      if let flaw = found.flaw { throw PKCS11Trouble("it \(flaw)") }
      return try work(session, found)
    }
  }

  /// Runs blocking work on the queue, away from the threads that tasks share.
  private func run<R: Sendable>(
    writes: Bool = false,
    _ work: @Sendable @escaping (PKCS11Session) throws -> R
  ) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        continuation.resume(with: Result { try self.translating { try self.tried(writes, work) } })
      }
    }
  }

  private func tried<R>(_ writes: Bool, _ work: (PKCS11Session) throws -> R) throws -> R {
    if writes {
      // Only this work may change the token; what follows reads again.
      session = nil
      return try work(try opened(writes: true))
    }
    let isOld = session != nil
    do {
      let session = try session ?? opened(writes: false)
      self.session = session
      return try work(session)
    } catch let fault as PKCS11Fault where fault.endsSession {
      session = nil
      guard isOld else { throw fault }
      let session = try opened(writes: false)
      self.session = session
      return try work(session)
    }
  }

  private func opened(writes: Bool) throws -> PKCS11Session {
    var shown: Secret?
    do {
      return try PKCS11Session(address, writes: writes) {
        let pin = try readPIN()
        if let refused, refused.pin == pin { throw refused.fault }
        shown = pin
        return pin
      }
    } catch let fault as PKCS11Fault {
      if fault.function == "C_Login", let shown { refused = (shown, fault) }
      throw fault
    }
  }

  private func readPIN() throws -> Secret {
    guard let path = address.pinFile else { return try pin() }
    do {
      guard let found = try PrivateFile.read(path, limit: 1024) else {
        throw PKCS11Trouble("the file \(path) of the PIN is not there")
      }
      let text = String(decoding: found.bytes, as: UTF8.self)
      return Secret(String(text.prefix { !$0.isNewline }))
    } catch let fault as PrivateFile.Fault {
      throw PKCS11Trouble("the file \(path) of the PIN \(fault.reason)")
    }
  }

  private func translating<R>(_ work: () throws -> R) throws -> R {
    do {
      return try work()
    } catch let fault as PKCS11Fault {
      throw self.fault(fault.text)
    } catch let trouble as PKCS11Trouble {
      throw fault(trouble.text)
    }
  }

  private func fault(_ reason: String) -> VaultError { .key(name, reason: reason) }
}

/// A key-encryption key on a token.
struct PKCS11Key: KeyEncryptionKey {
  /// The key's label and its CKA_ID, as a URI has them.
  let id: String
  private let token: PKCS11Token
  private let place: String

  init(_ token: PKCS11Token, _ place: String, _ label: String) {
    (self.token, self.place) = (token, place)
    id = "pkcs11:\(label.escaped)/\(place)"
  }

  /// Whether it is the key of an object.
  func isAt(_ place: String) -> Bool { self.place == place }

  func wrap(_ dataKey: [UInt8], context: [UInt8]) async throws -> [UInt8] {
    try await token.use(self) { try $0.seal(dataKey, $1, context: context) }
  }

  func unwrap(_ wrapped: [UInt8], context: [UInt8]) async throws -> [UInt8] {
    try await token.use(self) { try $0.open(wrapped, $1, context: context) }
  }
}
