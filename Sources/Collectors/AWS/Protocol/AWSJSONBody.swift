import JSON

/// Writes values as the JSON that services take.
struct AWSJSONBody {
  let shapes: [AWSShape]

  /// An object of the members given.
  func body(
    _ given: some Collection<(member: AWSMember, value: JSONValue)>
  ) throws -> [UInt8] {
    var members: [(key: String, value: JSONValue)] = []
    for (member, value) in given {
      members.append((member.wireName, try self.member(member, value)))
    }
    return Array(JSONValue.object(JSONObject(members)).text.utf8)
  }

  /// One value that is the whole body.
  func body(_ value: JSONValue, _ type: AWSType) throws -> [UInt8] {
    Array(try self.value(value, type).text.utf8)
  }

  private func member(_ member: AWSMember, _ value: JSONValue) throws -> JSONValue {
    try AWSMisfit.at(member.name) { try self.value(value, member.type) }
  }

  private func value(_ value: JSONValue, _ type: AWSType) throws -> JSONValue {
    guard case .shape(let place) = type else { return try scalar(value, type) }
    switch (shapes[place], value) {
    case (.structure(let structure), .object(let object)):
      var members: [(key: String, value: JSONValue)] = []
      for (key, value) in object.members where !value.isNull {
        let member = try structure.member(key)
        members.append((member.wireName, try self.member(member, value)))
      }
      return .object(JSONObject(members))
    case (.list(let list), .array(let elements)):
      return .array(
        try AWSMisfit.each(elements) { $0.isNull ? .null : try self.value($0, list.member) }
      )
    case (.map(let map), .object(let object)):
      var members: [(key: String, value: JSONValue)] = []
      for (key, value) in object.members {
        members.append((key, try AWSMisfit.at(key) { try entry(value, map) }))
      }
      return .object(JSONObject(members))
    default: throw AWSMisfit("expected another kind of value; found \(AWSScalar.name(value))")
    }
  }

  private func entry(_ value: JSONValue, _ map: AWSMap) throws -> JSONValue {
    value.isNull ? .null : try self.value(value, map.value)
  }

  /// Numbers and booleans stay what they are; instants are numbers unless the model says otherwise.
  private func scalar(_ value: JSONValue, _ type: AWSType) throws -> JSONValue {
    let text = try AWSScalar.text(value, type, .unixTimestamp)
    switch type {
    case .integer, .float, .boolean: return value
    case .timestamp(nil), .timestamp(.unixTimestamp):
      return AWSTimestamp.seconds(value).map { .number($0) } ?? .null
    default: return .string(text)
    }
  }
}
