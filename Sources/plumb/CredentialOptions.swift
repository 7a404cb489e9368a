import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

/// The stored credential that a scan signs in with.
struct CredentialOptions: ParsableArguments {
  @Option(
    name: .customLong("credential"),
    help: ArgumentHelp(
      "Sign in with this stored credential (plumb credentials), and nothing else.",
      valueName: "name"
    )
  )
  var name: String?

  @OptionGroup var key: KeyOptions

  /// The credential, opened; nil where none was named.
  func opened(
    _ provider: LiveCollector,
    _ store: StoreOptions
  ) async throws -> OpenedCredential? {
    guard let name else { return nil }
    let found = try await store.openForReading()
    let record = try await found.read { try $0.credential(name) }
    guard record.provider == provider.rawValue else {
      throw ValidationError(
        "the credential \"\(name)\" is for \(record.provider), not \(provider.rawValue); name one "
          + "for \(provider.rawValue) (plumb credentials list), or scan \(record.provider) with it"
      )
    }
    return try await CredentialKeeper(found, key.place(store).place).opened(record)
  }
}

extension FillIn {
  /// What stands for a secret in a call that is shown.
  static var secret: FillIn { FillIn(name: "SECRET", source: .local(shell: "$SECRET") { "" }) }
}

extension KeyOptions {
  /// What bears on a server, which has a key of its own.
  func context(_ store: StoreOptions, _ person: ActorOptions) -> ServerOptions.Context {
    ServerOptions.Context(
      local: store.given + (vaultKey == nil ? [] : ["--vault-key"]),
      actor: person.given
    )
  }
}

extension CredentialKeeper {
  /// The credential of a record, opened.
  func opened(_ record: CredentialRecord) async throws -> OpenedCredential {
    OpenedCredential(
      record.name,
      try record.collector,
      record.details,
      try await open(record)
    )
  }
}

extension CredentialRecord {
  /// The collector that signs in with it.
  var collector: LiveCollector {
    get throws {
      if let collector = LiveCollector(rawValue: provider) { return collector }
      throw StoreError.damaged("the credential \"\(name)\" is for \(provider), which is not known")
    }
  }
}

/// Where a secret is read from: never from the arguments, which others see.
struct SecretOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Read the secret from this file, - for standard input, which is the default.",
      valueName: "file"
    )
  )
  var secretFile: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Read the secret from this environment variable.",
      valueName: "name"
    )
  )
  var secretVariable: String?

  func validate() throws {
    guard secretFile == nil || secretVariable == nil else {
      throw ValidationError("--secret-file and --secret-variable exclude each other")
    }
  }

  /// The options that were given.
  var given: [String] {
    (secretFile == nil ? [] : ["--secret-file"])
      + (secretVariable == nil ? [] : ["--secret-variable"])
  }

  /// How long a secret may be, in bytes.
  private static let limit = 1 << 16

  /// Reads the secret, alone or as the provider's own tools write it.
  func read(for provider: LiveCollector) throws -> SecretInput {
    let (text, source) = try read()
    guard text.utf8.count <= Self.limit else {
      throw ValidationError("\(source) has more than \(Self.limit) bytes; that is no secret")
    }
    return try SecretInput(text, of: source, for: provider)
  }

  private func read() throws -> (text: String, source: String) {
    if let name = secretVariable {
      guard let text = ProcessInfo.processInfo.environment[name], !text.isEmpty else {
        throw ValidationError("the environment variable \(name) is not set")
      }
      return (text, name)
    }
    if let secretFile, secretFile != "-" { return (try textFile(secretFile), secretFile) }
    if isatty(STDIN_FILENO) == 1, let typed = unsafe getpass("Secret (is not shown): ") {
      return (unsafe String(cString: typed), "standard input")
    }
    let data = try FileHandle.standardInput.read(upToCount: Self.limit + 1) ?? Data()
    return (String(decoding: data, as: UTF8.self), "standard input")
  }
}

/// What was read as a secret.
struct SecretInput {
  private(set) var secrets: [String: Secret] = [:]
  /// The one that the provider always asks for.
  let main: Secret
  /// The secrets as the API takes them, to be sent and not to be shown.
  var body: JSONObject {
    let sorted = secrets.sorted { $0.key < $1.key }
    return JSONObject(sorted.map { (key: $0.key, value: .string($0.value.revealed)) })
  }
  /// The id of the access key that the secret belongs to, where that was read too.
  private(set) var accessKeyID: String?

  /// Reads a text: the secret alone, or an object of JSON that holds it.
  ///
  /// - Throws: `ValidationError`, which tells nothing of the text.
  init(_ text: String, of source: String, for provider: LiveCollector) throws {
    let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    var found: [CredentialSecret: String] = [:]
    let alone: CredentialSecret = provider == .aws ? .secretAccessKey : .apiKey
    if text.hasPrefix("{") {
      let json = (try? JSONParser().parse(Array(text.utf8))) ?? .null
      let object = json["AccessKey"] ?? json["Credentials"] ?? json
      found[.secretAccessKey] = object["SecretAccessKey"]?.string
      found[.sessionToken] = object["SessionToken"]?.string
      found[.apiKey] = json["apikey"]?.string
      accessKeyID = provider == .aws ? object["AccessKeyId"]?.string : nil
      found = found.filter { ($0.key == .apiKey) == (provider == .ibm) }
    } else {
      found[alone] = text
    }
    let isWhole = found.values.allSatisfy { value in
      !value.isEmpty && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
    guard let main = found[alone], isWhole else {
      let form =
        provider == .aws
        ? "{\"AccessKeyId\": …, \"SecretAccessKey\": …} as aws prints it" : "{\"apikey\": …}"
      throw ValidationError("\(source) holds no secret; expected the secret alone, or \(form)")
    }
    self.main = Secret(main)
    for (field, value) in found { secrets[field.rawValue] = Secret(value) }
  }
}
