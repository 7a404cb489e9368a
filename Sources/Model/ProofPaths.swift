import JSON

/// The paths of a proof's condition that decide its verdict, the first of which explains it.
struct ProofPaths {
  typealias Path = [PropertyPath.Component]

  private(set) var paths: [Path] = []
  /// The first comparison that decides the verdict, and the path to what it compares.
  private(set) var comparison: (path: String, node: JSONValue)?

  init(_ proof: JSONValue, _ verdict: Verdict) {
    switch verdict {
    case .fail: if let node = proof["condition"] { guilty(node, wanted: true, below: []) }
    case .unknown:
      for key in ["target", "applies", "condition"] {
        if let node = proof[key] { unknown(node, below: []) }
      }
    case .pass, .notApplicable: break
    }
  }

  private static func truth(_ node: JSONValue) -> Bool? {
    switch node["result"]?.string {
    case "true", "vacuous": true
    case "false": false
    default: nil
    }
  }

  private static func parts(_ node: JSONValue) -> [JSONValue]? {
    node["and"]?.array ?? node["or"]?.array ?? node["not"].map { [$0] }
  }

  /// Follows the parts that keep a node from the value wanted.
  private mutating func guilty(_ node: JSONValue, wanted: Bool, below base: Path) {
    if let parts = Self.parts(node) {
      let wanted = node["not"] == nil ? wanted : !wanted
      for part in parts where Self.truth(part) == !wanted {
        guilty(part, wanted: wanted, below: base)
      }
    } else if node["property"] != nil {
      note(node, below: base)
    } else {
      elements(node, below: base) { paths, element, path in
        paths.guilty(element, wanted: Self.truth(element) == false, below: path)
      }
    }
  }

  /// Follows the parts that are unknown.
  private mutating func unknown(_ node: JSONValue, below base: Path) {
    guard Self.truth(node) == nil else { return }
    if let parts = Self.parts(node) {
      for part in parts { unknown(part, below: base) }
    } else if node["property"] != nil {
      note(node, below: base)
    } else {
      elements(node, below: base) { $0.unknown($1, below: $2) }
    }
  }

  /// Follows the elements of a quantifier that decide it, then the list itself.
  private mutating func elements(
    _ node: JSONValue,
    below base: Path,
    _ follow: (inout Self, JSONValue, Path) -> Void
  ) {
    for key in ["any", "all", "none", "count"] {
      guard let text = node[key]?.string, let list = Self.path(text, below: base) else { continue }
      for element in node["elements"]?.array ?? [] {
        guard !list.isCut, let index = element["index"]?.whole else { break }
        let path = list.path + [.index(index)]
        if let condition = element["condition"] { follow(&self, condition, path) }
        paths.append(path)
      }
      paths.append(list.path)
    }
    // A count, or a list without an element that decides: the list itself is what is compared.
    for key in ["any", "all", "none", "count"] where comparison == nil {
      guard let range = node[key] else { continue }
      let text = range.string.flatMap { Self.text($0, below: base) }
      comparison = (text ?? Self.kind(range), node)
    }
  }

  private mutating func note(_ node: JSONValue, below base: Path) {
    guard let text = node["property"]?.string else { return }
    if comparison == nil { comparison = (Self.text(text, below: base) ?? text, node) }
    if let found = Self.path(text, below: base) { paths.append(found.path) }
  }

  /// The whole path as text.
  private static func text(_ text: String, below base: Path) -> String? {
    guard let path = PropertyPath(text), path.root == .current else { return nil }
    return PropertyPath(base + path.components).description
  }

  /// The name of related resources.
  private static func kind(_ range: JSONValue) -> String {
    let parts = [range["service_name"]?.string, range["resource_kind"]?.string].compactMap { $0 }
    return parts.joined(separator: "/")
  }

  /// The path in the configuration, cut where it goes through every element.
  private static func path(_ text: String, below base: Path) -> (path: Path, isCut: Bool)? {
    guard let path = PropertyPath(text) else { return nil }
    let start: Path
    switch path.root {
    case .current: start = base
    case .configuration: start = []
    case .resource: return nil
    }
    let known = path.components.prefix { $0 != .each }
    return (start + known, known.count < path.components.count)
  }
}
