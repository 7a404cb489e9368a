import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct CredentialsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "credentials",
    abstract: "Keeps what scans sign in with; a secret goes in and never comes out.",
    subcommands: [
      CredentialsAdd.self, CredentialsList.self, CredentialsShow.self, CredentialsTest.self,
      CredentialsRotate.self, CredentialsRevoke.self, CredentialsKey.self,
    ]
  )
}

struct CredentialsAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Keeps a credential under a name, its secret sealed.",
    discussion: """
      The secret comes from standard input, a file or an environment variable: alone, or in JSON as
      aws and ibmcloud write it. It is sealed under the key that --vault-key names; the default is the
      file credentials.key, which is made with the first credential. Without the key no secret can be
      opened: back it up apart from the database.

      Examples:
        aws iam create-access-key --user-name audit | plumb credentials add audit --provider aws
        plumb credentials add audit --provider aws --access-key-id AKIA… --secret-file key.txt \\
          --role-arn arn:aws:iam::123456789012:role/audit --external-id 7c1f
        plumb credentials add bank --provider ibm --secret-variable IBMCLOUD_API_KEY --account 9f…
      """
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName

  @Option(name: .long, help: ArgumentHelp("The provider.", valueName: "aws|ibm"))
  var provider: LiveCollector

  @OptionGroup var details: CredentialDetailOptions
  @OptionGroup var secret: SecretOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  func validate() throws { try details.check(provider) }

  func run() async throws {
    try await reporting {
      let context = key.context(store, person)
      if try await server.answers(context, { addition }) { return }
      let place = try key.place(store).place
      let (input, object) = try read()
      try await CredentialKeeper(store.open(), place).add(
        name.text,
        provider: provider.rawValue,
        details: object,
        secrets: input.secrets,
        by: person.actor,
        at: timeOfDay()
      )
      print("\(name.text) is kept; whether it is accepted: plumb credentials test \(name.text)")
    }
  }
}

extension CredentialsAdd {
  /// The secret, and the public part with the id of the access key.
  private func read() throws -> (SecretInput, JSONObject) {
    let input = try secret.read(for: provider)
    var object = details.object
    if let id = try details.accessKeyID(input) {
      object[CredentialDetail.accessKeyID.rawValue] = .string(id)
    } else if provider == .aws {
      throw ValidationError("--access-key-id is missing: the id that the secret belongs to")
    }
    return (input, object)
  }

  private func body(_ details: JSONObject, _ secrets: JSONObject) -> JSONValue {
    [
      "name": .string(name.text), "provider": .string(provider.rawValue),
      "details": .object(details), "secret": .object(secrets),
    ]
  }

  private var addition: APISketch {
    let main = provider == .aws ? "secret_access_key" : "api_key"
    var sketch = APISketch.change(
      "POST",
      "credentials",
      body: body(details.object, [main: FillIn.secret.mark])
    ) { _ in ["\(name.text) is kept on the server"] }
    sketch.compose = { _ in
      let (input, object) = try read()
      return body(object, input.body)
    }
    return sketch.filling(.secret).secret()
  }
}

struct CredentialsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the credentials, without secrets.",
    discussion: "Example: plumb credentials list"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let context = ServerOptions.Context(local: store.given, format: output.format.ofRows)
      let list = APISketch.List(
        noun: "credential",
        columns: ["name", "provider", "version", "state", "created=created_at", "keys"]
      )
      if try await server.answers(context, { APISketch.list("credentials", show: list) }) { return }
      let found = try await store.openForReading().read { transaction in
        try transaction.credentials().filter { $0.provider != CredentialRecord.channels }
      }
      output.list(found, "credential", cells: \.cells, json: \.json)
    }
  }
}

struct CredentialsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows all of a credential but its secret.",
    discussion: "Example: plumb credentials show audit"
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let name = name.text
      let context = ServerOptions.Context(local: store.given, format: output.format.ofRows)
      if try await server.answers(context, { APISketch("GET", "credentials", name) }) { return }
      let found = try await store.openForReading().read { try $0.credential(name) }
      output.show(found.json, columns(found.rows))
    }
  }
}

