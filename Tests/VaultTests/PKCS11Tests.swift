import Foundation
import Model
import TestSupport
import Testing
import Vault

/// Keys on tokens, with SoftHSM as the token.
@Suite(.enabled(if: SoftToken.isExpected))
struct PKCS11Tests {
  /// One folder for the process, in which the module finds the token when it is first loaded.
  private static let soft: SoftToken? = {
    guard let soft = try? SoftToken(), (try? soft.make("plumb tests")) != nil else { return nil }
    soft.enter()
    return soft
  }()

  private func token(_ key: String, pin: String = SoftToken.pin) throws -> PKCS11Token {
    let soft = try #require(Self.soft)
    let address = try PKCS11Address(soft.address("plumb%20tests", key))
    return PKCS11Token(address) { Secret(pin) }
  }

  @Test func `a key on a token keeps to what every key keeps to`() async throws {
    let (key, other) = try await (token("kit").make(), token("kit-other").make())
    try await #expect(KeyKit(key, other: other).faults() == [])
    #expect(key.id.hasPrefix("pkcs11:kit/"))
    let again = try await token("kit").keyToWrapWith()
    #expect(again.id == key.id)
    try await #expect(KeyKit(again, other: other).faults() == [])
  }

  @Test func `a label that nothing has, and one that two have, are told`() async throws {
    let none = try token("none")
    await #expect(throws: VaultError.self) { try await none.keyToWrapWith() }
    let ring = await none.ring()
    #expect(ring.ids.isEmpty)
    #expect(ring.findings == "pkcs11:token=plumb%20tests;object=none is not there")
    let twice = try token("twice")
    let made = try await twice.make()
    let refusal = await #expect(throws: VaultError.self) { try await twice.make() }
    #expect("\(refusal, default: "")".contains("there is a key with that label"))
    #expect(await twice.ring()[made.id] != nil)
  }

  @Test func `a module that is none, or not there, is told`() async throws {
    for path in ["/nowhere/module.so", "/usr/bin/true"] {
      let address = try PKCS11Address("pkcs11:token=t;object=o?module-path=\(path)")
      let ring = await PKCS11Token(address) { Secret("") }.ring()
      #expect(ring.findings.contains("the module cannot be loaded"), "\(ring.findings)")
      #expect(ring.findings.contains("correct module-path"))
    }
  }

  @Test func `an address names token, key, module and the PIN's file`() throws {
    let address = try PKCS11Address(
      "pkcs11:token=a%20b;object=k%3B;type=secret-key?module-path=/m.so&pin-source=file:/pin"
    )
    #expect(address.token == "a b" && address.object == "k;" && address.modulePath == "/m.so")
    #expect(address.pinFile == "/pin")
    #expect("\(address)" == "pkcs11:token=a%20b;object=k%3B")
  }

  @Test(arguments: [
    ("pkcs11:object=k?module-path=/m", "names the token"),
    ("pkcs11:token=t?module-path=/m", "names the key"),
    ("pkcs11:token=t;object=k", "names the module"),
    ("pkcs11:token=t;object=k?module-path=m.so", "names the module"),
    ("pkcs11:token=t;object=k?module-path=/m&pin-value=1234", "holds no PIN"),
    ("pkcs11:token=t;object=k?module-path=/m&pin-source=|cat", "names the file of the PIN"),
    ("pkcs11:token=t;object=k;colour=red?module-path=/m", "knows no colour"),
    ("pkcs11:token=t;token=u;object=k?module-path=/m", "has one value for token"),
    ("pkcs11:token=t;object=%zz?module-path=/m", "has one value for object"),
    ("pkcs11:token=t;object=k;type=private?module-path=/m", "type=secret-key"),
    ("file:/x", "begins with pkcs11:"),
  ])
  func `what is no address is refused`(text: String, message: String) {
    do {
      _ = try PKCS11Address(text)
      Issue.record("\(text) was accepted")
    } catch {
      #expect(error.reason.contains(message), "\(error.reason)")
      #expect(!error.reason.contains("1234"))
    }
  }
}
