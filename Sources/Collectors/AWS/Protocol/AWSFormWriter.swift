import JSON

/// Writes the forms of the protocols `query` and `ec2`.
struct AWSFormWriter {
  private let service: AWSService
  private var pairs: [String] = []

  /// The body of an operation's request.
  static func body(
    _ operation: AWSOperation,
    _ service: AWSService,
    _ input: AWSInput
  ) throws -> [UInt8] {
    var writer = AWSFormWriter(service: service)
    writer.add("Action", operation.name)
    writer.add("Version", service.apiVersion)
    for (member, value) in input.given { try writer.member(member, value, below: "") }
    return Array(writer.pairs.joined(separator: "&").utf8)
  }

  private init(service: AWSService) { self.service = service }

  private mutating func add(_ name: String, _ text: String) {
    let encoded = [name, text].map { PercentEncoding.encoded(Array($0.utf8)) }
    pairs.append(encoded.joined(separator: "="))
  }

  private var isEC2: Bool { service.wireProtocol == .ec2 }

  private mutating func member(
    _ member: AWSMember,
    _ value: JSONValue,
    below prefix: String
  ) throws {
    let name = prefix + wireName(member)
    try AWSMisfit.at(member.name) {
      try self.value(value, member.type, name, isFlattened: member.isFlattened)
    }
  }

  private func wireName(_ member: AWSMember) -> String {
    guard isEC2 else { return member.elementName(service.shapes) }
    // Answers of EC2 begin names with a small letter, requests with a capital.
    return member.queryName
      ?? member.wireName.prefix(1).uppercased() + member.wireName.dropFirst()
  }

  private mutating func value(
    _ value: JSONValue,
    _ type: AWSType,
    _ name: String,
    isFlattened: Bool = false
  ) throws {
    guard case .shape(let place) = type else {
      return add(name, try AWSScalar.text(value, type, .iso8601))
    }
    switch (service.shapes[place], value) {
    case (.structure(let structure), .object(let object)):
      try self.structure(structure, object, name)
    case (.list(let list), .array(let elements)):
      try self.list(list, elements, name, isFlattened: isFlattened || list.isFlattened)
    case (.map(let map), .object(let object)):
      try self.map(map, object, name, isFlattened: isFlattened || map.isFlattened)
    default: throw AWSMisfit("expected another kind of value; found \(AWSScalar.name(value))")
    }
  }

  private mutating func structure(
    _ structure: AWSStructure,
    _ object: JSONObject,
    _ name: String
  ) throws {
    for (key, value) in object.members where !value.isNull {
      try member(try structure.member(key), value, below: "\(name).")
    }
  }

  private mutating func list(
    _ list: AWSList,
    _ elements: [JSONValue],
    _ name: String,
    isFlattened: Bool
  ) throws {
    if elements.isEmpty, !isEC2 { return add(name, "") }
    let prefix = isEC2 || isFlattened ? name : "\(name).\(list.memberWire ?? "member")"
    for (index, element) in elements.enumerated() {
      try AWSMisfit.at("[\(index)]") { try value(element, list.member, "\(prefix).\(index + 1)") }
    }
  }

  private mutating func map(
    _ map: AWSMap,
    _ object: JSONObject,
    _ name: String,
    isFlattened: Bool
  ) throws {
    let prefix = isFlattened ? name : "\(name).entry"
    for (index, entry) in object.members.enumerated() {
      add("\(prefix).\(index + 1).\(map.keyWire)", entry.key)
      try AWSMisfit.at(entry.key) {
        try value(entry.value, map.value, "\(prefix).\(index + 1).\(map.valueWire)")
      }
    }
  }
}

extension AWSStructure {
  /// The member with a name.
  ///
  /// - Throws: ``AWSMisfit`` where there is none.
  func member(_ name: String) throws -> AWSMember {
    guard let member = members.first(where: { $0.name == name }) else {
      throw AWSMisfit("is not a member of \(self.name)").inside(name)
    }
    return member
  }
}
