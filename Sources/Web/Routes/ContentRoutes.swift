import JSON
import Model
import Operations
import Store

/// Rules and profiles, which are the same for everybody.
enum ContentRoutes {
  static let handlers: [String: APIHandler] = [
    "showContent": showContent, "listRules": listRules, "showRule": showRule,
    "listProfiles": listProfiles, "showProfile": showProfile, "listControls": listControls,
    "keepProfile": keepProfile, "listProfileVersions": listVersions,
    "compareProfiles": compareProfiles, "removeProfile": removeProfile,
  ]

  private static func showContent(_ call: APICall) async throws -> APIReply {
    let content = try call.services.content()
    var object = content.stamp.json.object ?? [:]
    object["rules"] = .integer(Int64(content.rules.count))
    object["profiles"] = .integer(Int64(content.profiles.count))
    return .tagged(.object(object))
  }

  private static func listRules(_ call: APICall) async throws -> APIReply {
    let (provider, service) = (call["provider"]?.string, call["service"]?.string)
    let (kind, status) = (call["kind"]?.string, call["status"]?.string)
    let threshold = Severity(rawValue: call.text("severity")) ?? .low
    let words = call.words("q")
    let (origin, label, now) = (call["origin"]?.string, call["label"]?.string, call.now)
    let own = try await call.read { try $0.documents(.rule, at: now) }
    let shelf = try call.services.content().rules.map { ($0, KeptDocument?.none) }
    let all = try shelf + own.map { (try $0.rule(), $0) }
    let found = all.filter { rule, kept in
      let kinds = rule.target.kinds
      return (origin == nil || (origin == "own") == (kept != nil))
        && (label.map { kept?.labels.contains($0) ?? false } ?? true)
        && rule.severity >= threshold && (status == nil || rule.status.rawValue == status)
        && (provider.map { rule.id.hasPrefix("\($0).") } ?? true)
        && (service == nil || kinds.contains { $0.service == service })
        && (kind.map { kind in kinds.contains { Wildcard.matches("\($0)", pattern: kind) } } ?? true)
        && words.stand(in: [rule.id, rule.title, rule.requirement, rule.rationale] + rule.aliases)
    }
    return try call.page(found.map { $0.summary($1) }, sorts: ["id", "title"])
  }

  private static func showRule(_ call: APICall) async throws -> APIReply {
    let name = call.text("id")
    let (content, now) = (try call.services.content(), call.now)
    guard let rule = content.rules.first(where: { $0.id == name || $0.aliases.contains(name) })
    else {
      let own = try await call.read { try $0.documents(.rule, at: now) }.first { $0.name == name }
      guard let own else { throw Problem.notFound("rule", name) }
      return .tagged(own.json)
    }
    let profiles = try await call.read { try KeptProfiles(content.profiles, $0).all() }
    let uses = profiles.flatMap { profile in
      profile.controls.filter { $0.goals.contains { $0.rule == rule.id } }.map {
        control -> JSONValue in
        [
          "profile": .string(profile.id), "version": .string(profile.version),
          "control": .string(control.id),
        ]
      }
    }
    var object = rule.document.object ?? [:]
    object["origin"] = "installed"
    object["used_by"] = .array(uses)
    return .tagged(.object(object))
  }

  private static func listProfiles(_ call: APICall) async throws -> APIReply {
    let words = call.words("q")
    let shipped = try call.services.content().profiles
    let found = try await call.read { try KeptProfiles(shipped, $0).all() }.filter {
      words.stand(in: [$0.id, $0.title, $0.framework])
    }
    return try call.page(found.map(\.summary), sorts: ["id", "title"])
  }

  private static func profile(_ call: APICall, _ parameter: String = "id") async throws -> Profile {
    let name = call.text(parameter)
    guard let found = try await call.profile(name) else { throw Problem.notFound("profile", name) }
    return found
  }

  private static func keepProfile(_ call: APICall) async throws -> APIReply {
    // A profile is the same for everybody, so it is no matter of one account.
    try call.requireEverything()
    let node = DocumentNode(call.body, at: SourceLocation(file: "the profile"))
    let (profile, content) = (try ProfileDecoder.profile(node), try call.services.content())
    let kept = try await call.write { transaction in
      let profiles = KeptProfiles(content.profiles, transaction)
      try profiles.keep(profile, rules: transaction.rules(beside: content.rules, at: call.now))
      return try profiles.profile("\(profile.id)@\(profile.version)")
    }
    return .created(
      kept?.document ?? .null,
      at: "/api/v1/profiles/\(Address.encoded("\(profile.id)@\(profile.version)"))"
    )
  }

