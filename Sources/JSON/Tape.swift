package import CSimdjson

/// A view of one parsed document: simdjson's tape and string buffer, borrowed from the parser.
///
/// The accessors stand in CSimdjson's header. Format:
/// <https://github.com/simdjson/simdjson/blob/master/doc/tape.md>.
package typealias Tape = CSimdjson.Tape

/// What stands at a place of a tape.
package typealias TapeKind = CSimdjson.TapeKind

extension Tape {
  /// Where the document's value stands.
  package var root: Int { 1 }

  /// The text of the string at a place.
  package func string(_ place: Int) -> String {
    unsafe String(
      decoding: UnsafeBufferPointer(start: textStart(place), count: textLength(place)),
      as: UTF8.self
    )
  }

  /// Copies the value at a place.
  ///
  /// - Throws: ``JSONError/duplicateKey(_:)`` for an object that names a member twice.
  package func value(_ place: Int) throws(JSONError) -> JSONValue {
    switch unsafe kind(place) {
    case .null: return .null
    case .yes: return .bool(true)
    case .no: return .bool(false)
    case .int64: return unsafe .integer(int64(place))
    case .uint64, .double: return unsafe .number(double(place))
    case .string: return unsafe .string(string(place))
    case .array:
      var elements: [JSONValue] = []
      var index = place + 1
      let end = unsafe end(place)
      while index < end {
        elements.append(unsafe try value(index))
        index = unsafe next(index)
      }
      return .array(elements)
    default: return unsafe .object(try object(place))
    }
  }

  private func object(_ place: Int) throws(JSONError) -> JSONObject {
    var members: [(key: String, value: JSONValue)] = []
    var index = place + 1
    let end = unsafe end(place)
    while index < end {
      members.append((unsafe string(index), unsafe try value(index + 1)))
      index = unsafe next(index + 1)
    }
    // A set pays only for large objects; small ones are quicker to compare outright.
    if members.count > 16 {
      var seen = Set<String>(minimumCapacity: members.count)
      for (key, _) in members where !seen.insert(key).inserted { throw .duplicateKey(key) }
    } else {
      for (position, member) in members.enumerated() {
        for earlier in members[..<position] where earlier.key == member.key {
          throw .duplicateKey(member.key)
        }
      }
    }
    return JSONObject(unique: members)
  }
}
