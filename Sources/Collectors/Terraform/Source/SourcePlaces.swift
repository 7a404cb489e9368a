import Model

/// Where the parts of a value are written.
struct SourcePlaces {
  var location: SourceLocation
  var members: [String: SourcePlaces] = [:]
  var elements: [SourcePlaces] = []

  init(_ location: SourceLocation) { self.location = location }

  /// The place of a member, or the nearest around it.
  func member(_ key: String) -> SourcePlaces { members[key] ?? SourcePlaces(location) }

  /// The place of an element, or the nearest around it.
  func element(_ index: Int) -> SourcePlaces {
    elements.indices.contains(index) ? elements[index] : SourcePlaces(location)
  }
}

extension SourcePlaces {
  /// The places of an attribute's value; the parts of a list or object written out have their own.
  init(_ expression: HCLExpression, file: String, line: Int) {
    self.init(SourceLocation(file: file, line: line))
    switch expression.kind {
    case .tuple(let nodes):
      elements = nodes.map { SourcePlaces($0, file: file, line: $0.position.line) }
    case .object(let nodes):
      for (key, value) in nodes {
        guard let name = key.literalText else { continue }
        members[name] = SourcePlaces(value, file: file, line: key.position.line)
      }
    default: break
    }
  }
}
