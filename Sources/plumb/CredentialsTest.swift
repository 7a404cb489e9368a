import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct CredentialsTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Signs in with a credential, and notes what came of it.",
    discussion: """
      AWS is asked for the caller's identity, IBM Cloud for a token; nothing else is read. Exit code 1
      says that the provider does not accept it or cannot be reached, 2 that it could not be tried.

      Example: plumb credentials test audit
      """
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName

  @OptionGroup var trial: TrialOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  func run() async throws {
    try await reporting {
      let found = try await store.open()
      let name = name.text
      let record = try await found.read { try $0.credential(name) }
      let opened = try await CredentialKeeper(found, key.file(store)).opened(record)
      let test = try await trial.test(opened)
      try await found.write(as: person.actor, at: timeOfDay()) {
        try $0.note(test, of: name, version: record.version)
      }
      guard test.isAccepted else {
        complain("\(name) is not accepted: \(test.outcome)")
        throw Exit.failed
      }
      print("\(name) is accepted: \(test.outcome.withoutControls)")
    }
  }
}

struct CredentialsRotate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Gives a credential a new secret, or all of them a new key.",
    discussion: """
      A new secret is tried first and put in the place of the former only where it is accepted (exit
      code 1 otherwise). It is read as plumb credentials add reads it; the rest stays unless an option
      changes it. --key draws a new key-encryption key, wraps the data keys of all credentials under
      it and removes the former; interrupted, it goes on when it is run again.

      Examples:
        aws iam create-access-key --user-name audit | plumb credentials rotate audit
        plumb credentials rotate --key
      """
  )

  @Argument(help: "The credential's name.")
  var name: CredentialName?

  @Flag(name: .customLong("key"), help: "Replace the key that guards all credentials.")
  var replacesKey = false

  @Flag(name: .customLong("lost"), help: "With --key: the former key is gone for good.")
  var isLost = false

  @OptionGroup var details: CredentialDetailOptions
  @OptionGroup var secret: SecretOptions
  @OptionGroup var trial: TrialOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  func validate() throws {
    guard (name != nil) != replacesKey else {
      throw ValidationError("credentials rotate expects a credential's name, or --key for all")
    }
    guard replacesKey || !isLost else { throw ValidationError("--lost belongs to --key") }
    let unheard = details.given + secret.given + trial.given
    guard !replacesKey || unheard.isEmpty else {
      throw ValidationError(
        "--key replaces the key and changes no credential; leave out "
          + unheard.joined(separator: ", ")
      )
    }
  }

  func run() async throws {
    try await reporting {
      let found = try await store.open()
      let keeper = CredentialKeeper(found, try key.file(store))
      guard let name = name?.text else { return try await replaceKey(keeper) }
      let record = try await found.read { try $0.credential(name) }
      if let revokedAt = record.revokedAt { throw CredentialError.revoked(name, at: revokedAt) }
      try await rotate(record, keeper)
    }
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
    let test = try await trial.test(candidate)
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

  private func replaceKey(_ keeper: CredentialKeeper) async throws {
    var closed = 0
    let id = try await keeper.replaceKey(by: person.actor, at: timeOfDay(), isLost: isLost) {
      done,
      all,
      name,
      fault in
      if let fault {
        closed += 1
        complain("\(done) of \(all): \(fault)")
      } else {
        print("\(done) of \(all): \(name)")
      }
    }
    print("key \(id) guards the credentials from now on; back it up apart from the database")
    if closed > 0 { throw Exit.notJudged }
  }
}

/// How a credential is tried.
struct TrialOptions: ParsableArguments {
  @OptionGroup var authorities: AuthorityOptions

  /// The options that were given.
  var given: [String] { authorities.bundle == nil ? [] : ["--ca-bundle"] }

  /// Signs in, and says what came of it; no secret is in the outcome.
  func test(_ credential: OpenedCredential) async throws -> CredentialRecord.Test {
    let authorities = try authorities.file(for: credential.provider)
    do {
      let outcome = try await credential.signIn(authorities: authorities)
      return CredentialRecord.Test(
        at: timeOfDay(),
        isAccepted: true,
        outcome: credential.hidden(outcome)
      )
    } catch let error as CancellationError {
      throw error
    } catch {
      return CredentialRecord.Test(at: timeOfDay(), isAccepted: false, outcome: "\(error)")
    }
  }
}
