import JSON
import Model
import Operations
import Store

/// Resources, their configurations and their histories.
enum ResourceRoutes {
  static let handlers: [String: APIHandler] = [
    "listResources": list, "showResource": show, "showHistory": history,
    "listResourcesAtRisk": atRisk, "countResources": count, "showRelations": relations,
    "showReach": reach,
  ]

  private static func filter(_ call: APICall) throws -> ResourceFilter {
    var filter = ResourceFilter()
    filter.scope = call.text("scope")
    filter.kinds = call.texts("kind")
    filter.accounts = call.texts("account")
    filter.regions = call.texts("region")
    filter.words = call.text("q").split(separator: " ").map(String.init)
    for text in call.texts("tag") {
      // A tag may have no value.
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Problem.invalid("tag", "must be NAME=PATTERN")
      }
      filter.tags[parts[0]] = parts[1]
    }
    for text in call.texts("mark") {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let kind = Mark.Kind(rawValue: parts[0]) else {
        let kinds = Mark.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw Problem.invalid("mark", "must be MARK=VALUE, where MARK is one of \(kinds)")
      }
      filter.marks[kind] = parts[1]
    }
    return filter
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    let (filter, cache, instant) = (try filter(call), call.services.posture, call.instant())
    let isPresent = call["as_of"] == nil
    let figures = try await call.read { transaction in
      try call.resources(transaction).figures(filter, isPresent: isPresent, cache)
    }
    return .json(figures.json(at: instant))
  }

  private static func list(_ call: APICall) async throws -> APIReply {
    let asked = try filter(call)
    let after = try call.cursorNumber() ?? 0
    let page = try await call.read { transaction in
      let reader = try call.resources(transaction)
      return try reader.page(asked, after: after, limit: call.limit)
    }
    return call.page(page.resources.map(\.json), next: page.end.map { .integer($0) })
  }

  private static func atRisk(_ call: APICall) async throws -> APIReply {
    var filter = ResultFilter()
    filter.scope = call.text("scope")
    filter.kinds = call.texts("kind")
    filter.accounts = call.texts("account")
    let (asked, cache, limit) = (filter, call.services.posture, call["limit"]?.whole ?? 20)
    let items = try await call.read { transaction in
      let resources = try call.resources(transaction)
      return try call.results(transaction).heaviest(asked, limit: limit, cache).map { entry in
        var object = try resources.resource(entry.resource).json.object ?? [:]
        object["weight_failed"] = .integer(Int64(entry.weight))
        return JSONValue.object(object)
      }
    }
    return .json(["items": .array(items)])
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    let (resource, line, marks) = try await call.read { transaction in
      let reader = try call.resources(transaction)
      let resource = try reader.resource(number)
      let line = try transaction.lines(of: [resource.state])[0]
      return (resource, line, reader.marks(of: resource))
    }
    var object = resource.json.object ?? [:]
    let read = try JSONParser().parse(line)
    object["configuration"] = read["configuration"] ?? .null
    object["unread"] = read["unread"]
    object["marks"] = marks
    return .tagged(.object(object))
  }

  private static func relations(_ call: APICall) async throws -> APIReply {
    let (number, instant) = (call.number(), call.instant())
    let relations = try await call.read { try call.resources($0).relations(of: number) }
    return .json(relations.json(at: instant))
  }

  /// Whoever sees a resource is told of everybody who reaches it, from other accounts too.
  private static func reach(_ call: APICall) async throws -> APIReply {
    let (number, instant, facts) = (call.number(), call.instant(), try call.services.access())
    let (isPresent, cache) = (call["as_of"] == nil, call.services.posture)
    let (resource, answer) = try await call.read { transaction in
      let resource = try call.resources(transaction).resource(number)
      let estate = try cache.reach(transaction, facts, at: instant, isPresent: isPresent)
      return (resource, estate.answer(resource.place))
    }
    var object = answer?.json.object ?? [:]
    object["known"] = .bool(answer != nil)
    if answer == nil {
      let (place, name) = (resource.place, resource.state.name)
      for (key, text) in [
        ("account", place.accounts.first ?? ""), ("region", place.region),
        ("kind", "\(place.kind)"), ("id", place.id), ("name", name),
      ] { object[key] = .string(text) }
      object["notes"] = .array([.string("no rights over \(place.kind) are known")])
      object["holders"] = []
    }
    return .json(.object(object))
  }

  private static func history(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    let history = try await call.read { transaction in
      let reader = try call.resources(transaction)
      return try ResourceHistory(reader.lastState(of: number), transaction)
    }
    let steps = history.steps.reversed().map { step -> JSONValue in
      var object: JSONObject = ["since": .string("\(step.state.begins)")]
      if !step.state.ends.isNever { object["until"] = .string("\(step.state.ends)") }
      object["changes"] = .array(
        step.fields.map { change in
          var field: JSONObject = ["path": .string(change.path)]
          field["before"] = change.before
          field["after"] = change.after
          return .object(field)
        }
      )
      object["verdicts"] = .array(
        step.verdicts.map {
          [
            "goal": .integer($0.goal.id), "rule": .string($0.goal.rule),
            "severity": .string($0.goal.severity.rawValue),
            "verdict": .string($0.verdict.rawValue),
          ]
        }
      )
      return .object(object)
    }
    return try call.page(steps, sorts: ["position"])
  }
}

extension APICall {
  /// A reader of the results that the caller may see, as of the instant asked for.
  func results(_ transaction: StoreTransaction) throws -> ResultReader {
    let facts = try services.posture.facts(transaction)
    return try ResultReader(
      transaction,
      at: instant(),
      sight: sight,
      facts: facts,
      isPresent: self["as_of"] == nil
    )
  }

  /// A reader of the resources that the caller may see, as of the instant asked for.
  func resources(_ transaction: StoreTransaction) throws -> ResourceReader {
    let facts = try services.posture.facts(transaction)
    return try ResourceReader(transaction, at: instant(), sight: sight, facts: facts)
  }
}
