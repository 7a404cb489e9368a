extension JSONValue {
  /// The value as JSON over several lines.
  package var indented: String { render(depth: 0) }

  private func render(depth: Int) -> String {
    let inner = String(repeating: "  ", count: depth + 1)
    let outer = String(repeating: "  ", count: depth)
    switch self {
    case .array(let elements) where !elements.isEmpty:
      let lines = elements.map { inner + $0.render(depth: depth + 1) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
    case .object(let object) where !object.isEmpty:
      let lines = object.members.map {
        "\(inner)\(JSONValue.string($0.key).text): \($0.value.render(depth: depth + 1))"
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    default: return text
    }
  }
}
