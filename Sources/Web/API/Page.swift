import Foundation
package import JSON
import Model
package import Store

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
  /// `next` is where the next page begins; nil for the last page. `total` is how many the whole list
  /// has, where that is known.
  package func page(_ items: [JSONValue], next: JSONValue?, total: Int? = nil) -> APIReply {
    var object: JSONObject = ["items": .array(items)]
    object["total"] = total.map { .integer(Int64($0)) }
    if let next {
      let cursor: JSONValue = ["of": .string(operation.id), "at": next]
      object["next_cursor"] = .string(Data(cursor.text.utf8).base64EncodedString())
    }
    return .json(.object(object))
  }

  /// The number at which the asked page begins, of a list whose cursors are numbers; nil for the first.
  package func cursorNumber() throws -> Int64? {
    switch try cursor() {
    case nil: nil
    case .integer(let number)? where number >= 0: number
    default: throw Problem.invalid("cursor", "is none that \(operation.id) gave out")
    }
  }

  /// A page of a list that is kept by number, newest first.
  ///
  /// `batch` reads at most so many entries before a number, each with what is told of it: nil where
  /// the caller does not see it.
  package func page(
    newestFirst batch:
      @Sendable @escaping (
        _ transaction: StoreTransaction, _ before: Int64, _ limit: Int
      ) throws -> [(number: Int64, item: JSONValue?)]
  ) async throws -> APIReply {
    var next: Int64? = try cursorNumber() ?? .max
    var items: [JSONValue] = []
    // Few entries are out of sight; the bound keeps a page from reading them all.
    for _ in 0..<20 where items.count < limit {
      guard let start = next else { break }
      let limit = limit
      let found = try await read { try batch($0, start, limit) }
      next = nil
      for entry in found {
        if items.count == limit { break }
        next = entry.number
        if let item = entry.item { items.append(item) }
      }
      if found.count < limit, next == found.last?.number { next = nil }
    }
    return page(items, next: next.map { .integer($0) })
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
    let start = Int(try cursorNumber() ?? 0)
    let (end, isOver) = start.addingReportingOverflow(limit)
    let shown = sorted.dropFirst(start).prefix(limit)
    let next = isOver || end >= sorted.count ? nil : JSONValue.integer(Int64(end))
    return page(Array(shown), next: next, total: sorted.count)
  }

  private static func time(_ text: String) -> Instant? {
    text.utf8.last == UInt8(ascii: "Z")
      && text.utf8.first.map { (0x30...0x39).contains($0) } == true
      ? Instant(text) : nil
  }

  private static func order(_ left: JSONValue?, _ right: JSONValue?) -> Int {
    if let left = left?.double, let right = right?.double {
      return left < right ? -1 : left > right ? 1 : 0
    }
    let (first, second) = (left?.string ?? left?.text ?? "", right?.string ?? right?.text ?? "")
    // As texts, an instant with milliseconds would come before the same one without.
    if let one = time(first), let two = time(second) {
      return one < two ? -1 : one > two ? 1 : 0
    }
    return first < second ? -1 : first > second ? 1 : 0
  }
}
