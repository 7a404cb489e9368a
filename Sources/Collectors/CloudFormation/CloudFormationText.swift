import JSON
import Model

/// A text of `Fn::Sub`, cut at its variables.
struct CloudFormationText {
  /// A run of plain text, or the name within `${…}`.
  enum Piece: Equatable {
    case literal(String)
    case variable(String)
  }

  private(set) var pieces: [Piece] = []

  init(_ text: String) {
    var literal = ""
    var rest = Substring(text)
    while let character = rest.first {
      guard rest.hasPrefix("${"), let close = rest.firstIndex(of: "}") else {
        literal.append(character)
        rest.removeFirst()
        continue
      }
      let name = rest[rest.index(rest.startIndex, offsetBy: 2)..<close]
      rest = rest[rest.index(after: close)...]
      if name.hasPrefix("!") {
        literal += "${\(name.dropFirst())}"
      } else {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = ""
        pieces.append(.variable(String(name)))
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
  }
}

extension SourceValue {
  /// A value that is unknown for a reason.
  static func unknown(_ reason: String) -> SourceValue { SourceValue(unknown: .string(reason)) }

  /// A text, of which dynamic references are not known.
  static func text(_ text: String) -> SourceValue {
    guard text.contains("{{resolve:") else { return SourceValue(value: .string(text)) }
    let isSecret = ["secretsmanager", "ssm-secure"].contains { text.contains("{{resolve:\($0):") }
    return .unknown(isSecret ? "sensitive" : "a dynamic reference, resolved on deploy")
  }

  /// A list of what is there.
  static func list(_ items: [SourceValue]) -> SourceValue {
    let items = items.filter { !$0.isAbsent }
    let isKnown = items.allSatisfy { $0.unknown == nil }
    return SourceValue(
      value: .array(items.map { $0.value ?? .null }),
      unknown: isKnown ? nil : .array(items.map { $0.unknown ?? .null })
    )
  }

  /// An object of what is there.
  static func object(_ members: [(key: String, value: SourceValue)]) -> SourceValue {
    var values = JSONObject()
    var unknown = JSONObject()
    for (key, member) in members where !member.isAbsent {
      if member.obstacle == nil { values[key] = member.value }
      if let tree = member.unknown { unknown[key] = tree }
    }
    return SourceValue(
      value: .object(values),
      unknown: unknown.isEmpty ? nil : .object(unknown)
    )
  }

  /// The value as the text that CloudFormation makes of it; nil for lists and objects.
  var scalarText: String? {
    switch value {
    case .string(let text): text
    case .bool, .integer, .number: value?.text
    default: nil
    }
  }

  /// The value with its text turned into something else.
  func mapText(_ transform: (String) -> SourceValue) -> SourceValue {
    if firstReason != nil { return self }
    return scalarText.map(transform) ?? self
  }

  /// A list of keys and values, as tags are written, as an object; anything else as it is.
  var keysAndValues: SourceValue {
    guard obstacle == nil, let elements = value?.array else { return self }
    var members: [(key: String, value: SourceValue)] = []
    for index in elements.indices {
      let element = element(index)
      let key = element.member("Key")
      if let reason = key.firstReason { return .unknown(reason) }
      guard let name = key.scalarText else { return self }
      let value = element.member("Value")
      members.append((name, value.mapText { SourceValue(value: .string($0)) }))
    }
    return .object(members)
  }
}
