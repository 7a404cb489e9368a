import Foundation
package import Model

/// A key-encryption key in a file of 32 bytes that only its owner can read.
package struct KeyFile: KeyPlace {
  /// Where the file is.
  package let path: String

  package init(_ path: String) { self.path = path }

  /// The file's path.
  package var name: String { path }

  /// The key, made where there is none yet.
  ///
  /// - Throws: ``VaultError``.
  package func keyToWrapWith() throws(VaultError) -> any KeyEncryptionKey { try make() }

  /// The file of the key that is to take this one's place.
  package var next: KeyFile { KeyFile(path + ".next") }

  /// The key; nil where there is no file.
  ///
  /// - Throws: ``VaultError/keyFile(_:reason:)`` for a file that others can read, or that holds no key.
  package func read() throws(VaultError) -> FileKey? {
    let found: (bytes: [UInt8], size: Int)?
    do {
      found = try PrivateFile.read(path, limit: AESGCM.keyCount)
    } catch {
      throw fault(error.reason)
    }
    guard let found else { return nil }
    var bytes = found.bytes
    guard found.size == AESGCM.keyCount, bytes.count == AESGCM.keyCount else {
      throw fault("has \(found.size) bytes; a key has \(AESGCM.keyCount)")
    }
    defer { AESGCM.wipe(&bytes) }
    return FileKey(bytes)
  }

  /// The key, drawn and written where there is no file yet.
  ///
  /// The file appears whole or not at all; of several that make it at once the first one's key counts.
  ///
  /// - Throws: ``VaultError``.
  package func make() throws(VaultError) -> FileKey {
    if let key = try read() { return key }
    var bytes = try AESGCM.random(AESGCM.keyCount)
    defer { AESGCM.wipe(&bytes) }
    let draft = "\(path).\(UUID().uuidString.lowercased())"
    defer { unsafe _ = unlink(draft) }
    try write(bytes, to: draft)
    if unsafe link(draft, path) != 0, errno != EEXIST {
      throw fault("cannot be made: \(Self.lastError)")
    }
    try keepFolder()
    guard let key = try read() else { throw fault("was removed while it was made") }
    return key
  }

  /// Puts the next key's file in the place of this one, whose key is gone with that.
  ///
  /// - Throws: ``VaultError/keyFile(_:reason:)``.
  package func takeNext() throws(VaultError) {
    guard unsafe rename(next.path, path) == 0 else {
      throw fault("cannot be replaced by \(next.path): \(Self.lastError)")
    }
    try keepFolder()
  }

  /// The keys of this file and of the next one, if an exchange of keys was interrupted.
  package func ring() -> KeyRing {
    var keys: [any KeyEncryptionKey] = []
    var findings: [String] = []
    for file in [self, next] {
      do {
        if let key = try file.read() {
          keys.append(key)
          findings.append("\(file.path) holds key \(key.id)")
        } else if file.path == path {
          findings.append("\(file.path) is not there")
        }
      } catch {
        findings.append("\(error)")
      }
    }
    return KeyRing(keys, findings: findings.joined(separator: ", "))
  }

  private func write(_ bytes: [UInt8], to draft: String) throws(VaultError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC
    let descriptor = unsafe Glibc.open(draft, flags, mode_t(0o600))
    guard descriptor >= 0 else { throw fault("cannot be made: \(Self.lastError)") }
    defer { close(descriptor) }
    let written = unsafe bytes.withUnsafeBytes { buffer in
      unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
    }
    guard written == bytes.count, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
      throw fault("cannot be written: \(Self.lastError)")
    }
  }

  /// Waits until the folder's entry of the file is on the disk: a lost key is lost secrets.
  private func keepFolder() throws(VaultError) {
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let descriptor = unsafe Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault("cannot be kept: \(Self.lastError)") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw fault("cannot be kept: \(Self.lastError)") }
  }

  private func fault(_ reason: String) -> VaultError { .keyFile(path, reason: reason) }

  private static var lastError: String { unsafe String(cString: strerror(errno)) }
}

/// A key-encryption key in memory.
package struct FileKey: KeyEncryptionKey {
  /// The beginning of a digest of the key.
  package let id: String
  private let bytes: Secret

  /// The key of 32 bytes.
  package init(_ bytes: [UInt8]) {
    self.bytes = Secret(bytes)
    id = String(Digest.sha256(Array("plumb key-encryption key:".utf8) + bytes).prefix(16))
  }

  /// A key that signs, for a file that is used for nothing else: Ed25519 takes any 32 bytes.
  package var signingKey: SigningKey? { SigningKey(seed: bytes.revealed) }

  /// Bytes that no dump of a value shows.
  private struct Secret: Sendable, CustomReflectable {
    let revealed: [UInt8]

    init(_ bytes: [UInt8]) { revealed = bytes }

    var customMirror: Mirror { Mirror(self, children: []) }
  }

  /// Wraps a data key with AES-256-GCM.
  package func wrap(_ dataKey: [UInt8], context: [UInt8]) throws(VaultError) -> [UInt8] {
    try AESGCM.seal(dataKey, key: bytes.revealed, context: context)
  }

  /// Unwraps a data key.
  package func unwrap(_ wrapped: [UInt8], context: [UInt8]) throws(VaultError) -> [UInt8] {
    try AESGCM.open(wrapped, key: bytes.revealed, context: context)
  }
}
