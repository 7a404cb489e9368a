import Model
import TestSupport
import Testing
import Vault

/// Sealing: what comes back, and what is refused.
struct SecretBoxTests {
  private static let key = FileKey((0..<32).map { UInt8($0) })
  private static let place = SecretPlace(
    tenant: "t1",
    provider: "aws",
    credential: "audit",
    version: 3,
    details: "d1"
  )

  private static func sealed(_ text: String = "correct horse") async throws -> SealedSecret {
    try await SecretBox.seal(Secret(text), field: "secret", at: place, under: key)
  }

  /// Whether a sealed secret opens at a place.
  private static func opens(
    _ secret: SealedSecret,
    at place: SecretPlace = place,
    under key: FileKey = key
  ) async -> Bool {
    do {
      _ = try await SecretBox.open(secret, at: place, under: key)
      return true
    } catch {
      #expect(error as? VaultError == .changed)
      return false
    }
  }

  @Test(arguments: ["", "x", "correct horse", "ключ 🔑", String(repeating: "long", count: 20_000)])
  func `what was sealed opens again`(text: String) async throws {
    let sealed = try await Self.sealed(text)
    let opened = try await SecretBox.open(sealed, at: Self.place, under: Self.key)
    #expect(opened.revealed == text)
    #expect(sealed.sealed.count == text.utf8.count + 29)
  }

  @Test func `no two sealings are alike, and none shows the text`() async throws {
    var seen: Set<[UInt8]> = []
    for _ in 0..<200 {
      let sealed = try await Self.sealed()
      #expect(seen.insert(sealed.sealed).inserted)
      #expect(seen.insert(sealed.wrappedKey).inserted)
      #expect(!String(decoding: sealed.sealed, as: UTF8.self).contains("horse"))
    }
  }

  @Test func `every flipped bit of format, nonce, ciphertext and tag is refused`() async throws {
    let sealed = try await Self.sealed()
    for bit in 0..<sealed.sealed.count * 8 {
      var changed = sealed
      changed.sealed[bit / 8] ^= 1 << UInt8(bit % 8)
      await #expect(!Self.opens(changed), "bit \(bit) of the secret")
    }
    for bit in 0..<sealed.wrappedKey.count * 8 {
      var changed = sealed
      changed.wrappedKey[bit / 8] ^= 1 << UInt8(bit % 8)
      await #expect(!Self.opens(changed), "bit \(bit) of the wrapped key")
    }
    for count in 0..<sealed.sealed.count {
      var changed = sealed
      changed.sealed = Array(sealed.sealed.prefix(count))
      await #expect(!Self.opens(changed), "\(count) bytes")
    }
    await #expect(Self.opens(sealed))
  }

  @Test func `every flipped bit of the context is refused`() throws {
    let (key, context) = ([UInt8](repeating: 7, count: 32), Array("provider, name, field".utf8))
    let sealed = try AESGCM.seal(Array("text".utf8), key: key, context: context)
    for bit in 0..<context.count * 8 {
      var changed = context
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: VaultError.changed) {
        try AESGCM.open(sealed, key: key, context: changed)
      }
    }
    for bit in 0..<key.count * 8 {
      var changed = key
      changed[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: VaultError.changed) {
        try AESGCM.open(sealed, key: changed, context: context)
      }
    }
  }

  @Test func `a secret opens at its own place only`() async throws {
    let sealed = try await Self.sealed()
    let changes: [(inout SecretPlace) -> Void] = [
      { $0.tenant = "t2" }, { $0.provider = "ibm" }, { $0.credential = "audit2" },
      { $0.version = 4 },
      { $0.details = "d2" },
      // The parts are kept apart, so none can lend a letter to its neighbour.
      {
        $0.provider = "aw"
        $0.credential = "saudit"
      },
    ]
    for change in changes {
      var place = Self.place
      change(&place)
      await #expect(!Self.opens(sealed, at: place), "\(place)")
    }
    var moved = sealed
    moved.field = "token"
    await #expect(!Self.opens(moved))
    let other = try await Self.sealed()
    moved = sealed
    moved.wrappedKey = other.wrappedKey
    await #expect(!Self.opens(moved))
    await #expect(!Self.opens(sealed, under: FileKey([UInt8](repeating: 9, count: 32))))
  }

  @Test func `a data key goes from one key to another, and the secret stays as it is`() async throws
  {
    let sealed = try await Self.sealed()
    let next = FileKey([UInt8](repeating: 9, count: 32))
    let moved = try await SecretBox.rewrap(sealed, at: Self.place, from: Self.key, to: next)
    #expect(moved.sealed == sealed.sealed)
    #expect(moved.keyID == next.id && moved.keyID != sealed.keyID)
    await #expect(Self.opens(moved, under: next))
    await #expect(!Self.opens(moved))
  }

  @Test func `a key is not shown by what prints it`() {
    var dumped = ""
    dump(Self.key, to: &dumped)
    for text in ["\(Self.key)", String(reflecting: Self.key), dumped] {
      #expect(!text.contains("30, 31") && !text.contains("- 31"), "\(text)")
    }
  }
}
