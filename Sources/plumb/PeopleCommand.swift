import ArgumentParser
import Foundation
import JSON
import Model
import Store
import Vault
import Web

struct PeopleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "people",
    abstract: "Says who signs in to the server, and what they may do where.",
    discussion: """
      Roles: viewer sees, operator also scans, editor also changes scopes and attachments and requests
      exceptions, administrator may do everything, auditor sees everything with the audit log and for a
      time, collector hands in what was read.
      """,
    subcommands: [
      PeopleAdd.self, PeopleList.self, PeopleGrant.self, PeopleRevoke.self, PeopleCode.self,
      PeopleDisable.self, PeopleEnable.self,
    ]
  )
}

struct PeopleAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds a person, who may do nothing yet.",
    discussion: """
      Who signs in through an OpenID provider becomes the person with the same verified address.

      Example: plumb people add 'Ada Lovelace' --email ada@example.com
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(name: .long, help: ArgumentHelp("The person's address.", valueName: "address"))
  var email = ""

  @Argument(help: "The name, by which the audit log calls the person.")
  var name: String

  func run() async throws {
    try await reporting {
      let (name, email) = (name, email)
      var body: JSONObject = ["name": .string(name)]
      if !email.isEmpty { body["email"] = .string(email) }
      let sketch = APISketch.change("POST", "people", body: .object(body)) { _ in
        ["\(name.withoutControls) is added; plumb people grant gives a role"]
      }
      if try await change.answers({ sketch }) { return }
      _ = try await change.write { try $0.addPerson(name, email: email) }
      print("\(name.withoutControls) is added; plumb people grant gives a role")
    }
  }
}

struct PeopleList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists people with their roles.",
    discussion: "Example: plumb people list --format json"
  )

  @OptionGroup var reading: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "person",
        columns: ["id", "name", "email", "issuer", "disabled=is_disabled", "grants"],
        detail: ("grants", { "/api/v1/people/\($0["id"]?.cell ?? "")/grants" })
      )
      var sketch = APISketch.list("people", show: list)
      sketch.note = "the roles of each: GET /api/v1/people/ID/grants"
      if try await reading.answers(output.format, { [sketch] in sketch }) { return }
      let found = try await reading.read { transaction, now in
        try transaction.people().map { ($0, try transaction.grants(of: $0.id, at: now)) }
      }
      output.list(found, "person") { person, grants in
        [
          person.name, person.email, person.disabledAt == nil ? "" : "disabled",
          grants.map { "\($0.grant.id): \($0.grant.text)" }.joined(separator: "; "),
        ]
      } json: { person, grants in
        [
          "id": .integer(person.id), "name": .string(person.name), "email": .string(person.email),
          "is_disabled": .bool(person.disabledAt != nil),
          "grants": .array(
            grants.map { record in
              [
                "id": .integer(record.grant.id), "role": .string(record.grant.role.rawValue),
                "on": .string(record.grant.extent.kind),
                "name": .string(record.grant.extent.name),
                "expires_at": record.grant.expiresAt.isNever
                  ? .null : .string("\(record.grant.expiresAt)"),
                "granted_by": .string(record.grantedBy),
              ]
            }
          ),
        ]
      }
    }
  }
}

/// On what a role is granted.
struct ExtentOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Only on this account, or group of accounts.", valueName: "id")
  )
  var onAccount: String?

  @Option(name: .long, help: ArgumentHelp("Only on this scope.", valueName: "name"))
  var onScope: String?

  func validate() throws {
    guard onAccount == nil || onScope == nil else {
      throw ValidationError("--on-account and --on-scope exclude each other")
    }
  }

  /// The extent; everything where neither was given.
  var extent: Extent {
    onAccount.map { .account($0) } ?? onScope.map { .scope($0) } ?? .everything
  }
}

extension Role: ExpressibleByArgument {}

struct PeopleGrant: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grant",
    abstract: "Grants a role on everything, an account or a scope.",
    discussion: """
      Examples:
        plumb people grant 'Ada Lovelace' editor --on-scope payments
        plumb people grant 'External auditor' auditor --until 2027-03-31
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var on: ExtentOptions

  @Option(
    name: .long,
    help: ArgumentHelp("The last day, or the instant of its end.", valueName: "day-or-instant")
  )
  var until: String?

  @Argument(help: "The person's name.")
  var name: String

  @Argument(help: "viewer, operator, editor, administrator, auditor or collector.")
  var role: Role

  func run() async throws {
    try await reporting {
      let ends = try until.map { try dayOrInstant($0, option: "--until", isEnd: true) } ?? .never
      let grant = Grant(role: role, extent: on.extent, expiresAt: ends)
      let name = name
      let made = APISketch.change("POST", "people", "$ID", "grants", body: grant.body) {
        ["grant \($0["id"]?.cell ?? ""): \(name.withoutControls) is \(grant.text)"]
      }
      if try await change.answers({ made.filling(.person(name)) }) { return }
      let number = try await change.write { transaction in
        try transaction.grant(grant, to: transaction.person(named: name).id)
      }
      print("grant \(number): \(name.withoutControls) is \(grant.text)")
    }
  }
}

