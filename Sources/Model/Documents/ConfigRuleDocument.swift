import JSON

/// The config rule of another product: the grammar of a rule within keys of its own.
///
/// What it says besides, such as who made it and when, is left out; the store tells that of its own.
package enum ConfigRuleDocument {
  /// A rule with what a config rule says besides.
  package struct Reading: Sendable {
    package var rule: Rule
    package var labels: [String]
    /// The strictest of its enforcement actions; nil where it names none.
    package var enforcement: Enforcement?
  }

  /// Keys about the record itself, which are passed over.
  static let audit = [
    "account_id", "rule_id", "template_id", "creation_date", "created_by", "modification_date",
    "modified_by", "number_of_attachments", "rule_type", "type", "created_on", "updated_on",
    "updated_by",
  ]

  /// Keys by which a document is known to be of that form.
  private static let own = ["name", "enforcement_actions", "labels"] + audit

  /// Reads a rule, of this product's form or of the other's.
  package static func read(_ node: DocumentNode, name: String) throws(DocumentError) -> Reading {
    guard case .mapping(let members) = node.value,
      members.contains(where: { own.contains($0.key) })
    else {
      return Reading(rule: try RuleDecoder.rule(node, name: name), labels: [], enforcement: nil)
    }
    var reader = try DocumentReader(node)
    let title = try reader.text("name")
    let labels = try labels(&reader)
    var enforcement: Enforcement?
    for (index, node) in try reader.list("enforcement_actions").enumerated() {
      var action = try DocumentReader(node, path: "enforcement_actions[\(index)]")
      guard let found = try action.word("action", Enforcement.self) else {
        throw DocumentError("missing key \"action\"", key: action.path, at: action.location)
      }
      enforcement = max(enforcement ?? found, found)
      try action.finish()
    }
    var rest = members.filter { !own.contains($0.key) }
    if let title, !rest.contains(where: { $0.key == "title" }) {
      rest.append(("title", DocumentNode(.scalar(.string(title)), at: node.location)))
    }
    if let place = rest.firstIndex(where: { $0.key == "description" }) {
      let description = rest.remove(at: place).value
      if !rest.contains(where: { $0.key == "rationale" }) {
        rest.append(("rationale", description))
      }
    }
    // A version there counts otherwise; here the store counts.
    if let place = rest.firstIndex(where: { $0.key == "version" }),
      case .scalar(.string) = rest[place].value.value
    {
      rest.remove(at: place)
    }
    let rule = try RuleDecoder.rule(DocumentNode(.mapping(rest), at: node.location), name: name)
    return Reading(rule: rule, labels: labels, enforcement: enforcement)
  }

  private static func labels(_ reader: inout DocumentReader) throws(DocumentError) -> [String] {
    let labels = try reader.strings("labels")
    for label in labels where label.isEmpty || label.contains(where: { ",/".contains($0) }) {
      throw reader.error("labels", "\"\(label)\": a label is not empty and has no comma or slash")
    }
    return labels
  }
}
