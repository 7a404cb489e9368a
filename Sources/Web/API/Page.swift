import Foundation
package import JSON

extension APICall {
  /// How many items a page has at most.
  package var limit: Int { parameters["limit"]?.whole ?? 50 }

  /// Where the page before said to go on; nil for the first page.
  ///
  /// - Throws: a problem for a cursor that this operation did not give out.
  package func cursor() throws -> JSONValue? {
    guard let text = parameters["cursor"]?.string else { return nil }
    guard let data = Data(base64Encoded: text),
      let value = try? JSONParser().parse(data), value["of"]?.string == operation.id,
      let position = value["at"]
    else { throw Problem.invalid("cursor", "is none that \(operation.id) gave out") }
    return position
  }

  /// A page of items that were read for it.
  ///
  /// `next` is where the next page begins; nil for the last page.
  package func page(_ items: [JSONValue], next: JSONValue?) -> APIReply {
    var object: JSONObject = ["items": .array(items)]
    if let next {
      let cursor: JSONValue = ["of": .string(operation.id), "at": next]
      object["next_cursor"] = .string(Data(cursor.text.utf8).base64EncodedString())
    }
    return .json(.object(object))
  }

  /// A page of a list that is short enough to be read whole.
  ///
  /// `sorts` is the members by which `sort` may order; the first one orders by default. The
  ///   parameter takes a name, or `-` and a name for the reverse.
  package func page(_ items: [JSONValue], sorts: [String] = ["id"]) throws -> APIReply {
    let asked = text("sort")
    let isReverse = asked.hasPrefix("-")
    let name = asked.isEmpty ? sorts[0] : String(asked.drop { $0 == "-" })
    guard sorts.contains(name) else {
      throw Problem.invalid("sort", "must be one of \(sorts.joined(separator: ", "))")
    }
    var sorted = items.enumerated().sorted { left, right in
      switch Self.order(left.element[name], right.element[name]) {
      case 0: left.offset < right.offset
      case let order: order < 0
      }
    }.map(\.element)
    if isReverse { sorted.reverse() }
    let start: Int
    switch try cursor() {
    case nil: start = 0
    case .integer(let place)? where place >= 0: start = Int(place)
    default: throw Problem.invalid("cursor", "is none that \(operation.id) gave out")
    }
    let (end, isOver) = start.addingReportingOverflow(limit)
    let shown = sorted.dropFirst(start).prefix(limit)
    let next = isOver || end >= sorted.count ? nil : JSONValue.integer(Int64(end))
    return page(Array(shown), next: next)
  }

  private static func order(_ left: JSONValue?, _ right: JSONValue?) -> Int {
    if let left = left?.double, let right = right?.double {
      return left < right ? -1 : left > right ? 1 : 0
    }
    let (first, second) = (left?.string ?? left?.text ?? "", right?.string ?? right?.text ?? "")
    return first < second ? -1 : first > second ? 1 : 0
  }
}
