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

  @OptionGroup var authorities: AuthorityOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  func run() async throws {
    try await reporting {
      let found = try await store.open()
      let name = name.text
      let record = try await found.read { try $0.credential(name) }
      let opened = try await CredentialKeeper(found, key.place(store).place).opened(record)
      let test = try await authorities.test(opened)
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

extension AuthorityOptions {
  /// The options that were given.
  var given: [String] { bundle == nil ? [] : ["--ca-bundle"] }

  /// Signs in, and says what came of it; no secret is in the outcome.
  func test(_ credential: OpenedCredential) async throws -> CredentialRecord.Test {
    let authorities = try file(for: credential.provider)
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