  private static func removeProfile(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    try call.match(try await profile(call).document)
    let (name, shipped, now) = (call.text("id"), try call.services.content().profiles, call.now)
    _ = try await call.write { try KeptProfiles(shipped, $0).remove(name, at: now) }
    return .done
  }

  private static func listVersions(_ call: APICall) async throws -> APIReply {
    let (id, shipped) = (call.text("id"), try call.services.content().profiles)
    let found = try await call.read { try KeptProfiles(shipped, $0).versions(of: id) }
    guard !found.isEmpty else { throw Problem.notFound("profile", id) }
    let items = found.enumerated().map { index, version -> JSONValue in
      var object = version.profile.summary.object ?? [:]
      object["sha256"] = .string(version.digest)
      object["shipped"] = .bool(version.isShipped)
      object["position"] = .integer(Int64(index))
      return .object(object)
    }
    return try call.page(items, sorts: ["position"])
  }

  private static func compareProfiles(_ call: APICall) async throws -> APIReply {
    let (before, after) = (try await profile(call), try await profile(call, "with"))
    let content = try call.services.content()
    // What the results come to is for those who see all of them.
    let instant = call.sight.isEverything ? call.now : nil
    return .json(
      try await call.read { transaction in
        try KeptProfiles(content.profiles, transaction).comparison(
          before,
          after,
          rules: transaction.rules(beside: content.rules, at: call.now),
          at: instant
        )
      }
    )
  }

  private static func showProfile(_ call: APICall) async throws -> APIReply {
    .tagged(try await profile(call).document)
  }

  private static func listControls(_ call: APICall) async throws -> APIReply {
    let profile = try await profile(call)
    let isManual = call["manual"]?.bool
    let controls = profile.controls.filter { isManual == nil || $0.isManual == isManual }
    return try call.page(controls.map(\.json), sorts: ["position"])
  }
}

extension APICall {
  /// The profile of an id, or of a version by `id@version`; nil where there is none.
  func profile(_ name: String) async throws -> Profile? {
    let shipped = try services.content().profiles
    return try await read { try KeptProfiles(shipped, $0).profile(name) }
  }

  /// The words of a parameter, in lower case.
  fileprivate func words(_ name: String) -> [String] {
    text(name).lowercased().split(separator: " ").map(String.init)
  }
}

extension [String] {
  /// Whether each of the words stands in one of some texts.
  fileprivate func stand(in texts: [String]) -> Bool {
    if isEmpty { return true }
    let texts = texts.map { $0.lowercased() }
    return allSatisfy { word in texts.contains { $0.contains(word) } }
  }
}

extension Rule {
  /// The rule in a list, with what is kept of one of one's own.
  fileprivate func summary(_ kept: KeptDocument?) -> JSONValue {
    var object: JSONObject = [
      "id": .string(id), "version": .integer(Int64(version)), "title": .string(title),
      "status": .string(status.rawValue), "severity": .string(severity.rawValue),
      "target": .array(target.kinds.map { .string("\($0)") }),
    ]
    object["origin"] = kept == nil ? "installed" : "own"
    object["labels"] = kept.map { .array($0.labels.map { .string($0) }) }
    object["successor"] = successor.map { .string($0) }
    return .object(object)
  }
}

extension Profile {
  fileprivate var summary: JSONValue {
    let manual = controls.filter(\.isManual).count
    return [
      "id": .string(id), "version": .string(version), "title": .string(title),
      "framework": .string(framework), "effective_date": .string(effectiveDate),
      "controls": .integer(Int64(controls.count)),
      "automated": .integer(Int64(controls.count - manual)), "manual": .integer(Int64(manual)),
    ]
  }
}

extension Profile.Control {
  fileprivate var json: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "title": .string(title), "manual": .bool(isManual),
      "reason": .string(manualReason),
      "goals": .array(
        goals.map { goal in
          let sorted = goal.parameters.sorted { $0.key < $1.key }
          return [
            "rule": .string(goal.rule),
            "parameters": .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) })),
          ]
        }
      ),
    ]
    if !isManual { basis.add(to: &object) }
    return .object(object)
  }
}
