import Foundation
package import JSON
import Model

/// Checks values against schemas: the part of JSON Schema 2020-12 that the API's description uses.
package struct Schema: Sendable {
  /// What is wrong with a value, and where.
  package struct Fault: Sendable, Equatable {
    /// A JSON pointer (RFC 6901) to the value at fault.
    package var pointer: String
    package var detail: String
  }

  /// What each reference of the document stands for.
  private let references: [String: JSONValue]

  /// A checker that finds what is referred to in a document.
  package init(_ document: JSONValue) {
    var names: Set<String> = []
    Self.collect(document, &names)
    references = Dictionary(
      uniqueKeysWithValues: names.map { ($0, Self.resolved(["$ref": .string($0)], document)) }
    )
  }

  private static func collect(_ value: JSONValue, _ names: inout Set<String>) {
    if let reference = value["$ref"]?.string { names.insert(reference) }
    for element in value.array ?? [] { collect(element, &names) }
    for member in value.object?.members ?? [] { collect(member.value, &names) }
  }

  private static let keywords: Set<String> = [
    "$ref", "type", "enum", "const", "description", "default", "examples", "format", "minimum",
    "maximum", "minLength", "maxLength", "pattern", "x-pattern", "items", "minItems", "maxItems",
    "properties",
    "required", "additionalProperties", "maxProperties", "minProperties", "title", "anyOf",
    "propertyNames",
  ]

  /// The first keyword that would not be checked; nil where a schema is understood as a whole.
  package static func fault(_ schema: JSONValue) -> String? {
    guard let object = schema.object else { return schema.bool == nil ? "no schema" : nil }
    if let other = object.members.first(where: { !keywords.contains($0.key) }) {
      return "\(other.key) is no keyword that is checked"
    }
    if let pattern = object["pattern"]?.string, (try? Regex(pattern)) == nil {
      return "\(pattern) is no pattern"
    }
    let parts =
      (object["properties"]?.object?.members.map(\.value) ?? [])
      + [object["items"], object["propertyNames"]].compactMap { $0 }
      + (object["anyOf"]?.array ?? [])
      + [object["additionalProperties"]].compactMap { $0 }
    return parts.lazy.compactMap(fault).first
  }

  /// What a reference stands for, or the value itself.
  package static func resolved(_ value: JSONValue, _ document: JSONValue) -> JSONValue {
    guard let reference = value["$ref"]?.string else { return value }
    var found: JSONValue? = document
    for part in reference.dropFirst(2).split(separator: "/") { found = found?[String(part)] }
    return found ?? false
  }

  /// Everything that is wrong with a value; empty where it is as the schema says.
  package func faults(_ value: JSONValue, _ schema: JSONValue, at pointer: String = "") -> [Fault] {
    let schema = schema["$ref"]?.string.map { references[$0] ?? false } ?? schema
    guard let rules = schema.object else {
      return schema.bool == true ? [] : [Fault(pointer: pointer, detail: "is not expected here")]
    }
    func fault(_ detail: String) -> [Fault] { [Fault(pointer: pointer, detail: detail)] }
    if let type = rules["type"] {
      let types = type.array?.compactMap(\.string) ?? [type.string ?? ""]
      guard types.contains(where: { Self.isOf($0, value) }) else {
        return fault("must be \(types.joined(separator: " or ")), not \(Self.kind(value))")
      }
    }
    if let allowed = rules["enum"]?.array, !allowed.contains(value) {
      return fault("must be one of \(allowed.map { $0.string ?? $0.text }.joined(separator: ", "))")
    }
    if let constant = rules["const"], value != constant { return fault("must be \(constant.text)") }
    if let choices = rules["anyOf"]?.array {
      let tried = choices.map { faults(value, $0, at: pointer) }
      if !tried.contains(where: \.isEmpty) { return tried.min { $0.count < $1.count } ?? [] }
    }
    return switch value {
    case .string(let text): Self.faults(text, rules).flatMap(fault)
    case .integer, .number: Self.faults(value.double ?? 0, rules).flatMap(fault)
    case .array(let elements): faults(elements, rules, at: pointer)
    case .object(let object): faults(object, rules, at: pointer)
    default: []
    }
  }

  /// A value to be filled in, in the form that a schema asks for: members that are required or given, texts by
  /// the names of their members.
  func sketch(_ schema: JSONValue, _ name: String = "", given: [String: String] = [:]) -> JSONValue
  {
    let rules = schema["$ref"]?.string.map { references[$0] ?? false } ?? schema
    if let value = rules["const"] ?? rules["enum"]?.array?.first { return value }
    if let choice = rules["anyOf"]?.array?.first { return sketch(choice, name) }
    switch rules["type"]?.array?.first?.string ?? rules["type"]?.string ?? "" {
    case "object":
      let known = rules["properties"]?.object ?? [:]
      var asked = rules["required"]?.array?.compactMap(\.string) ?? known.members.map(\.key)
      asked += known.members.map(\.key).filter { given[$0] != nil && !asked.contains($0) }
      let members = asked.map { name in
        (name, given[name].map { .string($0) } ?? sketch(known[name] ?? true, name))
      }
      return .object(JSONObject(members))
    case "array": return .array(rules["items"].map { [sketch($0, name)] } ?? [])
    case "integer", "number": return rules["minimum"] ?? 1
    case "boolean": return true
    default: return .string(name.uppercased())
    }
  }

  private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
    switch (type, value) {
    case ("integer", .integer), ("number", .integer), ("number", .number), ("string", .string),
      ("boolean", .bool), ("array", .array), ("object", .object), ("null", .null):
      true
    default: false
    }
  }

  private static func kind(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }

  private static func faults(_ text: String, _ rules: JSONObject) -> [String] {
    var found: [String] = []
    let length = text.unicodeScalars.count
    if let least = rules["minLength"]?.whole, length < least {
      found.append(least == 1 ? "must not be empty" : "must have \(least) characters at least")
    }
    if let most = rules["maxLength"]?.whole, length > most {
      found.append("must have \(most) characters at most, and has \(length)")
    }
    if let pattern = rules["pattern"]?.string, let regex = try? Regex(pattern),
      text.firstMatch(of: regex) == nil
    {
      // Of an empty text it is enough to say that.
      if found.isEmpty { found.append(rules["x-pattern"]?.string ?? "must match \(pattern)") }
    }
    if rules["format"]?.string == "date-time", text.count < 11 || Instant(text) == nil {
      found.append("must be an instant such as 2026-11-21T08:00:00Z")
    }
    if text.unicodeScalars.contains("\0") { found.append("must not hold the character U+0000") }
    return found
  }

  private static func faults(_ number: Double, _ rules: JSONObject) -> [String] {
    if let least = rules["minimum"]?.double, number < least {
      return ["must be \(rules["minimum"]?.text ?? "") at least"]
    }
    if let most = rules["maximum"]?.double, number > most {
      return ["must be \(rules["maximum"]?.text ?? "") at most"]
    }
    return []
  }

  private func faults(_ elements: [JSONValue], _ rules: JSONObject, at pointer: String) -> [Fault] {
    if let least = rules["minItems"]?.whole, elements.count < least {
      return [Fault(pointer: pointer, detail: "must have \(least) elements at least")]
    }
    if let most = rules["maxItems"]?.whole, elements.count > most {
      return [Fault(pointer: pointer, detail: "must have \(most) elements at most")]
    }
    guard let items = rules["items"] else { return [] }
    return elements.enumerated().flatMap { faults($1, items, at: "\(pointer)/\($0)") }
  }

  /// A name as a step of a JSON pointer (RFC 6901); few have what must be written otherwise.
  private static func escaped(_ name: String) -> String {
    name.utf8.contains { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }
      ? name.replacing("~", with: "~0").replacing("/", with: "~1") : name
  }

  private func faults(_ object: JSONObject, _ rules: JSONObject, at pointer: String) -> [Fault] {
    var found: [Fault] = []
    let known = rules["properties"]?.object
    for name in rules["required"]?.array?.compactMap(\.string) ?? [] where object[name] == nil {
      found.append(Fault(pointer: "\(pointer)/\(name)", detail: "is missing"))
    }
    if let most = rules["maxProperties"]?.whole, object.members.count > most {
      found.append(Fault(pointer: pointer, detail: "must have \(most) members at most"))
    }
    if let least = rules["minProperties"]?.whole, object.members.count < least {
      found.append(Fault(pointer: pointer, detail: "must have \(least) members at least"))
    }
    let (names, others) = (rules["propertyNames"], rules["additionalProperties"])
    guard known != nil || names != nil || others != nil else { return found }
    for (name, value) in object.members {
      let schema = known?[name] ?? others
      guard schema != nil || names != nil else { continue }
      let place = "\(pointer)/\(Self.escaped(name))"
      if let names { found += faults(.string(name), names, at: place) }
      if let schema { found += faults(value, schema, at: place) }
    }
    return found
  }
}
