import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store
import Vault

struct CredentialsRotate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Gives a credential a new secret, or all of them a new key.",
    discussion: """
      A new secret is tried first and put in the place of the former only where it is accepted (exit
      code 1 otherwise). It is read as plumb credentials add reads it; the rest stays unless an option
      changes it.

      --key wraps the data keys of all credentials under another key-encryption key: with --to under
      the one that it names, otherwise under a new one in the same file, whose former key is removed.
      Interrupted, it goes on when it is run again. Afterwards the former key opens nothing here.

      Examples:
        aws iam create-access-key --user-name audit | plumb credentials rotate audit
        plumb credentials rotate --key
        plumb credentials rotate --key --to 'pkcs11:token=hsm;object=plumb?module-path=/usr/lib/…'
      """
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName?

  @Flag(name: .customLong("key"), help: "Replace the key that guards all credentials.")
  var replacesKey = false

  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("With --key: the key to use from now on.", valueName: "key")
  )
  var next: String?

  @Flag(name: .customLong("lost"), help: "With --key: the former key is gone for good.")
  var isLost = false

  @OptionGroup var details: CredentialDetailOptions
  @OptionGroup var secret: SecretOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  func validate() throws {
    guard (name != nil) != replacesKey else {
      throw ValidationError("credentials rotate expects a credential's name, or --key for all")
    }
    guard replacesKey || !isLost else { throw ValidationError("--lost belongs to --key") }
    guard replacesKey || next == nil else { throw ValidationError("--to belongs to --key") }
    let unheard = details.given + secret.given + server.authorities.given
    guard !replacesKey || unheard.isEmpty else {
      throw ValidationError(
        "--key replaces the key and changes no credential; leave out "
          + unheard.joined(separator: ", ")
      )
    }
  }

  func run() async throws {
    try await reporting {
      if try await isDoneElsewhere() { return }
      let found = try await store.open()
      let present = try key.place(store)
      let keeper = CredentialKeeper(found, present.place)
      guard let name = name?.text else { return try await replaceKey(keeper, present) }
      let record = try await found.read { try $0.credential(name) }
      if let revokedAt = record.revokedAt { throw CredentialError.revoked(name, at: revokedAt) }
      try await rotate(record, keeper)
    }
  }

  /// Lets a server put the secret in its place, if one is meant; it is not tried there.
  private func isDoneElsewhere() async throws -> Bool {
    var context = key.context(store, person)
    context.unheard = details.given.filter { $0 != CredentialDetail.accessKeyID.option }
    guard let name = name?.text else {
      // The key is where the server is, and only there.
      context.unheard = ["--key"]
      return try await server.answers(context) { APISketch() }
    }
    return try await server.answers(context) { rotation(name) }
  }

  private func rotation(_ name: String) -> APISketch {
    let path = APISketch.path(["credentials", name])
    var sketch = APISketch.change(
      "PUT",
      "credentials",
      name,
      "secret",
      body: ["secret_access_key": FillIn.secret.mark]
    ) {
      ["\(name) has version \($0["version"]?.cell ?? ""); delete the former key at the provider"]
    }
    sketch.note = "the secret of a credential of ibm is its api_key"
    sketch.compose = { caller in
      let word = try await caller.object(path)["provider"]?.string ?? ""
      guard let provider = LiveCollector(rawValue: word) else {
        throw ServerError(
          description: "the credential \"\(name)\" is for \(word), which is not known"
        )
      }
      let input = try secret.read(for: provider)
      var body = input.body
      if let id = try details.accessKeyID(input) { body["access_key_id"] = .string(id) }
      return .object(body)
    }
    return sketch.filling(.secret).matching(.current(path)).secret()
  }

  private func rotate(_ record: CredentialRecord, _ keeper: CredentialKeeper) async throws {
    let provider = try record.collector
    try details.check(provider)
    let input = try secret.read(for: provider)
    var object = record.details
    for (key, value) in details.object.members { object[key] = value }
    if let id = try details.accessKeyID(input) {
      object[CredentialDetail.accessKeyID.rawValue] = .string(id)
    }
    let candidate = OpenedCredential(record.name, provider, object, input.secrets)
    let test = try await server.authorities.test(candidate)
    guard test.isAccepted else {
      complain("the new secret is not accepted, \(record.name) stays as it was: \(test.outcome)")
      throw Exit.failed
    }
    try await keeper.replace(
      record,
      details: object,
      secrets: input.secrets,
      test: test,
      by: person.actor,
      at: timeOfDay()
    )
    print(
      "\(record.name) has version \(record.version + 1): \(test.outcome.withoutControls); delete "
        + "the former key at the provider"
    )
  }

  private func replaceKey(_ keeper: CredentialKeeper, _ present: VaultKey) async throws {
    var closed = 0
    let progress: CredentialKeeper.Progress = { done, all, name, fault in
      if let fault {
        closed += 1
        complain("\(done) of \(all): \(fault)")
      } else {
        print("\(done) of \(all): \(name)")
      }
    }
    let (actor, now) = (person.actor, timeOfDay())
    let id: String
    if let next {
      let place = try VaultKey(next, option: "--to").place
      id = try await keeper.moveKey(
        to: place,
        by: actor,
        at: now,
        isLost: isLost,
        progress: progress
      )
      print("key \(id) guards the credentials from now on: --vault-key, or \(VaultKey.variable)")
      if closed == 0 { print("the former key, \(present.place.name), opens nothing here any more") }
    } else if case .file(let file) = present {
      id = try await keeper.replaceKey(
        of: file,
        by: actor,
        at: now,
        isLost: isLost,
        progress: progress
      )
      print("key \(id) guards the credentials from now on; back it up apart from the database")
    } else {
      throw ValidationError(
        "--to has to name the key that takes the place of \(present.place.name)"
      )
    }
    if closed > 0 { throw Exit.notJudged }
  }
}
