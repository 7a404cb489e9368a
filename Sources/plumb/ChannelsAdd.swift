import ArgumentParser
import JSON
import Model
import Operations
import Store
import Vault

struct ChannelsAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds a channel, its secret sealed as those of credentials are.",
    discussion: """
      The secret is read from a file or an environment variable: the key of a webhook, which is made and
      printed once where none is given, the URL of a chat's webhook, the password of mail.

      Examples:
        plumb channels add soc --kind webhook --address https://soc.example.com/in --severity high
        plumb channels add ops --kind slack --secret-variable SLACK_WEBHOOK_URL
        plumb channels add team --kind email --address smtp+starttls://mail.example.com --user plumb \\
          --from plumb@example.com --to sec@example.com --secret-file password --digest
        plumb channels add siem --kind syslog --address syslog+tls://siem.example.com:6514
      """
  )

  @Argument(help: "The channel's name.")
  var name: String

  @Option(
    name: .long,
    help: ArgumentHelp("How it speaks.", valueName: "webhook|slack|teams|email|syslog"),
    transform: { try word($0, Channel.Kind.self) }
  )
  var kind: Channel.Kind

  @Option(
    name: .long,
    help: ArgumentHelp("Where it is; that of a chat is its secret.", valueName: "url")
  )
  var address = ""

  @Option(name: .long, help: ArgumentHelp("Who mail is from.", valueName: "address"))
  var from: String?

  @Option(name: .long, help: ArgumentHelp("Who gets mail; may be repeated.", valueName: "address"))
  var to: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("As whom the mail server is signed in to.", valueName: "name")
  )
  var user: String?

  @OptionGroup var secretOptions: ChannelSecretOptions
  @OptionGroup var filter: ChannelFilterOptions
  @OptionGroup var reach: ReachOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var change: ChangeOptions

  func run() async throws {
    try await reporting {
      if try await change.answers({ try sketch() }) { return }
      try change.server.refuseUnanswered()
      let draft = try ChannelDraft(
        document(try secretOptions.secret()),
        random: { try AESGCM.random($0) }
      )
      let store = try await change.store.open()
      let keeper = CredentialKeeper(store, try key.place(change.store).place)
      let added = try await ChannelKeeper(store, keeper, try reach.sender()).add(
        draft.channel,
        secrets: draft.secrets.values,
        by: change.person.actor,
        at: try change.at.instant()
      )
      for line in Self.says(added.id, added.name, draft.secrets.madeKey?.revealed) { print(line) }
    }
  }

  private static func says(_ id: Int64, _ name: String, _ key: String?) -> [String] {
    ["channel \(id), \(name), is added; plumb channels test \(id) tries it"]
      + (key.map { ["its key, told this once: \($0)"] } ?? [])
  }

  private func sketch() throws -> APISketch {
    let secret = try secretOptions.secret()
    var sketch = APISketch.change("POST", "channels", body: document(nil)) { made in
      Self.says(
        Int64(made["id"]?.whole ?? 0),
        made["name"]?.string ?? "",
        made["key"]?.string
      )
    }
    if secret != nil || kind == .webhook { sketch = sketch.secret() }
    if let secret {
      let body = document(secret)
      sketch.compose = { _ in body }
    }
    return sketch
  }

  private func document(_ secret: Secret?) -> JSONValue {
    var object: JSONObject = ["name": .string(name), "kind": .string(kind.rawValue)]
    if !address.isEmpty { object["address"] = .string(address) }
    object["from"] = from.map { .string($0) }
    if !to.isEmpty { object["to"] = .array(to.map { .string($0) }) }
    object["user"] = user.map { .string($0) }
    object["secret"] = secret.flatMap { ChannelSecretOptions.document($0, of: kind) }
    for (key, value) in filter.document.members { object[key] = value }
    return .object(object)
  }

  func validate() throws {
    if kind.secret == nil, secretOptions.isGiven {
      throw ValidationError("a channel of kind \(kind.rawValue) has no secret")
    }
    if kind == .slack || kind == .teams, !address.isEmpty {
      throw ValidationError(
        "the address of a chat is its secret: --secret-file or --secret-variable"
      )
    }
  }
}
