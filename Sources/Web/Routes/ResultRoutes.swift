import JSON
import Model
import Operations
import Store

/// Results, and the proof of each.
enum ResultRoutes {
  static let handlers: [String: APIHandler] = [
    "listResults": list, "listResultsOfResource": listOfResource, "showResult": show,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    var filter = ResultFilter()
    filter.scope = call.text("scope")
    filter.profile = call.text("profile")
    filter.verdicts = Set(call.texts("verdict").compactMap { Verdict(rawValue: $0) })
    filter.rules = call.texts("rule")
    filter.resources = call.texts("resource")
    filter.kinds = call.texts("kind")
    filter.accounts = call.texts("account")
    filter.leavesOutExcepted = call["without_excepted"]?.bool ?? false
    if let threshold = Severity(rawValue: call.text("severity")) { filter.threshold = threshold }
    let bySeverity = Severity.allCases.filter { $0 >= filter.threshold }.sorted(by: >)
    let asked = Bands(
      filter: filter,
      bands: call.text("sort") == "-severity" ? bySeverity.map { Optional($0) } : [nil],
      start: try call.cursor().map { try start($0, call) } ?? (0, nil),
      limit: call.limit
    )
    let page = try await call.read { transaction in
      var reader = try call.results(transaction)
      return try asked.page(&reader)
    }
    return call.page(page.items, next: page.next)
  }

  /// A list that goes through one severity after another, or through all at once.
  private struct Bands: Sendable {
    var filter: ResultFilter
    var bands: [Severity?]
    var start: (band: Int, position: ResultReader.Position?)
    var limit: Int

    func page(_ reader: inout ResultReader) throws -> (items: [JSONValue], next: JSONValue?) {
      var items: [JSONValue] = []
      for index in bands.indices.dropFirst(start.band) {
        var filter = filter
        filter.band = bands[index]
        let after = index == start.band ? start.position : nil
        let page = try reader.page(filter, after: after, limit: limit - items.count)
        items += page.results.map(\.listed)
        if let end = page.end { return (items, end.cursor(band: index)) }
      }
      return (items, nil)
    }
  }

  private static func start(_ cursor: JSONValue, _ call: APICall) throws
    -> (band: Int, position: ResultReader.Position?)
  {
    guard case .integer(let resource)? = cursor["resource"], resource > 0,
      let column = cursor["column"]?.whole, let band = cursor["band"]?.whole, band >= 0
    else { throw Problem.invalid("cursor", "is none that \(call.operation.id) gave out") }
    return (band, ResultReader.Position(resource: resource, column: column))
  }

  private static func listOfResource(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    let items = try await call.read { transaction in
      var reader = try call.results(transaction)
      return try reader.results(ofResource: number).map(\.listed)
    }
    return try call.page(items, sorts: ["rule"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let (number, goal) = (call.number(), call.number("goal"))
    let record = try await call.read { transaction in
      var reader = try call.results(transaction)
      let results = try reader.results(ofResource: number)
      guard let found = results.first(where: { $0.goal.id == goal }) else {
        throw Problem.notFound("result", "\(number)/\(goal)")
      }
      return try StoredProof.result(found, transaction)
    }
    return .tagged(record.json)
  }
}

extension ResultReader.Position {
  fileprivate func cursor(band: Int) -> JSONValue {
    [
      "resource": .integer(resource), "column": .integer(Int64(column)),
      "band": .integer(Int64(band)),
    ]
  }
}

extension StoredResult {
  /// The result as lists show it, with the numbers by which paths name it.
  fileprivate var listed: JSONValue {
    var object = json.object ?? [:]
    object["resource_number"] = .integer(state.resource)
    object["goal"] = .integer(goal.id)
    return .object(object)
  }
}
