import JSON

/// Reads XML by its shape.
struct AWSXMLReader {
  let shapes: [AWSShape]

  /// The members that an element holds.
  func members(
    _ members: [AWSMember],
    in element: XMLTree
  ) throws -> AWSAnswer.Members {
    var read: AWSAnswer.Members = []
    for member in members {
      if member.isAttribute {
        guard let text = Self.attribute(member, of: element) else { continue }
        read.append((member.name, try AWSMisfit.at(member.name) { try scalar(text, member.type) }))
      } else if let elements = element.all(member.elementName(shapes)) {
        read.append((member.name, try AWSMisfit.at(member.name) { try value(elements, member) }))
      }
    }
    return read
  }

  /// The value of an attribute; the prefix of its namespace may be another than the model's.
  private static func attribute(_ member: AWSMember, of element: XMLTree) -> String? {
    func local(_ name: String) -> Substring { name.split(separator: ":").last ?? "" }
    return element.attributes.first { local($0.name) == local(member.wireName) }?.value
  }

  private func value(_ elements: [XMLTree], _ member: AWSMember) throws -> JSONValue {
    if case .shape(let place) = member.type {
      switch shapes[place] {
      case .list(let list) where member.isFlattened || list.isFlattened:
        return .array(try AWSMisfit.each(elements) { try value($0, list.member) })
      case .map(let map) where member.isFlattened || map.isFlattened:
        return try self.map(elements, map)
      default: break
      }
    }
    guard elements.count == 1 else { throw AWSMisfit("stands there \(elements.count) times") }
    return try value(elements[0], member.type)
  }

  /// The value of an element.
  func value(_ element: XMLTree, _ type: AWSType) throws -> JSONValue {
    guard case .shape(let place) = type else {
      guard element.children.isEmpty else {
        throw AWSMisfit("expected \(AWSScalar.name(type)); found elements")
      }
      return try scalar(element.text, type)
    }
    switch shapes[place] {
    case .structure(let structure):
      return .object(JSONObject(try members(structure.members, in: element)))
    case .list(let list):
      return .array(try AWSMisfit.each(element.children) { try value($0, list.member) })
    case .map(let map):
      return try self.map(element.children, map)
    }
  }

  private func map(_ entries: [XMLTree], _ map: AWSMap) throws -> JSONValue {
    let entries = try AWSMisfit.each(entries) { entry in
      guard let key = entry[map.keyWire], let inner = entry[map.valueWire] else {
        throw AWSMisfit("is no entry with <\(map.keyWire)> and <\(map.valueWire)>")
      }
      return (key: key.text, value: try value(inner, map.value))
    }
    return .object(JSONObject(entries))
  }

  /// A scalar from its text, in XML or in a header.
  func scalar(_ text: String, _ type: AWSType) throws -> JSONValue {
    switch type {
    case .string: return .string(text)
    case .blob: return .string(try AWSScalar.base64(text))
    case .timestamp: return .string(try AWSScalar.instant(.string(text), .iso8601))
    case .boolean:
      if let flag = Self.flags[text] { return .bool(flag) }
    case .integer:
      if let number = Int64(text) { return .integer(number) }
    case .float:
      if AWSScalar.isSpecial(text) { return .string(text) }
      if let number = Double(text), number.isFinite { return .number(number) }
    case .shape: break
    }
    throw AWSMisfit("expected \(AWSScalar.name(type)); found another text")
  }

  private static let flags = ["true": true, "false": false]
}
