import Engine
package import JSON
package import Model
package import Store

/// Rules and templates that people made, as they are kept.
package struct OwnContent: Sendable {
  package var rules: [Rule] = []
  /// Why rules cannot be read any more, by their ids.
  package var unreadable: [String: String] = [:]
  package var templates: [Template]

  /// Those of a store as of an instant.
  package init(_ transaction: StoreTransaction, at instant: Instant) throws {
    for document in try transaction.documents(.rule, at: instant) {
      do {
        rules.append(try document.rule())
      } catch {
        unreadable[document.name] = "\(error)"
      }
    }
    templates = try transaction.documents(.template, at: instant).map { try $0.template() }
  }
}

extension KeptDocument {
  private var node: DocumentNode {
    DocumentNode(document, at: SourceLocation(file: "\(kind.rawValue) \(name)"))
  }

  /// The rule that the document is.
  package func rule() throws -> Rule { try RuleDecoder.rule(node, name: name) }

  /// The template that the document is.
  package func template() throws -> Template { try Template(node, name: name) }
}

/// A rule as somebody hands it in, checked.
package struct RuleDraft: Sendable {
  package var rule: Rule
  package var labels: [String]
  package var cases: [RuleCase]
  /// The cases as they are written.
  package var caseDocuments: [JSONValue]

  /// Reads a rule and its cases; `shipped` are the rules whose names are taken.
  ///
  /// - Throws: ``DocumentError`` at the key at fault.
  package init(
    _ document: DocumentNode,
    cases: DocumentNode?,
    labels: [String] = [],
    name: String,
    shipped: [Rule]
  ) throws {
    let reading = try ConfigRuleDocument.read(document, name: name)
    let rule = reading.rule
    let taken = Set(shipped.flatMap { [$0.id] + $0.aliases })
    if let other = ([rule.id] + rule.aliases).first(where: taken.contains) {
      throw DocumentError(
        "\"\(other)\" is the name of a shipped rule; choose another one",
        key: "id",
        at: rule.source
      )
    }
    // What cannot be compiled is found out here rather than at a gate.
    _ = try RuleSet(goals: [Goal(rule: rule.id)], rules: RuleIndex([rule]))
    self.rule = rule
    self.labels = Array(Set(reading.labels + labels)).sorted()
    self.cases = []
    caseDocuments = []
    guard let cases, case .sequence(let nodes) = cases.value, !nodes.isEmpty else { return }
    let wrapped = DocumentNode(
      .mapping([
        (key: "rule", value: DocumentNode(.scalar(.string(rule.id)), at: cases.location)),
        (key: "cases", value: cases),
      ]),
      at: cases.location
    )
    self.cases = try RuleDecoder.cases(wrapped) { _ throws(DocumentError) in rule }.cases
    caseDocuments = nodes.map(\.json)
  }

  /// A name for a document that states none, made of its title; empty where there is none.
  package static func name(for document: JSONValue) -> String {
    let titles = ["id", "title", "name"].compactMap { document[$0]?.string }
    let words = (titles.first ?? document["required_config"]?["description"]?.string ?? "")
      .lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0))) }
    return String(words.joined(separator: "-").prefix(100))
  }

  /// What the rule gives for each of its cases.
  package func outcomes() throws -> [CaseRunner.Outcome] {
    try cases.map { try CaseRunner.run($0, of: rule) }
  }

  /// Refuses a rule that does not do what its cases say.
  ///
  /// - Throws: ``GuardrailError`` that names the first case.
  package func check() throws {
    guard let wrong = try outcomes().first(where: { !$0.isAsExpected }) else { return }
    throw GuardrailError(
      description:
        "case \"\(wrong.testCase.name)\" expects \(wrong.expected) and gets \(wrong.given)"
        + (wrong.reason.isEmpty ? "" : ": \(wrong.reason)")
    )
  }
}

extension CaseRunner.Outcome {
  /// The verdict expected, as cases write it.
  package var expected: String { testCase.verdict?.rawValue ?? "none" }
  /// The verdict given, as cases write it, or that it could not be judged.
  package var given: String { fault ?? verdict?.rawValue ?? "none" }

  /// The outcome.
  package var json: JSONValue {
    [
      "name": .string(testCase.name), "expected": .string(expected), "verdict": .string(given),
      "as_expected": .bool(isAsExpected), "reason": .string(reason),
    ]
  }
}