struct PeopleRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Takes a role back.",
    discussion: "Example: plumb people revoke 7"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The grant's number, as plumb people list shows it.")
  var grant: Int64

  func run() async throws {
    try await reporting {
      let number = grant
      let sketch = APISketch.change("DELETE", "grants", "\(number)") { _ in
        ["grant \(number) is taken back"]
      }
      if try await change.answers({ sketch.matching(.any) }) { return }
      try await change.write { try $0.revokeGrant(number) }
      print("grant \(number) is taken back")
    }
  }
}

struct PeopleCode: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "code",
    abstract: "Makes a code by which a person signs in once, within an hour.",
    discussion: "Example: plumb people code administrator"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The person's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let name = name
      let sketch = APISketch.change("POST", "people", "$ID", "codes") { [$0["code"]?.cell ?? ""] }
      if try await change.answers({ sketch.filling(.person(name)).secret() }) { return }
      let code = try SignInCode.make { try AESGCM.random($0) }
      try await change.write { transaction in
        try transaction.addCode(
          digest: SignInCode.digest(code),
          for: transaction.person(named: name).id,
          expiresAt: transaction.now.advanced(milliseconds: 3_600_000)
        )
      }
      print(code)
    }
  }
}

struct PeopleDisable: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disable",
    abstract: "Lets a person sign in no more; sessions end and keys stop.",
    discussion: "Example: plumb people disable 'Ada Lovelace'"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The person's name.")
  var name: String

  func run() async throws {
    try await reporting {
      try await change.set(isDisabled: true, person: name, says: "cannot sign in any more")
    }
  }
}

struct PeopleEnable: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enable",
    abstract: "Lets a disabled person sign in again.",
    discussion: "Example: plumb people enable 'Ada Lovelace'"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The person's name.")
  var name: String

  func run() async throws {
    try await reporting {
      try await change.set(isDisabled: false, person: name, says: "can sign in again")
    }
  }
}

extension ChangeOptions {
  /// Lets a person sign in no more, or again.
  fileprivate func set(isDisabled: Bool, person name: String, says: String) async throws {
    let sketch = APISketch.change(
      "PATCH",
      "people",
      "$ID",
      body: ["is_disabled": .bool(isDisabled)]
    ) { _ in ["\(name.withoutControls) \(says)"] }
    if try await answers({ sketch.filling(.person(name)).matching(.current(sketch.path)) }) {
      return
    }
    try await write { transaction in
      try transaction.setDisabled(isDisabled, person: transaction.person(named: name).id)
    }
    print("\(name.withoutControls) \(says)")
  }
}

extension Grant {
  /// The grant as the API takes it.
  var body: JSONValue {
    var body: JSONObject = [
      "role": .string(role.rawValue),
      "extent": extent.name.isEmpty
        ? ["kind": .string(extent.kind)]
        : ["kind": .string(extent.kind), "name": .string(extent.name)],
    ]
    if !expiresAt.isNever { body["expires_at"] = .string("\(expiresAt)") }
    return .object(body)
  }

  /// The grant in words.
  var text: String {
    var text = role.rawValue
    switch extent {
    case .everything: text += " of everything"
    case .account(let id): text += " of account \(id)"
    case .scope(let name): text += " of scope \(name)"
    }
    return expiresAt.isNever ? text : text + " until \(expiresAt.lastDay)"
  }
}
