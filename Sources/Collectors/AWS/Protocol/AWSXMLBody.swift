import JSON

/// Writes values as XML.
///
/// The facts hold no namespaces: operations that only read have no such bodies.
struct AWSXMLBody {
  private let shapes: [AWSShape]
  private var text = ""

  /// A structure that is the whole body.
  static func body(
    _ value: JSONValue,
    _ type: AWSType,
    root: String?,
    _ shapes: [AWSShape]
  ) throws -> [UInt8] {
    var writer = AWSXMLBody(shapes: shapes)
    var name = root ?? ""
    if root == nil, case .shape(let place) = type, case .structure(let shape) = shapes[place] {
      name = shape.localName
    }
    try writer.value(value, type, name)
    return Array(writer.text.utf8)
  }

  /// An element of the members given.
  static func body(
    _ given: [(member: AWSMember, value: JSONValue)],
    root: String,
    _ shapes: [AWSShape]
  ) throws -> [UInt8] {
    var writer = AWSXMLBody(shapes: shapes)
    try writer.structure(given, root)
    return Array(writer.text.utf8)
  }

  private init(shapes: [AWSShape]) { self.shapes = shapes }

  private mutating func value(
    _ value: JSONValue,
    _ type: AWSType,
    _ name: String,
    isFlattened: Bool = false
  ) throws {
    guard case .shape(let place) = type else {
      let text = try AWSScalar.text(value, type, .iso8601)
      return element(name) { $0.text += Self.escaped(text) }
    }
    switch (shapes[place], value) {
    case (.structure(let structure), .object(let object)):
      var given: [(member: AWSMember, value: JSONValue)] = []
      for (key, value) in object.members where !value.isNull {
        given.append((try structure.member(key), value))
      }
      try self.structure(given, name)
    case (.list(let list), .array(let elements)):
      try self.list(list, elements, name, isFlattened: isFlattened || list.isFlattened)
    case (.map(let map), .object(let object)):
      try self.map(map, object, name, isFlattened: isFlattened || map.isFlattened)
    default: throw AWSMisfit("expected another kind of value; found \(AWSScalar.name(value))")
    }
  }

  private mutating func structure(
    _ given: [(member: AWSMember, value: JSONValue)],
    _ name: String
  ) throws {
    var attributes = ""
    for (member, value) in given where member.isAttribute {
      let text = try AWSMisfit.at(member.name) {
        try AWSScalar.text(value, member.type, .iso8601)
      }
      attributes += " \(member.wireName)=\"\(Self.escaped(text))\""
    }
    try element(name, attributes) { writer in
      for (member, value) in given where !member.isAttribute {
        try AWSMisfit.at(member.name) {
          try writer.value(
            value,
            member.type,
            member.elementName(writer.shapes),
            isFlattened: member.isFlattened
          )
        }
      }
    }
  }

  private mutating func list(
    _ list: AWSList,
    _ elements: [JSONValue],
    _ name: String,
    isFlattened: Bool
  ) throws {
    if isFlattened {
      for element in elements { try value(element, list.member, name) }
      return
    }
    try element(name) { writer in
      for element in elements {
        try writer.value(element, list.member, list.memberWire ?? "member")
      }
    }
  }

  private mutating func map(
    _ map: AWSMap,
    _ object: JSONObject,
    _ name: String,
    isFlattened: Bool
  ) throws {
    guard isFlattened else {
      return try element(name) { writer in
        try writer.map(map, object, "entry", isFlattened: true)
      }
    }
    for (key, value) in object.members {
      try element(name) { writer in
        writer.element(map.keyWire) { $0.text += Self.escaped(key) }
        try writer.value(value, map.value, map.valueWire)
      }
    }
  }

  private mutating func element(
    _ name: String,
    _ attributes: String = "",
    _ content: (inout Self) throws -> Void
  ) rethrows {
    text += "<\(name)\(attributes)>"
    try content(&self)
    text += "</\(name)>"
  }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "\n", "\r", "\u{85}", "\u{2028}": escaped += "&#x\(String(scalar.value, radix: 16));"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
