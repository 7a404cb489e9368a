import JSON
import Model

/// The page of one rule.
struct RulePage {
  /// A control that the rule judges.
  struct Use {
    var profile: Profile
    var control: Profile.Control
  }

  var rule: Rule
  var cases: [RuleCase]
  var uses: [Use]
  /// What succeeds a deprecated rule, as Markdown.
  var successor: String?

  var text: String {
    var lines = ["# \(Markdown.inline(rule.title))", ""]
    lines += facts
    lines += requirement
    lines += parameters
    if !rule.rationale.isEmpty { lines += ["", "## Why", "", Markdown.text(rule.rationale)] }
    lines += remediation
    lines += examples
    lines += usedBy
    lines += references
    return lines.joined(separator: "\n") + "\n"
  }

  private var facts: [String] {
    var rows = [
      ("rule", "`\(rule.id)`"), ("version", "\(rule.version)"),
      ("severity", rule.severity.rawValue),
      ("status", rule.status.rawValue + (successor.map { ", use \($0) instead" } ?? "")),
      ("judges", rule.target.kinds.map { "`\($0)`" }.joined(separator: ", ")),
    ]
    if !rule.aliases.isEmpty {
      rows.insert(("also known as", rule.aliases.map { "`\($0)`" }.joined(separator: ", ")), at: 1)
    }
    return ["| | |", "|---|---|"] + rows.map { "| \($0.0) | \($0.1) |" }
  }

  private var requirement: [String] {
    var lines = ["", "## What it requires", ""]
    if !rule.requirement.isEmpty { lines += [Markdown.text(rule.requirement), ""] }
    var document = JSONObject()
    if !rule.target.attributes.isEmpty {
      document["additional_target_attributes"] =
        rule.document["target"]?["additional_target_attributes"]
    }
    document["applies"] = rule.applies?.grammar
    document["required_config"] = rule.requiredConfig.grammar
    lines += Markdown.code(BlockYAML.text(.object(document)), "yaml")
    if rule.applies != nil {
      lines += ["", "Where `applies` is false the rule is not applicable to the resource."]
    }
    return lines
  }

  private var parameters: [String] {
    guard !rule.parameters.isEmpty else { return [] }
    let documents = rule.document["parameters"]
    var lines = ["", "## Parameters", ""]
    lines += ["| name | type | default | bounds | what it is |", "|---|---|---|---|---|"]
    for parameter in rule.parameters {
      let document = documents?[parameter.name]
      let bounds = ["minimum", "maximum", "allowed"].compactMap { key in
        document?[key].map { "\(key) \($0.text)" }
      }
      let cells = [
        parameter.name, parameter.type.rawValue, parameter.defaultValue.text,
        bounds.joined(separator: ", "), parameter.description,
      ]
      lines.append("| " + cells.map(Markdown.inline).joined(separator: " | ") + " |")
    }
    return lines
  }

  private var remediation: [String] {
    let remedy = rule.remediation
    guard !remedy.text.isEmpty || !remedy.snippets.isEmpty else { return [] }
    var lines = ["", "## How to meet it"]
    if !remedy.text.isEmpty { lines += ["", Markdown.text(remedy.text)] }
    let languages = ["cli": "sh", "terraform": "hcl", "manifest": "yaml"]
    for (form, text) in remedy.snippets {
      lines += ["", "### \(form)", ""] + Markdown.code(text, languages[form] ?? "")
    }
    return lines
  }

  private var examples: [String] {
    guard !cases.isEmpty else { return [] }
    var lines = ["", "## Examples"]
    for testCase in cases {
      let verdict = testCase.verdict?.label ?? "not judged"
      lines += ["", "### \(verdict): \(Markdown.inline(testCase.name))", ""]
      lines += Markdown.code(BlockYAML.text(example(testCase)), "yaml")
    }
    return lines
  }

  /// A case as its document says it, without name and verdict.
  private func example(_ testCase: RuleCase) -> JSONValue {
    let resource = testCase.resource
    var object = JSONObject()
    if rule.target.kinds != [resource.kind] {
      object["service_name"] = .string(resource.kind.service)
      object["resource_kind"] = .string(resource.kind.kind)
    }
    func add(_ key: String, _ members: [(key: String, value: JSONValue)]) {
      if !members.isEmpty { object[key] = .object(JSONObject(members)) }
    }
    let parameters = testCase.parameters.sorted { $0.key < $1.key }
    add("parameters", parameters.map { (key: $0.key, value: $0.value) })
    if !resource.region.isEmpty { object["region"] = .string(resource.region) }
    if !resource.name.isEmpty { object["resource_name"] = .string(resource.name) }
    add("tags", resource.tags.map { (key: $0.key, value: .string($0.value)) })
    add("attributes", resource.attributes)
    object["configuration"] = resource.configuration
    add("unread", resource.unread.map { (key: $0.path, value: .string($0.reason)) })
    if !testCase.related.isEmpty {
      object["related"] = .array(testCase.related.map(\.inventoryLine))
    }
    if let complete = testCase.complete {
      object["complete"] = .array(complete.map { .string("\($0)") })
    }
    if testCase.now != "2026-01-01T00:00:00Z" { object["now"] = .string(testCase.now) }
    return .object(object)
  }

  private var usedBy: [String] {
    guard !uses.isEmpty else { return [] }
    let rows = uses.map { use in
      let cells = [
        use.profile.title, "\(use.profile.id) \(use.profile.version)",
        "\(use.control.id) \(use.control.title)", use.control.basis.kind.rawValue,
      ]
      return "| " + cells.map(Markdown.inline).joined(separator: " | ") + " |"
    }
    return ["", "## Used by", "", "| profile | version | control | basis |", "|---|---|---|---|"]
      + rows
  }

  private var references: [String] {
    guard !rule.references.isEmpty else { return [] }
    let rows = rule.references.map { link in
      let isLink = link.hasPrefix("https://") && !link.contains { " <>".contains($0) }
      return "- " + (isLink ? "<\(link)>" : Markdown.inline(link))
    }
    return ["", "## References", ""] + rows
  }
}

/// Text from documents as Markdown that shows it as it is.
enum Markdown {
  /// Text with the characters escaped that Markdown would act on.
  static func text(_ text: String) -> String {
    var result = ""
    for character in text.trimmingSpace {
      if "\\`*_<>[]|".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }

  /// Text on one line, for headings and cells.
  static func inline(_ text: String) -> String {
    self.text(text.split { $0.isNewline }.joined(separator: " "))
  }

  /// A block of code within a fence that the code does not hold.
  static func code(_ text: String, _ language: String) -> [String] {
    var longest = 2
    var run = 0
    for character in text {
      run = character == "`" ? run + 1 : 0
      longest = max(longest, run)
    }
    let fence = String(repeating: "`", count: longest + 1)
    let end = text.lastIndex { !$0.isWhitespace }
    return [fence + language, end.map { String(text[...$0]) } ?? "", fence]
  }
}

extension String {
  /// The text without white space at its ends.
  fileprivate var trimmingSpace: Substring {
    let begin = drop { $0.isWhitespace }
    guard let last = begin.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return begin[...last]
  }
}
