import JSON
import Model
import Operations
import Store

/// What a Kubernetes API server asks before it takes an object.
enum AdmissionRoutes {
  static let handlers: [String: APIHandler] = ["admit": admit]

  /// How much of the time that the API server waits is for the decision, the rest for the way.
  private static let share = 0.8
  /// For how long an API server waits that does not say so, in seconds; its own default.
  private static let patience = 10.0

  private static func admit(_ call: APICall) async throws -> APIReply {
    let (services, begun) = (call.services, ContinuousClock.now)
    guard let caller = try await services.callers.caller(call.text("key"), at: .admission, call.now)
    else {
      throw Authenticator.problem(
        "the path is of no API key in force; plumb gate kubernetes --install prints a new one"
      )
    }
    await services.noteUse(of: caller, at: call.now)
    let request = AdmissionRequest(call.body)
    let isMutating = call.text("step") == "mutate"
    guard request.isConfiguring, !isMutating || request.isNew else {
      return .json(request.answer([]))
    }
    var (parts, faults) = services.parts(request.object, call.text("cluster"))
    let set = try await services.guards.current(at: call.now)
    var former =
      request.former.object == nil
      ? [] : services.parts(request.former, call.text("cluster")).parts.map(\.resource)
    if set.isAskingForNamespaces, !request.namespace.isEmpty {
      let labels = try await services.labels(of: request.namespace, call.text("cluster"))
      for index in parts.indices { parts[index].resource.setNamespaceLabels(labels) }
      for index in former.indices { former[index].setNamespaceLabels(labels) }
    }
    let sight = caller.principal.sight(.read)
    for part in parts where !sight.contains(set.place(of: part.resource), set.scopes) {
      throw Problem.forbidden(.read)
    }
    if isMutating { return .json(request.answer(parts, completedBy: set)) }
    let actor = request.actor.isEmpty ? caller.principal.name : request.actor
    let decisions = try await services.guards.decide(
      parts.map { part in
        GuardKeeper.Request(
          part.resource,
          isNew: false,
          actor: actor,
          gate: "kubernetes",
          former: former.first { $0.kind == part.resource.kind && $0.id == part.resource.id }
        )
      },
      at: call.now,
      within: max(
        .milliseconds(100),
        .seconds(seconds(call.text("timeout")) * share) - (.now - begun)
      ),
      isLogged: !request.isDryRun
    )
    return .json(request.answer(decisions, notes: faults.map { "not judged: \($0)" }))
  }

  /// The seconds that an API server says it waits, such as `5s`.
  private static func seconds(_ text: String) -> Double {
    guard text.hasSuffix("s"), let seconds = Double(text.dropLast()) else { return patience }
    return min(max(seconds, 0.1), 30)
  }
}

extension Services {
  /// The labels of a cluster's namespace, as it was last read; nil where it was not, or is not to be had in time.
  fileprivate func labels(
    of namespace: String,
    _ cluster: String
  ) async throws -> [(key: String, value: String)]? {
    let id = "Namespace/\(namespace)"
    let read = try? await Race.value(within: .milliseconds(500)) {
      try await store.read { transaction -> String? in
        let accounts = try transaction.accounts().filter { $0.value.account == cluster }.keys
        let kinds = try transaction.kinds().filter { $0.value.kind == "Namespace" }.keys
        let asked = accounts.sorted().flatMap { account in
          kinds.sorted().map { (account: account, kind: $0, id: id) }
        }
        return try transaction.states(of: transaction.numbers(of: asked).map(\.number)).first?.tags
      }
    }
    guard let text = read ?? nil else { return nil }
    let tags = text.isEmpty ? [] : (try JSONValue(parsing: text)).object?.members ?? []
    return tags.map { ($0.key, $0.value.string ?? "") }
  }
}
