import ArgumentParser
import Foundation
import JSON
import Model
import Store
import Vault
import Web

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract: "Makes, lists and revokes API keys, by which programs act for a person.",
    subcommands: [KeysAdd.self, KeysList.self, KeysRevoke.self]
  )
}

struct KeysAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Makes an API key and prints it, this once.",
    discussion: """
      The key may do what its person may, and no more than its role on its extent.

      Examples:
        plumb keys add ci --person administrator --role operator
        plumb keys add reports --person 'Ada Lovelace' --role viewer --on-scope payments --until 2027-01-31
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var on: ExtentOptions

  @Option(
    name: .long,
    help: ArgumentHelp("For whom it acts.", valueName: "name")
  )
  var person: String

  @Option(name: .long, help: "viewer, operator, editor, administrator, auditor or collector.")
  var role: Role

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The last day, or the instant of its end; default: 90 days.",
      valueName: "day-or-instant"
    )
  )
  var until: String?

  @Argument(help: "What the key is for.")
  var name: String

  func run() async throws {
    try await reporting {
      let given = try until.map { try dayOrInstant($0, option: "--until", isEnd: true) }
      let person = person
      let now = try change.at.instant()
      let ends = given ?? now.advanced(days: 90)
      let secret = try SignInCode.key { try AESGCM.random($0) }
      let name = name
      let limit = Grant(role: role, extent: on.extent)
      _ = try await change.write(at: now) { transaction in
        try transaction.addKey(
          name,
          digest: SignInCode.digest(secret),
          of: transaction.person(named: person).id,
          limit: limit,
          expiresAt: ends
        )
      }
      print(secret)
    }
  }
}

struct KeysList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists API keys; the keys themselves are not kept.",
    discussion: "Example: plumb keys list"
  )

  @OptionGroup var reading: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "key",
        columns: [
          "id", "name", "for=person", "role", "on=extent.kind", "extent=extent.name", "state",
          "until=expires_at", "used on=used_on",
        ]
      )
      if try await reading.answers(output.format, { APISketch.list("keys", show: list) }) { return }
      let (found, now) = try await reading.read { transaction, now in
        (try transaction.keys().map { ($0, try transaction.person($0.person).name) }, now)
      }
      func state(_ key: APIKey) -> String {
        key.revokedAt != nil ? "revoked" : key.expiresAt <= now ? "ended" : "in force"
      }
      output.list(found, "key") { key, person in
        [
          "\(key.id)", key.name, "for \(person)", key.limit.text, state(key),
          "until \(key.expiresAt.lastDay)", key.usedOn.isEmpty ? "" : "used on \(key.usedOn)",
        ]
      } json: { key, person in
        [
          "id": .integer(key.id), "name": .string(key.name), "person": .string(person),
          "role": .string(key.limit.role.rawValue), "on": .string(key.limit.extent.kind),
          "extent": .string(key.limit.extent.name), "state": .string(state(key)),
          "expires_at": .string("\(key.expiresAt)"), "used_on": .string(key.usedOn),
        ]
      }
    }
  }
}

struct KeysRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Ends an API key for good.",
    discussion: "Example: plumb keys revoke 3"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The key's number.")
  var key: Int64

  func run() async throws {
    try await reporting {
      let number = key
      let sketch = APISketch.change("DELETE", "keys", "\(number)") { _ in
        ["key \(number) is revoked"]
      }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.revokeKey(number) }
      print("key \(number) is revoked")
    }
  }
}
