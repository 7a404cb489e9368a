import Foundation
import JSON
import Model

/// What a provider makes of the arguments of a resource type that are not written.
///
/// Terraform learns this from the provider's schema, which no source holds; `arguments.json` has what
/// mappings read.
package struct ArgumentFacts: Sendable {
  /// One argument, or the blocks of a type.
  struct Argument: Sendable {
    /// Whether the provider decides when it is not written.
    var isComputed = false
    /// The value that the provider takes when it is not written.
    var defaultValue: JSONValue?
    /// The type of the value, where it is a single one or a map of texts.
    var type: String?
    /// The arguments of blocks; nil for an attribute.
    var block: ArgumentFacts?
  }

  private(set) var members: [String: Argument]

  /// Of a type about which nothing is known.
  static let empty = ArgumentFacts(members: [:])

  /// The argument as plans tell of it when it is not written.
  func unwritten(_ name: String) -> SourceValue {
    guard let argument = members[name] else {
      return SourceValue(unknown: "not written; what the provider takes then is not known here")
    }
    if argument.isComputed { return SourceValue(unknown: true) }
    if let value = argument.defaultValue { return SourceValue(value: value) }
    return SourceValue(value: argument.block == nil ? nil : [])
  }

  /// The facts with arguments that mean nothing when they are not written.
  func omitting(_ names: [String], onlyUnknown: Bool) -> ArgumentFacts {
    var result = self
    for name in names where !onlyUnknown || unwritten(name).obstacle != nil {
      result.members[name] = Argument(block: nil)
    }
    return result
  }

  /// The value as the argument's type has it, so that `"80"` is a number where one is expected.
  func convert(_ value: JSONValue?, _ name: String) -> JSONValue? {
    guard let value, let type = members[name]?.type else { return value }
    return Self.convert(value, type)
  }

  private static func convert(_ value: JSONValue, _ type: String) -> JSONValue {
    switch (type, value) {
    case ("number", .string(let text)):
      return Int64(text).map { .integer($0) } ?? Double(text).map { .number($0) } ?? value
    case ("bool", "true"): return true
    case ("bool", "false"): return false
    case ("string", .integer), ("string", .number), ("string", .bool): return .string(value.text)
    case ("map", .object(let object)):
      return .object(JSONObject(object.members.map { ($0.key, convert($0.value, "string")) }))
    default: return value
    }
  }
}

extension ArgumentFacts {
  /// The facts by resource type.
  package struct Catalogue: Sendable {
    private let types: [String: ArgumentFacts]

    /// The facts that ship with the collectors.
    package static func shipped() throws -> Catalogue {
      guard let url = Bundle.module.url(forResource: "arguments", withExtension: "json") else {
        throw FileError.unreadable("arguments.json", reason: "is missing from the installation")
      }
      return Catalogue(try JSONParser().parse(Data(contentsOf: url)))
    }

    /// Reads `{type: {argument: "" | fact}}`, of which a fact has `computed`, `default`, `type`, `block`.
    init(_ json: JSONValue) {
      types = Dictionary(
        (json.object?.members ?? []).map { ($0.key, ArgumentFacts($0.value)) }
      ) { first, _ in first }
    }

    subscript(type: String) -> ArgumentFacts? { types[type] }
  }

  private init(_ json: JSONValue) {
    members = Dictionary(
      (json.object?.members ?? []).map { name, fact in
        (
          name,
          Argument(
            isComputed: fact["computed"]?.bool == true,
            defaultValue: fact["default"],
            type: fact["type"]?.string,
            block: fact["block"].map { ArgumentFacts($0) }
          )
        )
      }
    ) { first, _ in first }
  }
}
