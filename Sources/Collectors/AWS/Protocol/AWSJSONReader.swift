import JSON

/// Reads JSON by its shape.
struct AWSJSONReader {
  let shapes: [AWSShape]

  /// The members that are there and not null.
  func members(
    _ members: [AWSMember],
    in object: JSONObject
  ) throws -> AWSAnswer.Members {
    var read: AWSAnswer.Members = []
    for member in members {
      guard let value = object[member.wireName], !value.isNull else { continue }
      read.append(
        (member.name, try AWSMisfit.at(member.name) { try self.value(value, member.type) })
      )
    }
    return read
  }

  /// A value of a type.
  func value(_ value: JSONValue, _ type: AWSType) throws -> JSONValue {
    guard case .shape(let place) = type else { return try scalar(value, type) }
    switch (shapes[place], value) {
    case (.structure(let structure), .object(let object)):
      return .object(JSONObject(try members(structure.members, in: object)))
    case (.list(let list), .array(let elements)):
      return .array(try AWSMisfit.each(elements) { try element($0, list.member) })
    case (.map(let map), .object(let object)):
      var entries: AWSAnswer.Members = []
      for (key, value) in object.members {
        entries.append((key, try AWSMisfit.at(key) { try element(value, map.value) }))
      }
      return .object(JSONObject(entries))
    case (.list, _): throw AWSMisfit("expected a list; found \(AWSScalar.name(value))")
    default: throw AWSMisfit("expected an object; found \(AWSScalar.name(value))")
    }
  }

  /// An element of a list or map, which may be null.
  private func element(_ value: JSONValue, _ type: AWSType) throws -> JSONValue {
    value.isNull ? .null : try self.value(value, type)
  }

  private func scalar(_ value: JSONValue, _ type: AWSType) throws -> JSONValue {
    switch (type, value) {
    case (.string, .string), (.boolean, .bool), (.integer, .integer), (.float, .integer),
      (.float, .number):
      return value
    case (.integer, .number(let number)) where number == number.rounded(): return value
    case (.float, .string(let text)) where AWSScalar.isSpecial(text): return value
    case (.blob, .string(let text)): return .string(try AWSScalar.base64(text))
    case (.timestamp, .string), (.timestamp, .integer), (.timestamp, .number):
      return .string(try AWSScalar.instant(value, .iso8601))
    default:
      throw AWSMisfit("expected \(AWSScalar.name(type)); found \(AWSScalar.name(value))")
    }
  }
}
