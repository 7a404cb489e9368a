import JSON

/// Values as YAML for people: blocks, and short parts on one line.
enum BlockYAML {
  private static let lineLimit = 76
  private static let reserved: Set<String> = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n",
  ]

  /// The value as YAML without a last line feed.
  static func text(_ value: JSONValue) -> String {
    lines(value).joined(separator: "\n")
  }

  private static func lines(_ value: JSONValue) -> [String] {
    switch value {
    case .object(let object) where !object.isEmpty:
      return object.members.flatMap { key, value -> [String] in
        if let flow = flow(value) { return ["\(scalar(key)): \(flow)"] }
        return ["\(scalar(key)):"] + lines(value).map { "  " + $0 }
      }
    case .array(let elements) where !elements.isEmpty:
      return elements.flatMap { element -> [String] in
        let lines = flow(element).map { [$0] } ?? lines(element)
        return lines.enumerated().map { ($0 == 0 ? "- " : "  ") + $1 }
      }
    default: return [flow(value) ?? value.text]
    }
  }

  /// The value on one line; nil where that would be long, or a list of more than scalars.
  private static func flow(_ value: JSONValue) -> String? {
    let text: String
    switch value {
    case .object(let object):
      guard !object.isEmpty else { return "{}" }
      let parts = object.members.map { key, value in flow(value).map { "\(scalar(key)): \($0)" } }
      guard !parts.contains(nil) else { return nil }
      text = "{ \(parts.compactMap { $0 }.joined(separator: ", ")) }"
    case .array(let elements):
      guard !elements.contains(where: { $0.array != nil || $0.object != nil }) else { return nil }
      text = "[\(elements.compactMap(flow).joined(separator: ", "))]"
    case .string(let string): return scalar(string)
    default: return value.text
    }
    return text.count > lineLimit ? nil : text
  }

  /// A text as it may stand in YAML: plain, or as a JSON string, which YAML reads too.
  private static func scalar(_ text: String) -> String {
    let isPlain =
      text.first.map { $0.isASCII && ($0.isLetter || "_/$".contains($0)) } ?? false
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_./$@-".contains($0)) }
      && !reserved.contains(text.lowercased())
    return isPlain ? text : JSONValue.string(text).text
  }
}
