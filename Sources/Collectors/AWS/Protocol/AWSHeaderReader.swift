import HTTP
import JSON

/// Reads the members of an answer that are not in its body.
struct AWSHeaderReader {
  let response: HTTPResponse
  let shapes: [AWSShape]

  func members(of structure: AWSStructure) throws -> AWSAnswer.Members {
    var members: AWSAnswer.Members = []
    for member in structure.members {
      guard let value = try AWSMisfit.at(member.name, { try value(member) }) else { continue }
      members.append((member.name, value))
    }
    return members
  }

  private func value(_ member: AWSMember) throws -> JSONValue? {
    switch member.location {
    case .statusCode: return .integer(Int64(response.status))
    case .headers: return prefixed(member.wire ?? "")
    case .header:
      guard let text = response[header: member.wireName] else { return nil }
      return try value(text, member.type)
    default: return nil
    }
  }

  private func value(_ text: String, _ type: AWSType) throws -> JSONValue {
    let reader = AWSXMLReader(shapes: shapes)
    guard case .shape(let place) = type else { return try reader.scalar(text, type) }
    guard case .list(let list) = shapes[place] else {
      throw AWSMisfit("is neither a scalar nor a list, so it cannot be a header")
    }
    return .array(
      try AWSMisfit.each(Self.elements(text, list)) { try reader.scalar($0, list.member) }
    )
  }

  /// The headers whose names begin with a prefix, without it.
  private func prefixed(_ prefix: String) -> JSONValue {
    let prefix = prefix.lowercased()
    let found = response.headers.filter { $0.name.lowercased().hasPrefix(prefix) }
    return .object(
      JSONObject(found.map { (String($0.name.dropFirst(prefix.count)), .string($0.value)) })
    )
  }

  /// The elements of a list in a header: between commas, or in quotes.
  private static func elements(_ text: String, _ list: AWSList) -> [String] {
    var elements = [""]
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if isEscaped {
        isEscaped = false
        elements[elements.count - 1].append(character)
      } else if isQuoted, character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      } else if character == ",", !isQuoted {
        elements.append("")
      } else if !(character == " " && elements[elements.count - 1].isEmpty && !isQuoted) {
        elements[elements.count - 1].append(character)
      }
    }
    if case .timestamp = list.member { return Self.dates(elements) }
    return elements
  }

  /// Instants, of which those in the form of HTTP hold a comma themselves: `Sun, 06 Nov 1994 …`.
  private static func dates(_ parts: [String]) -> [String] {
    var dates: [String] = []
    for part in parts {
      if let day = dates.last, day.count == 3 {
        dates[dates.count - 1] = "\(day), \(part)"
      } else {
        dates.append(part)
      }
    }
    return dates
  }
}
