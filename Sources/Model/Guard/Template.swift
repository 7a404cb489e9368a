package import JSON

/// Customised defaults, which a resource takes before it is created for what the request leaves out.
package struct Template: Sendable, Hashable {
  /// A property and the value that it takes.
  package struct Default: Sendable, Hashable {
    package var property: PropertyPath
    package var value: JSONValue

    package init(property: PropertyPath, value: JSONValue) {
      (self.property, self.value) = (property, value)
    }
  }

  package var id: String
  package var title: String
  package var version: Int
  package var kinds: [ResourceKind]
  /// Conditions on target attributes, all of which must hold.
  package var attributes: [Condition.Leaf]
  package var defaults: [Default]
  package var source: SourceLocation

  /// Decodes a template; a document that states no id takes the name given.
  ///
  /// The keys of the reference product's templates, such as `customized_defaults`, are understood too.
  package init(_ node: DocumentNode, name: String) throws(DocumentError) {
    var reader = try DocumentReader(node)
    for ignored in ConfigRuleDocument.audit { _ = reader.node(ignored) }
    let given = try reader.text("name")
    id = try reader.text("id") ?? name
    guard !id.isEmpty,
      id.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || ".-_".contains($0)) })
    else { throw reader.error("id", "expected letters, digits, dots and dashes") }
    let description = try reader.text("description")
    title = try reader.text("title") ?? given ?? description ?? id
    version = try reader.integer("version") ?? 1
    let target = try RuleDecoder.target(&reader, ConditionDecoder())
    (kinds, attributes) = (target.kinds, target.attributes)
    let key = reader.keys.contains("customized_defaults") ? "customized_defaults" : "defaults"
    _ = try reader.requiredNode(key)
    defaults = []
    for (index, node) in try reader.list(key).enumerated() {
      var inner = try DocumentReader(node, path: "\(key)[\(index)]")
      let text = try inner.requiredText("property")
      guard let path = PropertyPath(text), path.root == .current, path.components.last != .each
      else {
        throw inner.error("property", "\"\(text)\" is no path such as a.b or a[*].b")
      }
      if defaults.contains(where: { $0.property == path }) {
        throw inner.error("property", "\"\(text)\" stands twice")
      }
      let value = try inner.requiredNode("value").json
      if value.isNull { throw inner.error("value", "expected a value") }
      defaults.append(Default(property: path, value: value))
      try inner.finish()
    }
    if defaults.isEmpty { throw reader.error(key, "expected at least one property") }
    source = node.location
    try reader.finish()
  }

  /// The template as a document that ``init(_:name:)`` reads back.
  package var document: JSONValue {
    [
      "id": .string(id), "version": .integer(Int64(version)), "title": .string(title),
      "target": Rule.Target(kinds: kinds, attributes: attributes).document,
      "defaults": .array(
        defaults.map { ["property": .string("\($0.property)"), "value": $0.value] }
      ),
    ]
  }

  /// A member that a default adds: where, as a JSON pointer, and what.
  package struct Addition: Sendable, Hashable {
    package var pointer: String
    package var value: JSONValue
    /// The property of the template, and its template.
    package var property: String
    package var template: String

    package init(pointer: String, value: JSONValue, property: String, template: String) {
      (self.pointer, self.value) = (pointer, value)
      (self.property, self.template) = (property, template)
    }
  }

  /// Puts the defaults into a configuration where it says nothing, and notes what was added.
  package func complete(_ configuration: inout JSONValue, _ additions: inout [Addition]) {
    for value in defaults {
      complete(&configuration, value, value.property.components[...], "", &additions)
    }
  }

  private func complete(
    _ node: inout JSONValue,
    _ one: Default,
    _ rest: ArraySlice<PropertyPath.Component>,
    _ pointer: String,
    _ additions: inout [Addition]
  ) {
    guard let step = rest.first else { return }
    switch (step, node) {
    case (.key(let key), .object(var object)):
      let place = "\(pointer)/\(Self.escaped(key))"
      if var inner = object[key], !inner.isNull {
        complete(&inner, one, rest.dropFirst(), place, &additions)
        object[key] = inner
      } else if let value = Self.value(one.value, below: rest.dropFirst()) {
        object[key] = value
        additions.append(
          Addition(pointer: place, value: value, property: "\(one.property)", template: id)
        )
      }
      node = .object(object)
    case (.index(let index), .array(var items)) where index < items.count:
      complete(&items[index], one, rest.dropFirst(), "\(pointer)/\(index)", &additions)
      node = .array(items)
    case (.each, .array(var items)):
      for index in items.indices {
        complete(&items[index], one, rest.dropFirst(), "\(pointer)/\(index)", &additions)
      }
      node = .array(items)
    default: break
    }
  }

  /// The value with the objects around it that are missing; nil where a list would have to be made.
  private static func value(
    _ value: JSONValue,
    below rest: ArraySlice<PropertyPath.Component>
  ) -> JSONValue? {
    guard let step = rest.last else { return value }
    guard case .key(let key) = step else { return nil }
    return self.value(.object(JSONObject([(key: key, value: value)])), below: rest.dropLast())
  }

  /// A key as a part of a JSON pointer (RFC 6901).
  private static func escaped(_ key: String) -> String {
    key.replacing("~", with: "~0").replacing("/", with: "~1")
  }
}