struct CredentialsRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Destroys the secret of a credential; what is known of it otherwise stays.",
    discussion: """
      The provider does not learn of it: delete the key there too.

      Example: plumb credentials revoke audit
      """
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  func run() async throws {
    try await reporting {
      let name = name.text
      let context = ServerOptions.Context(local: store.given, actor: person.given)
      let sketch = APISketch.change("DELETE", "credentials", name) { _ in
        ["\(name) is revoked; delete the key at the provider too"]
      }
      if try await server.answers(context, { sketch.matching(.current(sketch.path)) }) { return }
      try await store.open().write(as: person.actor, at: timeOfDay()) {
        try $0.revokeCredential(name)
      }
      print("\(name) is revoked; delete the key at the provider too")
    }
  }
}

/// A credential's name as people write it.
struct CredentialName: ExpressibleByArgument {
  let text: String

  init?(argument: String) {
    guard argument.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,63}/) != nil else { return nil }
    text = argument
  }
}

/// The public part of a credential.
struct CredentialDetailOptions: ParsableArguments {
  @Option(
    name: .customLong("access-key-id"),
    help: ArgumentHelp("AWS: the id of the access key.", valueName: "id")
  )
  var accessKeyID: String?

  @OptionGroup var role: RoleOptions

  @Option(
    name: .long,
    help: ArgumentHelp("AWS: the region whose token service is asked.", valueName: "name")
  )
  var region: String?

  @Option(
    name: .customLong("endpoint-url"),
    help: ArgumentHelp("The address that stands for all services.", valueName: "url")
  )
  var endpointURL: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Refuse to sign in to another account than this.", valueName: "id")
  )
  var account: String?

  private var values: [(detail: CredentialDetail, value: String?)] {
    [
      (.accessKeyID, accessKeyID), (.roleARN, role.arn), (.externalID, role.externalID),
      (.region, region), (.endpoint, endpointURL), (.account, account),
    ]
  }

  /// The options that were given.
  var given: [String] { values.filter { $0.value != nil }.map(\.detail.option) }

  /// Refuses what the provider does not have.
  func check(_ provider: LiveCollector) throws {
    for (detail, value) in values {
      guard let value else { continue }
      if provider == .ibm, ![.account, .endpoint].contains(detail) {
        throw ValidationError("\(detail.option) is for aws, not for ibm")
      }
      guard !value.isEmpty, value.withoutControls == value else {
        throw ValidationError("\(detail.option) is empty or holds control characters")
      }
    }
  }

  /// What was given, as it is kept.
  var object: JSONObject {
    JSONObject(
      values.compactMap { pair in
        pair.value.map { (key: pair.detail.rawValue, value: .string($0)) }
      }
    )
  }

  /// The id of the access key, from the option or what was read with the secret.
  func accessKeyID(_ input: SecretInput) throws -> String? {
    if let accessKeyID, let read = input.accessKeyID, accessKeyID != read {
      throw ValidationError("--access-key-id is \(accessKeyID), and the secret is that of \(read)")
    }
    return accessKeyID ?? input.accessKeyID
  }
}

extension CredentialRecord {
  fileprivate var cells: [String] {
    [
      name, provider, "version \(version)", state, "since \((rotatedAt ?? createdAt).day)",
      keyIDs.isEmpty ? "" : "key \(keyIDs.joined(separator: ", "))",
    ]
  }

  fileprivate var rows: [[String]] {
    var rows = [
      ["name", name], ["provider", provider], ["state", state], ["version", "\(version)"],
    ]
    rows += details.members.map { [$0.key.replacing("_", with: " "), $0.value.string ?? ""] }
    rows.append(["created", "\(createdAt)"])
    if let rotatedAt { rows.append(["rotated", "\(rotatedAt)"]) }
    if let revokedAt { rows.append(["revoked", "\(revokedAt)"]) }
    if let test { rows.append(["tested", "\(test.at): \(test.outcome)"]) }
    rows += secrets.map { [$0.field.replacing("_", with: " "), "sealed under key \($0.keyID)"] }
    return rows
  }
}
