import ArgumentParser
import Content
import JSON
import Model
import Operations
import Store

struct GuardrailsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "guardrails",
    abstract: "Lays rules, profiles and templates on scopes, and tells what is enforced where.",
    subcommands: [
      GuardrailsAdd.self, GuardrailsChange.self, GuardrailsRemove.self, GuardrailsList.self,
      GuardrailsShow.self, GuardrailsEnforced.self, GuardrailsPreview.self,
    ]
  )
}

struct GuardrailsAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Lays a rule, profile or template on a scope from now on.",
    discussion: """
      A guardrail begins by recording what fails, then warns, then refuses; see docs/guardrails.md.

      Examples:
        plumb guardrails add --rule aws.s3.bucket-public-block production --exclude account=testing
        plumb guardrails add --profile best-practices all --enforcement warn
        plumb guardrails add --template encrypted-buckets payments
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var subject: GuardrailSubject
  @OptionGroup var terms: GuardrailTerms

  @Argument(help: ArgumentHelp("The scope's name; all or - for everything.", valueName: "scope"))
  var scope: String

  func run() async throws {
    try await reporting {
      if try await change.answers(local: content.given, { try sketch() }) { return }
      let now = try change.at.instant()
      let installed = try InstalledContent(content)
      let (subject, terms, scope) = (subject.subject, terms, scopeName(scope))
      let made = try await change.write(at: now) { transaction in
        var guardrail = Guardrail(subject, scope: scope)
        try terms.apply(to: &guardrail, transaction.rules(beside: installed.rules, at: now))
        try installed.check(guardrail, former: nil, transaction, at: now)
          .step(transaction, at: now)
        return try transaction.guardrail(transaction.lay(guardrail))
      }
      print(made.line)
    }
  }

  private func sketch() throws -> APISketch {
    var body = try terms.members(try ContentLibrary.layered().rules())
    body[subject.subject.kind] = .string(subject.subject.name)
    body["scope"] = .string(scopeName(scope))
    return APISketch.change("POST", "guardrails", body: .object(body)) { [$0.guardrailLine] }
  }
}

struct GuardrailsChange: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "change",
    abstract: "Changes what a guardrail does from now on; what is not named stays.",
    discussion: """
      Raising it to disallow is refused while present resources fail or where it has not warned
      before, unless --reason says why.

      Examples:
        plumb guardrails change 3 --enforcement warn
        plumb guardrails change 3 --enforcement disallow --on-failure closed
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var terms: GuardrailTerms

  @Argument(help: "The guardrail's number, as plumb guardrails list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let (id, terms) = (id, terms)
      if try await change.answers(
        local: content.given,
        {
          let body = try terms.members(try ContentLibrary.layered().rules())
          let sketch = APISketch.change("PATCH", "guardrails", "\(id)", body: .object(body)) {
            [$0.guardrailLine]
          }
          return sketch.matching(.current(sketch.path))
        }
      ) {
        return
      }
      let now = try change.at.instant()
      let installed = try InstalledContent(content)
      let made = try await change.write(at: now) { transaction in
        let former = try transaction.guardrail(id)
        var guardrail = former
        try terms.apply(to: &guardrail, transaction.rules(beside: installed.rules, at: now))
        try installed.check(guardrail, former: former, transaction, at: now)
          .step(transaction, at: now)
        try transaction.change(guardrail)
        return try transaction.guardrail(id)
      }
      print(made.line)
    }
  }
}

struct GuardrailsRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Takes a guardrail away from now on.",
    discussion: "Example: plumb guardrails remove 3"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The guardrail's number, as plumb guardrails list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch.change("DELETE", "guardrails", "\(id)") { _ in
        ["guardrail \(id) is removed"]
      }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.removeGuardrail(id) }
      print("guardrail \(id) is removed")
    }
  }
}

struct GuardrailsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists guardrails, and why one is not enforced.",
    discussion: "Example: plumb guardrails list --format json"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(noun: "guardrail", columns: JSONValue.guardrailColumns)
      if try await records.answers(
        output.format,
        { APISketch.list("guardrails", show: list) }
      ) {
        return
      }
      let installed = try InstalledContent(content)
      let found = try await records.read { transaction, now in
        let set = try installed.set(transaction, at: now)
        return set.guardrails.indices.map { set.json(ofGuardrail: $0) }
      }
      output.list(found, "guardrail", cells: \.guardrailCells, json: { $0 })
    }
  }
}

