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

  @OptionGroup var key: KeyOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      var context = key.context(store, person)
      context.format = output.format.ofRows
      if try await server.answers(context, { sketch }) { return }
      let found = try await store.open()
      let name = name.text
      let record = try await found.read { try $0.credential(name) }
      let opened = try await CredentialKeeper(found, key.place(store).place).opened(record)
      let test = try await server.authorities.test(opened)
      try await found.write(as: person.actor, at: timeOfDay()) {
        try $0.note(test, of: name, version: record.version)
      }
      try show(test.json)
    }
  }

  private var sketch: APISketch {
    APISketch.change("POST", "credentials", name.text, "test") { test in
      try show(test)
      return []
    }
  }

  private func show(_ test: JSONValue) throws {
    let isAccepted = test["accepted"]?.bool ?? false
    let outcome = (test["outcome"]?.string ?? "").withoutControls
    if output.format == .json || isAccepted {
      output.show(test, ["\(name.text) is accepted: \(outcome)"])
    } else {
      complain("\(name.text) is not accepted: \(outcome)")
    }
    if !isAccepted { throw Exit.failed }
  }
}

extension AuthorityOptions {
  /// The options that were given.
  var given: [String] { bundle == nil ? [] : ["--ca-bundle"] }

  /// Signs in within some seconds, and says what came of it; no secret is in the outcome.
  func test(
    _ credential: OpenedCredential,
    within seconds: Int
  ) async throws -> CredentialRecord.Test {
    try await withThrowingTaskGroup(of: CredentialRecord.Test.self) { group in
      group.addTask { try await test(credential) }
      group.addTask {
        try await Task.sleep(for: .seconds(seconds))
        return CredentialRecord.Test(
          at: timeOfDay(),
          isAccepted: false,
          outcome: "nothing was answered within \(seconds) s"
        )
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw CancellationError() }
      return first
    }
  }

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
