import ArgumentParser
import Content
import JSON
import Model
import Operations
import Store
import YAML

/// A document of one's own, and its labels.
struct OwnDocument: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("A label; may be repeated.", valueName: "label"))
  var label: [String] = []

  @Argument(
    help: ArgumentHelp("The document, YAML or JSON; - for standard input.", valueName: "file")
  )
  var file: String

  func node() throws -> DocumentNode { try YAMLReader().document(textFile(file), file: file) }

  /// The name of a document that states none: its title's, else the file's.
  func name(_ node: DocumentNode) -> String {
    let title = RuleDraft.name(for: node.json)
    let base = file.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? ""
    return title.isEmpty ? base : title
  }
}

/// A rule of one's own with its cases.
struct OwnRule: ParsableArguments {
  @OptionGroup var document: OwnDocument

  @Option(
    name: .long,
    help: ArgumentHelp("Cases that prove it, as plumb rules test reads them.", valueName: "file")
  )
  var cases: String?

  @OptionGroup var content: ContentOptions

  func draft(_ installed: [Rule]) throws -> RuleDraft {
    let node = try document.node()
    return try RuleDraft(
      node,
      cases: try caseNode(),
      labels: document.label,
      name: document.name(node),
      shipped: installed
    )
  }

  private func caseNode() throws -> DocumentNode? {
    guard let cases else { return nil }
    let node = try YAMLReader().document(textFile(cases), file: cases)
    guard case .mapping(let members) = node.value,
      let list = members.first(where: { $0.key == "cases" })?.value
    else { throw DocumentError("missing key \"cases\"", key: "", at: node.location) }
    return list
  }

  /// The body of the API, and the rule's id.
  func body() throws -> (id: String, body: JSONValue) {
    let draft = try draft([])
    var body: JSONObject = ["id": .string(draft.rule.id), "document": try document.node().json]
    if !draft.caseDocuments.isEmpty { body["cases"] = .array(draft.caseDocuments) }
    if !document.label.isEmpty { body["labels"] = .array(document.label.map { .string($0) }) }
    return (draft.rule.id, .object(body))
  }
}

struct RulesAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Keeps a rule of one's own, or its next version, where its cases prove it.",
    discussion: """
      The document is a rule as docs/rules.md describes it, or a config rule of IBM's Security and
      Compliance Center as that product writes it.

      Examples:
        plumb rules add own.tagged.yaml --cases own.tagged.cases.yaml --label house
        plumb rules add rule.json --replace
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var own: OwnRule

  @Flag(name: .long, help: "It is the next version of the rule of its id.")
  var replace = false

  func run() async throws {
    try await reporting {
      let replace = replace
      if try await change.answers(
        local: own.content.given,
        {
          let (id, body) = try own.body()
          let sketch =
            replace
            ? APISketch.change("PUT", "rules", id, body: body) { [$0.keptLine("rule")] }
            : APISketch.change("POST", "rules", body: body) { [$0.keptLine("rule")] }
          return replace ? sketch.matching(.current(sketch.path)) : sketch
        }
      ) {
        return
      }
      let draft = try own.draft(try own.content.library().rules())
      try draft.check()
      let now = try change.at.instant()
      let kept = try await change.write(at: now) { transaction in
        let isThere = try transaction.documents(.rule, at: now).contains {
          $0.name == draft.rule.id
        }
        try refuse(isThere, replace, "rule", draft.rule.id)
        return try transaction.keep(draft)
      }
      print(kept.json.keptLine("rule"))
    }
  }
}

/// Refuses to replace what is not there, and to add what is.
func refuse(_ isThere: Bool, _ replaces: Bool, _ kind: String, _ id: String) throws {
  if isThere, !replaces {
    throw StoreError.conflict(
      "there is a \(kind) \"\(id)\" already; --replace makes its next version"
    )
  }
  if !isThere, replaces { throw StoreError.notFound(kind: kind, name: id) }
}

struct RulesRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a rule of one's own, and the guardrails that lay it on scopes.",
    discussion: "Example: plumb rules remove own.tagged"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The rule's id.")
  var id: String

  func run() async throws {
    try await reporting {
      try await removeDocument(.rule, id, change)
    }
  }
}

/// Removes a rule or template, here or on a server.
func removeDocument(_ kind: KeptDocument.Kind, _ id: String, _ change: ChangeOptions) async throws {
  let sketch = APISketch.change("DELETE", "\(kind.rawValue)s", id) { _ in
    ["\(kind.rawValue) \(id) is removed"]
  }
  if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
  let laid = try await change.write { transaction in
    kind == .rule ? try transaction.removeRule(id) : try transaction.removeDocument(kind, id)
  }
  print("\(kind.rawValue) \(id) is removed")
  for guardrail in laid { print("guardrail \(guardrail) is removed") }
}

extension JSONValue {
  /// What is kept of a document, in a line.
  func keptLine(_ kind: String) -> String {
    "\(kind) \(self["id"]?.cell ?? ""), version \(self["version"]?.cell ?? ""): "
      + "\(self["title"]?.cell ?? "")"
  }
}
