/// A path to a property: dotted keys, `[0]`, `[*]`, quoted keys, and where it starts.
package struct PropertyPath: Sendable, Hashable, CustomStringConvertible {
  /// One step of a path.
  package enum Component: Sendable, Hashable {
    case key(String)
    case index(Int)
    /// Every element of the array.
    case each
  }

  /// Where a path starts.
  package enum Root: Sendable, Hashable {
    /// The element at hand inside a quantifier, else the configuration.
    case current
    /// The configuration.
    case configuration
    /// The whole resource.
    case resource
  }

  /// Where the path starts.
  package let root: Root
  /// The steps from there; none for the root itself.
  package let components: [Component]
  /// The path as it was written.
  package let description: String

  /// Whether some step ranges over every element.
  package var isMultiple: Bool { components.contains(.each) }

  /// A path made of parts.
  package init(root: Root = .current, _ components: [Component]) {
    self.root = root
    self.components = components
    let prefix =
      switch root {
      case .current: components.isEmpty ? ["$element"] : []
      case .configuration: ["$root"]
      case .resource: ["$resource"]
      }
    description = Self.join(prefix, components)
  }

  /// Reads a path, or nil where the text is none.
  package init?(_ text: String) {
    guard let (head, components) = Self.parse(text) else { return nil }
    switch head {
    case "$element": self.init(root: .current, components)
    case "$root": self.init(root: .configuration, components)
    case "$resource": self.init(root: .resource, components)
    case nil where !components.isEmpty: self.init(root: .current, components)
    default: return nil
    }
  }

  private static func join(_ prefix: [String], _ components: [Component]) -> String {
    var text = prefix.first ?? ""
    for component in components {
      switch component {
      case .key(let key):
        if !text.isEmpty { text += "." }
        let isPlain = key.allSatisfy(isPlain) && !key.isEmpty && !key.hasPrefix("$")
        text += isPlain ? key : "\"\(key)\""
      case .index(let index): text += "[\(index)]"
      case .each: text += "[*]"
      }
    }
    return text
  }

  private static func isPlain(_ character: Character) -> Bool {
    !".[]\"".contains(character) && !character.isWhitespace
  }

  /// Splits a path into its `$…` head, if any, and its steps.
  private static func parse(_ text: String) -> (head: String?, components: [Component])? {
    var head: String?
    var components: [Component] = []
    var rest = Substring(text)
    var expectsKey = true
    while let next = rest.first {
      if next == "[" {
        guard let close = rest.firstIndex(of: "]"), close != rest.startIndex else { return nil }
        let inside = rest[rest.index(after: rest.startIndex)..<close]
        if inside == "*" {
          components.append(.each)
        } else if let index = Int(inside), (0...1_000_000).contains(index) {
          components.append(.index(index))
        } else {
          return nil
        }
        rest = rest[rest.index(after: close)...]
        expectsKey = false
      } else if next == ".", !expectsKey {
        rest.removeFirst()
        expectsKey = true
        if rest.isEmpty { return nil }
      } else if expectsKey {
        guard let key = readKey(&rest) else { return nil }
        if components.isEmpty, head == nil, key.text.hasPrefix("$"), !key.isQuoted {
          head = key.text
        } else {
          components.append(.key(key.text))
        }
        expectsKey = false
      } else {
        return nil
      }
    }
    return text.isEmpty ? nil : (head, components)
  }

  private static func readKey(_ rest: inout Substring) -> (text: String, isQuoted: Bool)? {
    if rest.first == "\"" {
      rest.removeFirst()
      guard let close = rest.firstIndex(of: "\"") else { return nil }
      let key = rest[..<close]
      rest = rest[rest.index(after: close)...]
      return (String(key), true)
    }
    let key = rest.prefix(while: isPlain)
    guard !key.isEmpty else { return nil }
    rest = rest[key.endIndex...]
    return (String(key), false)
  }
}
