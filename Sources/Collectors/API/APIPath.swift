import JSON

/// A dotted path into an output; lists on the way are flattened, `@` is the whole.
struct APIPath: Sendable, CustomStringConvertible {
  let steps: [String]

  init(_ text: String) { steps = text == "@" ? [] : text.split(separator: ".").map(String.init) }

  /// The path as it is written.
  var description: String { steps.isEmpty ? "@" : steps.joined(separator: ".") }

  /// Every value at the path; null and absent ones are left out.
  func values(in value: JSONValue) -> [JSONValue] {
    var found = [value]
    for step in steps {
      found = found.flatMap { value -> [JSONValue] in
        if let elements = value.array { return elements.compactMap { $0[step] } }
        return value[step].map { [$0] } ?? []
      }
    }
    return found.filter { !$0.isNull }
  }

  /// The value at the path; nil where there is none.
  func value(in value: JSONValue) -> JSONValue? { values(in: value).first }

  /// The elements at the path: those of a list, else the value itself.
  func elements(in value: JSONValue) -> [JSONValue] {
    values(in: value).flatMap { $0.array ?? [$0] }
  }

  /// An object in which a value stands at the path.
  func object(holding value: JSONValue) -> JSONValue {
    steps.reversed().reduce(value) { inner, step in .object([step: inner]) }
  }

  /// The value without what is at the path.
  func removing(from value: JSONValue) -> JSONValue {
    guard let last = steps.last else { return .null }
    return Self.changing(value, steps.dropLast()) { value in
      guard case .object(var object) = value else { return value }
      object[last] = nil
      return .object(object)
    }
  }

  /// The value with what is at the path changed.
  func changing(_ value: JSONValue, by change: (JSONValue) throws -> JSONValue) rethrows
    -> JSONValue
  {
    try Self.changing(value, steps[...], change)
  }

  private static func changing(
    _ value: JSONValue,
    _ steps: ArraySlice<String>,
    _ change: (JSONValue) throws -> JSONValue
  ) rethrows -> JSONValue {
    guard let step = steps.first else { return try change(value) }
    switch value {
    case .array(let elements):
      return .array(try elements.map { try changing($0, steps, change) })
    case .object(var object):
      if let inner = object[step] {
        object[step] = try changing(inner, steps.dropFirst(), change)
      }
      return .object(object)
    default: return value
    }
  }
}

/// A text in which `$Name` stands for a member of the item or of the context.
///
/// `${Name:3}` is part 3, from 0, of the member's text split at colons, `${Name/3}` at slashes.
struct APITemplate: Sendable {
  private enum Part: Sendable {
    case text(String)
    case member(APIPath)
    case piece(APIPath, separator: Character, index: Int)
  }

  private var parts: [Part] = []

  /// The members that it names.
  var paths: [APIPath] {
    parts.compactMap { part in
      switch part {
      case .text: nil
      case .member(let path), .piece(let path, _, _): path
      }
    }
  }

  init(_ text: String) {
    var literal = ""
    var rest = text[...]
    while let first = rest.popFirst() {
      guard first == "$" else {
        literal.append(first)
        continue
      }
      if !literal.isEmpty { parts.append(.text(literal)) }
      literal = ""
      if rest.first == "{", let end = rest.firstIndex(of: "}") {
        parts.append(Self.piece(rest[..<end].dropFirst()))
        rest = rest[end...].dropFirst()
      } else {
        var name = rest.prefix { $0.isLetter || $0.isNumber || "._@".contains($0) }
        while name.last == "." { name.removeLast() }
        parts.append(.member(APIPath(String(name))))
        rest = rest[name.endIndex...]
      }
    }
    if !literal.isEmpty { parts.append(.text(literal)) }
  }

  private static func piece(_ text: Substring) -> Part {
    guard let mark = text.lastIndex(where: { $0 == ":" || $0 == "/" }),
      let index = Int(text[mark...].dropFirst())
    else { return .member(APIPath(String(text))) }
    return .piece(APIPath(String(text[..<mark])), separator: text[mark], index: index)
  }

  /// A template of a text that may be a plain path, as `id: Arn` is.
  init(path text: String) {
    self.init(text)
    if !text.contains("$") { parts = [.member(APIPath(text))] }
  }

  /// The text for an item; nil where a member that it names is absent.
  func text(_ item: JSONValue, _ context: APIContext) -> String? {
    var text = ""
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .member(let path):
        guard let member = context.value(path, item)?.asText else { return nil }
        text += member
      case .piece(let path, let separator, let index):
        guard let member = context.value(path, item)?.asText else { return nil }
        let pieces = member.split(separator: separator, omittingEmptySubsequences: false)
        guard pieces.indices.contains(index) else { return nil }
        text += pieces[index]
      }
    }
    return text
  }

  /// The value for an item: a member as it is where nothing stands around it.
  func value(_ item: JSONValue, _ context: APIContext) -> JSONValue? {
    if parts.count == 1, case .member(let path) = parts[0] { return context.value(path, item) }
    return text(item, context).map { .string($0) }
  }
}

/// Where calls are made, and whom they are about: what `$account`, `$region`, `$place`, `$partition`,
/// `$parent` and `$resource` stand for.
struct APIContext: Sendable {
  var provider: String
  var account: String
  var region: String
  var partition: String
  var resourceID = ""
  var tags: [(key: String, value: String)] = []
  /// What the provider calls the service's endpoint in the region, where it has a name.
  var place: String?
  /// The region whose list is read, wherever its items lie.
  var listed = ""
  /// The element that the list is asked for, and what tells it from others.
  var parent = JSONValue.null
  var parentID = ""

  /// What a path stands for: of the context, else the member of the item.
  func value(_ path: APIPath, _ item: JSONValue) -> JSONValue? {
    switch path.steps {
    case ["account"]: .string(account)
    case ["region"]: .string(region)
    case ["partition"]: .string(partition)
    case ["place"]: place.map { .string($0) }
    case let steps where steps.first == "parent":
      APIPath(steps.dropFirst().joined(separator: ".")).value(in: parent)
    case ["resource", "id"]: .string(resourceID)
    case let steps where steps.count == 3 && steps[..<2] == ["resource", "tags"]:
      tags.first { $0.key == steps[2] }.map { .string($0.value) }
    default: path.value(in: item)
    }
  }

  /// What a call is given, with every `$Name` replaced; nil where the item lacks one.
  func fill(_ input: JSONValue, _ item: JSONValue) -> JSONValue? {
    switch input {
    case .string(let text) where text.contains("$"): return APITemplate(text).value(item, self)
    case .array(let elements):
      var filled: [JSONValue] = []
      for element in elements {
        guard let value = fill(element, item) else { return nil }
        filled.append(value)
      }
      return .array(filled)
    case .object(let object):
      var filled: [(key: String, value: JSONValue)] = []
      for (key, value) in object.members {
        guard let value = fill(value, item) else { return nil }
        filled.append((key, value))
      }
      return .object(JSONObject(filled))
    default: return input
    }
  }
}

extension JSONValue {
  /// A scalar as text; nil for lists, objects and null.
  var asText: String? {
    switch self {
    case .string(let text): text
    case .null, .array, .object: nil
    default: text
    }
  }
}
