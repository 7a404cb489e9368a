import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store
import Vault

/// Where the secret of a channel is read from.
struct ChannelSecretOptions: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("Read the secret from this file.", valueName: "file"))
  var secretFile: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Read the secret from this environment variable.", valueName: "name")
  )
  var secretVariable: String?

  var isGiven: Bool { secretFile != nil || secretVariable != nil }

  /// The secret; nil where none is named.
  func secret() throws -> Secret? {
    if let secretVariable {
      let text = ProcessInfo.processInfo.environment[secretVariable] ?? ""
      guard !text.isEmpty else {
        throw ValidationError("the environment variable \(secretVariable) is not set")
      }
      return Secret(text)
    }
    guard let secretFile else { return nil }
    return Secret(try textFile(secretFile).trimmingCharacters(in: .whitespacesAndNewlines))
  }

  func validate() throws {
    guard secretFile == nil || secretVariable == nil else {
      throw ValidationError("--secret-file and --secret-variable exclude each other")
    }
  }

  /// The secret as the API takes it; nil where the kind has none.
  static func document(_ secret: Secret, of kind: Channel.Kind) -> JSONValue? {
    kind.secret.map { .object(JSONObject([($0, .string(secret.revealed))])) }
  }
}

struct ChannelsRotate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Gives a channel a new secret; the former one is destroyed, all else stays.",
    discussion: """
      The secret is read as plumb channels add reads it. A webhook for which none is given gets a new key,
      which is printed once; give it to whoever checks signatures before it is used. Nothing is sent:
      plumb channels test tries it.

      Examples:
        plumb channels rotate 1
        plumb channels rotate 2 --secret-variable SLACK_WEBHOOK_URL
      """
  )

  @Argument(help: "The channel's number.")
  var id: Int64

  @OptionGroup var secretOptions: ChannelSecretOptions
  @OptionGroup var reach: ReachOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var change: ChangeOptions

  func run() async throws {
    try await reporting {
      if try await change.answers({ try sketch() }) { return }
      try change.server.refuseUnanswered()
      let id = id
      let store = try await change.store.open()
      let channel = try await store.read { try $0.channel(id) }
      let given = try secretOptions.secret().flatMap {
        ChannelSecretOptions.document($0, of: channel.kind)
      }
      let secrets = try ChannelSecrets(given, of: channel.kind, random: { try AESGCM.random($0) })
      let keeper = CredentialKeeper(store, try key.place(change.store).place)
      _ = try await ChannelKeeper(store, keeper, try reach.sender()).rotate(
        channel,
        secrets,
        by: change.person.actor,
        at: try change.at.instant()
      )
      for line in Self.says(id, secrets.madeKey?.revealed) { print(line) }
    }
  }

  private static func says(_ id: Int64, _ key: String?) -> [String] {
    ["channel \(id) has a new secret; plumb channels test \(id) tries it"]
      + (key.map { ["its key, told this once: \($0)"] } ?? [])
  }

  private func sketch() throws -> APISketch {
    let (id, secret) = (id, try secretOptions.secret())
    let path = APISketch.path(["channels", "\(id)"])
    var sketch = APISketch.change("PUT", "channels", "\(id)", "secret", body: [:]) { made in
      Self.says(id, made["key"]?.string)
    }
    if let secret {
      sketch.compose = { caller in
        let word = try await caller.object(path)["kind"]?.string ?? ""
        guard let kind = Channel.Kind(rawValue: word),
          let document = ChannelSecretOptions.document(secret, of: kind)
        else { throw ServerError(description: "a channel of kind \(word) has no secret") }
        return document
      }
    }
    return sketch.matching(.current(path)).secret()
  }
}
