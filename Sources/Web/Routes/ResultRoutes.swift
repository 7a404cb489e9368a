import JSON
import Model
import Operations
import Store

/// Results, and the proof of each.
enum ResultRoutes {
  static let handlers: [String: APIHandler] = [
    "listResults": list, "listResultsOfResource": listOfResource, "showResult": show,
    "countResults": count, "listRuleStates": rules,
    "showGuardOutcome": guardOutcome,
  ]

  /// The results that a call asks for.
  private static func filter(_ call: APICall) -> ResultFilter {
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
    return filter
  }

  private static func figures(_ call: APICall) async throws -> ResultFigures {
    let (filter, cache) = (filter(call), call.services.posture)
    return try await call.read { transaction in
      var reader = try call.results(transaction)
      return try reader.figures(filter, cache)
    }
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    let figures = try await figures(call)
    var object = figures.json(limit: call["limit"]?.whole ?? 200).object ?? [:]
    object["as_of"] = .string("\(call.instant())")
    return .json(.object(object))
  }

  private static func rules(_ call: APICall) async throws -> APIReply {
    let figures = try await figures(call)
    let known = try await call.rules()
    let items = figures.rules.values.map { rule -> JSONValue in
      let shipped = known[rule.rule]
      return [
        "rule": .string(rule.rule), "title": .string(shipped?.title ?? rule.rule),
        "severity": .string(rule.severity.rawValue), "results": rule.counts.json,
        "failed": .integer(Int64(rule.counts.verdicts[1] - rule.counts.excepted)),
        "gain": .number(figures.gain(rule)),
        "remediation": .string(shipped?.remediation.text ?? ""),
      ]
    }.sorted { ($0["rule"]?.string ?? "") < ($1["rule"]?.string ?? "") }
    return try call.page(items, sorts: ["rule", "gain", "failed"])
  }

  private static func list(_ call: APICall) async throws -> APIReply {
    let filter = filter(call)
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
    return call.page(try await call.titled(page.items), next: page.next)
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
        items += page.results.listed
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
      return try reader.results(ofResource: number).listed
    }
    return try call.page(await call.titled(items), sorts: ["rule"])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let record = try await call.read { try StoredProof.result(result(call, $0), $0) }
    return .tagged(record.json)
  }

  /// The result that the path names.
  private static func result(_ call: APICall, _ transaction: StoreTransaction) throws
    -> StoredResult
  {
    let (number, goal) = (call.number(), call.number("goal"))
    var reader = try call.results(transaction)
    let results = try reader.results(ofResource: number)
    guard let found = results.first(where: { $0.goal.id == goal }) else {
      throw Problem.notFound("result", "\(number)/\(goal)")
    }
    return found
  }

  private static func guardOutcome(_ call: APICall) async throws -> APIReply {
    let set = try await call.services.guards.current(isFresh: true, at: call.now)
    let (stored, line) = try await call.read { transaction in
      let stored = try result(call, transaction)
      return (stored, try transaction.lines(of: [stored.state])[0])
    }
    let outcome = GuardOutcome(
      set,
      rule: stored.goal.rule,
      line: line,
      place: stored.place,
      at: call.now
    )
    return .json(outcome.json(set) { call.sight.containsScope($0.scope) })
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

extension APICall {
  /// The rules as they are now, by id.
  fileprivate func rules() async throws -> [String: Rule] {
    let (installed, now) = (try services.content().rules, now)
    return Dictionary(
      try await read { try $0.rules(beside: installed, at: now) }.map { ($0.id, $0) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// Results with the titles of their rules, as far as those are there.
  fileprivate func titled(_ results: [JSONValue]) async throws -> [JSONValue] {
    let rules = try await rules()
    return results.map { result in
      guard var object = result.object, let title = rules[result["rule"]?.string ?? ""]?.title
      else { return result }
      object["title"] = .string(title)
      return .object(object)
    }
  }
}

extension [StoredResult] {
  /// The results as lists show them, with the numbers by which paths name them.
  fileprivate var listed: [JSONValue] {
    var resource: (number: Int64, json: JSONValue?) = (0, nil)
    return map { result in
      if result.state.resource != resource.number { resource = (result.state.resource, nil) }
      var object = result.json(&resource.json).object ?? [:]
      object["resource_number"] = .integer(result.state.resource)
      object["goal"] = .integer(result.goal.id)
      return .object(object)
    }
  }
}
