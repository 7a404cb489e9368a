/// Every handler of the API by the `operationId` of its operation; a route group adds its line.
enum APIRoutes {
  static let all: [String: APIHandler] = [
    SessionRoutes.handlers, PeopleRoutes.handlers, ScopeRoutes.handlers,
  ].reduce(into: [:]) { all, group in
    all.merge(group) { _, _ in preconditionFailure("two handlers of one operation") }
  }
}
