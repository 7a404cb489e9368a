/// Every handler of the API by the `operationId` of its operation; a route group adds its line.
enum APIRoutes {
  static let all: [String: APIHandler] = [
    SessionRoutes.handlers, PeopleRoutes.handlers, ScopeRoutes.handlers,
    ResultRoutes.handlers, ResourceRoutes.handlers, ScoreRoutes.handlers, ScanRoutes.handlers,
    AccountRoutes.handlers, AttachmentRoutes.handlers, ExceptionRoutes.handlers,
    MarkRoutes.handlers, AttestationRoutes.handlers, CredentialRoutes.handlers,
    ContentRoutes.handlers, AuditRoutes.handlers,
    JobRoutes.handlers, CollectorRoutes.handlers, CollectorWorkRoutes.handlers,
    RuleRoutes.handlers, TemplateRoutes.handlers, GuardrailRoutes.handlers, DecisionRoutes.handlers,
    AdmissionRoutes.handlers, RunTaskRoutes.handlers, FindingRoutes.handlers,
    PropertyRoutes.handlers, AlertRoutes.handlers, ConversationRoutes.handlers,
  ].reduce(into: [:]) { all, group in
    all.merge(group) { _, _ in preconditionFailure("two handlers of one operation") }
  }
}
