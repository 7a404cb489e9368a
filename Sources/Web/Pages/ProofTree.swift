import JSON
import Model
import Reports

/// A proof's condition as a tree: what was expected, what was observed, and what each part came to.
struct ProofTree {
  /// A property on which a verdict rests that is not as it has to be.
  struct Mark: Hashable {
    var path: [PropertyPath.Component]
    /// Whether it could not be read.
    var isUnread: Bool
  }

  private let condition: JSONValue

  init(_ proof: JSONValue) { condition = proof["condition"] ?? .null }

  /// Nil where the proof has no condition, because it was outside the target.
  var html: HTML? {
    condition.object == nil ? nil : "<ul class=\"tree\">\(node(condition, wanted: true))</ul>"
  }

  private static let quantifiers = ["any", "all", "none", "count"]

  private func node(_ value: JSONValue, wanted: Bool) -> HTML {
    let badge = badge(value, wanted)
    func group(_ words: String, _ parts: [JSONValue], _ wanted: Bool) -> HTML {
      """
      <li><div class="cond">\(badge) \(words)</div><ul>\(HTML(parts.map { node($0, wanted: wanted) }))</ul></li>
      """
    }
    if let parts = value["and"]?.array { return group("all of these", parts, wanted) }
    if let parts = value["or"]?.array { return group("any of these", parts, wanted) }
    if let part = value["not"] { return group("not", [part], !wanted) }
    if let property = value["property"]?.string {
      return """
        <li><div class="cond">\(badge) <code>\(property)</code> <span>\(value.text("operator").replacing("_", with: " "))</span>\(expected(value))</div>
        <dl class="observed">\(observed(value))</dl></li>
        """
    }
    return quantifier(value, badge, wanted)
  }

  private func quantifier(_ value: JSONValue, _ badge: HTML, _ wanted: Bool) -> HTML {
    let name = Self.quantifiers.first { value[$0] != nil }
    let words =
      switch name {
      case "any": "some element of"
      case "all": "every element of"
      case "none": "no element of"
      case "count": "the number of elements of"
      default: "related resources"
      }
    let about = name.flatMap { value[$0] }?.shortened ?? value["related"]?.shortened ?? ""
    let inner = name == "none" ? !wanted : wanted
    let elements = value.list("elements").map { element -> HTML in
      let below: HTML =
        element["condition"].map { "<ul>\(node($0, wanted: inner))</ul>" }
        ?? element["observed"].map {
          "<dl class=\"observed\"><dt>observed</dt><dd><code>\($0.shortened)</code></dd></dl>"
        }
        ?? ""
      return "<li><div class=\"cond\">element \(element.count("index"))</div>\(below)</li>"
    }
    let left = value.count("elements_left_out")
    let tally = """
      \(value.count("satisfied")) satisfy, \(value.count("not_satisfied")) do not, \(value.count("unknown")) unknown
      """
    let unread: HTML = value["unread"]?.string.map { "<dt>not read</dt><dd>\($0)</dd>" } ?? ""
    return """
      <li><div class="cond">\(badge) \(words) <code>\(about)</code>\(expected(value)) <span class="quiet">\(tally)</span></div>
      \(HTML.when(!unread.isEmpty, "<dl class=\"observed\">\(unread)</dl>"))
      \(HTML.when(!elements.isEmpty, "<ul>\(HTML(elements))\(HTML.when(left > 0, "<li class=\"quiet\">and \(left) more</li>"))</ul>"))</li>
      """
  }

  private func badge(_ value: JSONValue, _ wanted: Bool) -> HTML {
    let result = value.text("result")
    let isGood = result == "vacuous" || result == (wanted ? "true" : "false")
    let verdict: Verdict = result == "unknown" ? .unknown : isGood ? .pass : .fail
    return HTML.verdict(verdict.rawValue, words: result)
  }

  private func expected(_ value: JSONValue) -> HTML {
    value["expected"].map { " <code>\($0.shortened)</code>" } ?? ""
  }

  private func observed(_ value: JSONValue) -> HTML {
    if let reason = value["unread"]?.string {
      return "<dt>not read</dt><dd>\(reason)</dd>"
    }
    guard let observed = value["observed"], observed != .null else {
      return "<dt>observed</dt><dd>nothing</dd>"
    }
    return "<dt>observed</dt><dd><code>\(observed.shortened)</code></dd>"
  }

  // MARK: - What to mark in the configuration

  /// The properties that keep the condition from holding.
  var marks: [Mark] {
    var found: [Mark] = []
    collect(condition, wanted: true, at: [], &found)
    return found
  }

  private func collect(
    _ value: JSONValue,
    wanted: Bool,
    at base: [PropertyPath.Component],
    _ found: inout [Mark]
  ) {
    let result = value.text("result")
    guard !result.isEmpty, result != "vacuous", result != (wanted ? "true" : "false") else {
      return
    }
    for part in (value["and"]?.array ?? []) + (value["or"]?.array ?? []) {
      collect(part, wanted: wanted, at: base, &found)
    }
    if let part = value["not"] { collect(part, wanted: !wanted, at: base, &found) }
    let isUnread = result == "unknown"
    if let place = place(value["property"], base) {
      found.append(Mark(path: place, isUnread: isUnread))
    }
    guard let name = Self.quantifiers.first(where: { value[$0] != nil }),
      let list = place(value[name], base)
    else { return }
    let elements = value.list("elements")
    if elements.isEmpty { found.append(Mark(path: list, isUnread: isUnread)) }
    for element in elements {
      let here = list + [.index(element.count("index"))]
      guard let condition = element["condition"] else {
        found.append(Mark(path: here, isUnread: isUnread))
        continue
      }
      let before = found.count
      collect(condition, wanted: name == "none" ? !wanted : wanted, at: here, &found)
      if found.count == before { found.append(Mark(path: here, isUnread: isUnread)) }
    }
  }

  private func place(_ written: JSONValue?, _ base: [PropertyPath.Component])
    -> [PropertyPath.Component]?
  {
    guard let path = written?.string.flatMap({ PropertyPath($0) }) else { return nil }
    return switch path.root {
    case .current: base + path.components
    case .configuration: path.components
    // Beside the configuration, such as tags.
    case .resource: nil
    }
  }
}
