import ArgumentParser
import Model
import Operations
import Store
import Vault

struct CredentialsKey: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Shows or makes the key that guards all credentials.",
    subcommands: [CredentialsKeyShow.self, CredentialsKeyMake.self],
    defaultSubcommand: CredentialsKeyShow.self
  )
}

struct CredentialsKeyShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Says which key the credentials need, and whether it is at hand and works.",
    discussion: """
      Nothing is opened: a sample is wrapped and unwrapped. Exit code 2 says that the key is not at
      hand, or does not do its work.

      Example: plumb credentials key show
      """
  )

  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions

  func run() async throws {
    try await reporting {
      let place = try key.place(store).place
      let found = try await store.openForReading()
      guard let id = try await found.read({ try $0.credentialKeyID() }) else {
        throw StoreError.conflict("there is no credential yet, and so no key that is needed")
      }
      let ring = await place.ring()
      guard let key = ring[id] else { throw CredentialError.noCurrentKey(id, ring.findings) }
      try await key.prove()
      let records = try await found.read { try $0.credentials() }.filter { !$0.secrets.isEmpty }
      let others = records.filter { $0.keyIDs != [id] }.map(\.name)
      print("key \(id) guards \(counted(records.count, "credential")), and works: \(place.name)")
      guard !others.isEmpty else { return }
      print(
        "still under another key: \(others.joined(separator: ", ")); plumb credentials rotate --key"
      )
    }
  }
}

struct CredentialsKeyMake: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "make",
    abstract:
      "Makes the key that --vault-key names: on a token, which it cannot leave, or in a file.",
    discussion: """
      The credentials are not touched; plumb credentials rotate --key --to puts them under it.

      Example: plumb credentials key make \\
        --vault-key 'pkcs11:token=hsm;object=plumb?module-path=/usr/lib/softhsm/libsofthsm2.so'
      """
  )

  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions

  func run() async throws {
    try await reporting {
      let made: any KeyEncryptionKey
      let place = try key.place(store)
      switch place {
      case .file(let file):
        if let key = try file.read() {
          throw StoreError.conflict("\(file.path) holds key \(key.id) already")
        }
        made = try file.make()
      case .token(let token): made = try await token.make()
      case .service:
        throw ValidationError("keys of AWS KMS are made there: aws kms create-key")
      }
      try await made.prove()
      print("key \(made.id) is made: \(place.place.name)")
    }
  }
}
