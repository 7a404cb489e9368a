import JSON
package import Model

extension Profile {
  /// The profile as a YAML document that ``ProfileDecoder`` reads back, for people to go on from.
  package var yaml: String {
    var lines = [
      "id: \(YAMLText.scalar(id))", "version: \(YAMLText.scalar(version))",
      "effective_date: \(YAMLText.scalar(effectiveDate))", "title: \(YAMLText.scalar(title))",
    ]
    for (key, text) in [
      ("framework", framework), ("description", description), ("source", source),
    ] where !text.isEmpty {
      lines.append("\(key): \(YAMLText.scalar(text))")
    }
    if basis != MappingBasis() { lines += Self.lines(basis) }
    lines.append("controls:")
    for control in controls {
      lines.append("  - id: \(YAMLText.scalar(control.id))")
      lines.append("    title: \(YAMLText.scalar(control.title))")
      if control.isManual {
        lines.append("    manual: true")
      } else {
        lines.append("    goals:")
        lines += control.goals.flatMap(Self.lines)
      }
      if !control.manualReason.isEmpty {
        lines.append("    reason: \(YAMLText.scalar(control.manualReason))")
      }
      if let basis = ownBasis(of: control) { lines += Self.lines(basis).map { "    " + $0 } }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func lines(_ basis: MappingBasis) -> [String] {
    let kind = "basis: \(basis.kind.rawValue)"
    return basis.note.isEmpty ? [kind] : [kind, "basis_note: \(YAMLText.scalar(basis.note))"]
  }

  private static func lines(_ goal: Goal) -> [String] {
    guard !goal.parameters.isEmpty else { return ["      - \(YAMLText.scalar(goal.rule))"] }
    let values = goal.parameters.sorted { $0.key < $1.key }.map { name, value in
      "\(YAMLText.scalar(name)): \(YAMLText.value(value))"
    }
    return [
      "      - rule: \(YAMLText.scalar(goal.rule))",
      "        parameters: { \(values.joined(separator: ", ")) }",
    ]
  }
}

/// Texts and values as YAML.
private enum YAMLText {
  /// A text as it is where YAML takes it for that text anywhere, else in quotes.
  static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

  /// A value in YAML's flow form, which is JSON with spaces.
  static func value(_ value: JSONValue) -> String {
    switch value {
    case .string(let text): quoted(text)
    case .array(let items): "[\(items.map(self.value).joined(separator: ", "))]"
    case .object(let object) where !object.isEmpty:
      "{ "
        + object.members.map { "\(quoted($0.key)): \(self.value($0.value))" }
        .joined(separator: ", ") + " }"
    // A number without a fraction would be read as a whole one.
    case .number(let number) where number == number.rounded(): "\(number)"
    default: value.text
    }
  }

  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, isLetter(first), text.last != " " else {
      return false
    }
    if ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased()) {
      return false
    }
    // A colon may be a key's end; commas and brackets matter in the flow form only.
    return !text.contains(": ") && !text.hasSuffix(":")
      && text.unicodeScalars.allSatisfy { scalar in
        isLetter(scalar) || ("0"..."9").contains(scalar)
          || " .:/()+_-;'%".unicodeScalars.contains(scalar)
      }
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
  }

  /// A text in quotes; what YAML does not take as it is becomes an escape.
  private static func quoted(_ text: String) -> String {
    var quoted = ""
    for scalar in JSONValue.string(text).text.unicodeScalars {
      switch scalar.value {
      case 0x7F...0x9F, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted
  }
}
