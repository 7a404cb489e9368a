import JSON
import Model

/// What OSCAL documents of ours share (docs/profiles.md, "Import and export").
enum OSCAL {
  /// The version that documents name; what is written is valid by 1.2 as well.
  static let version = "1.1.3"
  /// The name space of our own properties.
  static let space = "https://plumbline.dev/ns/oscal"

  /// A property of ours.
  static func property(_ name: String, _ value: String) -> JSONValue {
    ["name": .string(name), "ns": .string(space), "value": .string(line(value))]
  }

  /// The property of ours that tells a basis, its note as the remarks.
  static func property(_ basis: MappingBasis) -> JSONValue {
    var property = Self.property("basis", basis.kind.rawValue).object ?? JSONObject()
    if !basis.note.isEmpty { property["remarks"] = .string(basis.note) }
    return .object(property)
  }

  /// The metadata of a profile's documents.
  static func metadata(_ profile: Profile) -> JSONValue {
    var props = [property("profile", profile.id)]
    for (name, value) in [("framework", profile.framework), ("source", profile.source)]
    where !value.isEmpty {
      props.append(property(name, value))
    }
    if profile.basis != MappingBasis() { props.append(property(profile.basis)) }
    var object: JSONObject = [
      "title": .string(profile.title),
      "last-modified": .string("\(profile.effectiveDate)T00:00:00Z"),
      "version": .string(profile.version), "oscal-version": .string(version),
      "props": .array(props),
    ]
    if !profile.description.isEmpty { object["remarks"] = .string(profile.description) }
    return .object(object)
  }

  /// A document of one model, with a UUID that is made from its content.
  static func document(_ model: String, _ content: JSONObject) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("uuid", .string(NameUUID.of([model: .object(content)])))
    ]
    members += content.members
    return .object(JSONObject([(model, .object(JSONObject(members)))]))
  }

  /// A text as one line without white space around it, as OSCAL's strings are.
  static func line(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Tokens for control identifiers, in their order and each once: NIST's own for its identifiers
  /// (`ac-2.1` for `AC-2(1)`), `c-2.1.1` for `2.1.1`.
  static func tokens(for identifiers: [String]) -> [String] {
    var taken: Set<String> = []
    return identifiers.map { identifier in
      let base = token(for: identifier)
      var token = base
      var number = 2
      while !taken.insert(token).inserted {
        token = "\(base)_\(number)"
        number += 1
      }
      return token
    }
  }

  private static func token(for identifier: String) -> String {
    var token = ""
    for character in identifier.lowercased().unicodeScalars {
      switch character {
      case "a"..."z", "0"..."9", ".", "-", "_": token.unicodeScalars.append(character)
      case "(": token += "."
      case ")": break
      default: token += "-"
      }
    }
    let begins = token.utf8.first.map { (0x61...0x7A).contains($0) } ?? false
    return begins ? token : "c-\(token)"
  }
}

/// Values of rules' parameters as OSCAL has them: texts, with our type beside them.
enum OSCALValue {
  /// The type's word and the texts of a value.
  static func encode(_ value: JSONValue) -> (type: String, texts: [String]) {
    switch value {
    case .string(let text) where isText(text): return ("string", [text])
    case .integer: return ("integer", [value.text])
    case .number: return ("number", [value.text])
    case .bool: return ("boolean", [value.text])
    case .array(let items) where !items.isEmpty:
      let texts = items.compactMap(\.string)
      if texts.count == items.count, texts.allSatisfy(isText) { return ("string_list", texts) }
    default: break
    }
    return ("json", [value.text])
  }

  /// The value that texts stand for; nil for texts that are none of the type.
  static func decode(_ texts: [String], type: String) -> JSONValue? {
    if type == "string_list" { return .array(texts.map { .string($0) }) }
    guard texts.count == 1, let text = texts.first else { return nil }
    switch type {
    case "string": return .string(text)
    case "integer": return Int64(text).map { .integer($0) }
    case "number": return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    case "boolean": return text == "true" ? true : text == "false" ? false : nil
    default: return try? JSONValue(parsing: text)
    }
  }

  /// Whether a text can stand as it is: not empty, one line, no white space around it.
  private static func isText(_ text: String) -> Bool {
    guard let first = text.first, let last = text.last else { return false }
    return !first.isWhitespace && !last.isWhitespace && !text.contains(where: \.isNewline)
  }
}