struct GuardrailsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a guardrail: what it asks for, where, and since when.",
    discussion: "Example: plumb guardrails show 3"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The guardrail's number, as plumb guardrails list shows it.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "guardrails", "\(id)") }) {
        return
      }
      let installed = try InstalledContent(content)
      let found = try await records.read { transaction, now -> JSONValue in
        let set = try installed.set(transaction, at: now)
        guard let index = set.guardrails.firstIndex(where: { $0.id == id }) else {
          throw StoreError.notFound(kind: "guardrail", name: "\(id)")
        }
        return set.json(ofGuardrail: index)
      }
      output.show(found, found.memberLines)
    }
  }
}

struct GuardrailsEnforced: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enforced",
    abstract: "Lists what is enforced in which account, from the guardrails that decide.",
    discussion: "Example: plumb guardrails enforced --account 123456789012"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var output: FormatOptions

  @Option(name: .long, help: ArgumentHelp("Only this account.", valueName: "id"))
  var account: String?

  @Option(name: .long, help: ArgumentHelp("Only this rule.", valueName: "id"))
  var rule: String?

  func run() async throws {
    try await reporting {
      let (account, rule) = (account, rule)
      let list = APISketch.List(
        noun: "enforced rule",
        columns: ["account", "rule", "enforcement", "scope", "guardrail"]
      )
      let sketch = APISketch.list("enforcement", show: list)
        .asking("account", account).asking("rule", rule)
      if try await records.answers(output.format, { sketch }) { return }
      let installed = try InstalledContent(content)
      let found = try await records.read { transaction, now in
        let set = try installed.set(transaction, at: now)
        return set.enforcement(of: Array(try transaction.accounts().values)).filter {
          (account == nil || $0.account == account) && (rule == nil || $0.rule == rule)
        }
      }
      output.list(
        found,
        "enforced rule",
        cells: {
          [
            $0.account, $0.rule, $0.enforcement.rawValue, "on \(scopeText($0.scope))",
            "guardrail \($0.guardrail)", $0.isPartial ? "a part of it" : "",
          ]
        },
        json: \.json
      )
    }
  }
}

extension Guardrail {
  /// The guardrail in a line.
  fileprivate var line: String { json.guardrailLine }
}

extension JSONValue {
  /// The columns of a list of guardrails.
  fileprivate static let guardrailColumns: [Column] = [
    "id", "what=rule/profile/template", "scope", "excludes", "enforcement", "on_failure", "since",
    "fault",
  ]

  fileprivate var guardrailCells: [String] {
    [
      self["id"]?.cell ?? "", subjectText, "on \(scopeText(self["scope"]?.cell ?? ""))",
      enforcementText, "since \(self["since"]?.cell ?? "")",
      self["fault"].map { "not enforced: \($0.cell)" } ?? "",
    ]
  }

  private var subjectText: String {
    for kind in ["rule", "profile", "template"] {
      if let name = self[kind]?.string { return "\(kind) \(name)" }
    }
    return ""
  }

  fileprivate var guardrailLine: String {
    "guardrail \(self["id"]?.cell ?? ""): \(subjectText) on \(scopeText(self["scope"]?.cell ?? "")), "
      + enforcementText
  }

  /// What it does with a failure and, where it refuses, with what cannot be judged.
  private var enforcementText: String {
    let word = self["enforcement"]?.cell ?? ""
    return word == "disallow" ? "\(word), on failure \(self["on_failure"]?.cell ?? "")" : word
  }

  /// The members as lines of name and value, those of members below theirs: `entity.account`.
  var memberLines: [String] {
    func rows(_ name: String, _ value: JSONValue) -> [[String]] {
      if let object = value.object {
        return object.members.flatMap {
          rows(name.isEmpty ? $0.key : "\(name).\($0.key)", $0.value)
        }
      }
      guard let items = value.array, items.contains(where: { $0.object != nil }) else {
        return [[name, value.cell]]
      }
      return items.enumerated().flatMap { rows("\(name)[\($0.offset)]", $0.element) }
    }
    return columns(rows("", self).filter { !$0[1].isEmpty })
  }
}
