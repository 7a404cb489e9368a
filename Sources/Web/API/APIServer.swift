import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Model
import Operations
import Reports
import Store

/// Answers the operations of the API: who asks, may that one, is the request as described; then the
/// operation's handler.
struct APIServer: Sendable {
  let services: Services
  private let settings: ServerSettings
  private let document: OpenAPIDocument
  private let operations: [String: APIOperation]
  private let handlers: [String: APIHandler]
  private let throttle: Throttle
  /// That of gates, whose questions are many and cheap.
  private let gateThrottle: Throttle
  private let metrics: Metrics
  private let schema: Schema

  /// A server of every operation of the description.
  ///
  /// - Throws: ``DocumentError`` for a description that cannot be read, or whose operations are not
  ///   those that have handlers.
  init(_ services: Services, _ settings: ServerSettings, metrics: Metrics) throws {
    (self.services, self.settings, self.metrics) = (services, settings, metrics)
    document = try OpenAPIDocument()
    operations = Dictionary(uniqueKeysWithValues: document.operations.map { ($0.id, $0) })
    schema = Schema(document.json)
    throttle = Throttle(rate: settings.requestsPerSecond)
    gateThrottle = Throttle(rate: settings.decisionsPerSecond)
    handlers = APIRoutes.all.merging(Self.ownPages(document)) { $1 }
    let described = Set(document.operations.map(\.id))
    let odd = described.symmetricDifference(handlers.keys)
    if let name = odd.sorted().first {
      throw DocumentError(
        described.contains(name) ? "has no handler" : "is not described",
        key: name,
        at: SourceLocation(file: "openapi")
      )
    }
  }

  /// A body that an operation takes, to be filled in, with texts that are given; nil where it takes none that is
  /// JSON.
  func sketch(_ operation: APIOperation, given: [String: String]) -> JSONValue? {
    operation.body.map { schema.sketch($0, given: given) }
  }

  /// The description of the API, as a document and as a page.
  private static func ownPages(_ document: OpenAPIDocument) -> [String: APIHandler] {
    let text = Array(document.json.text.utf8)
    let page = Array(ReferencePage(document.json).html.text.utf8)
    return [
      "openapi": { _ in APIReply(text: ("application/json", text)) },
      "showReference": { _ in
        APIReply(
          text: ("text/html; charset=utf-8", page),
          headers: [("Content-Security-Policy", ReferencePage.policy)]
        )
      },
    ]
  }

  /// Adds the routes of every operation.
  func addRoutes(to router: Router<WebContext>) {
    for (path, operations) in Dictionary(grouping: document.operations, by: \.path) {
      for operation in operations {
        guard let method = HTTPRequest.Method(operation.method) else { continue }
        router.on(RouterPath(path), method: method) {
          request,
          context in
          await respond(operation, request, context)
        }
      }
      let allowed = operations.map(\.method).sorted().joined(separator: ", ")
      for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete]
      where !operations.contains(where: { $0.method == method.rawValue }) {
        router.on(RouterPath(path), method: method) { _, context in
          var problem = Problem(405, "method", "No such method", "\(path) has \(allowed)")
          problem.faults = []
          var response = answer(problem, context)
          response.headers[.allow] = allowed
          return response
        }
      }
    }
  }

  /// Answers one request, whatever happens.
  private func respond(
    _ operation: APIOperation,
    _ request: Request,
    _ context: WebContext
  ) async -> Response {
    let start = ContinuousClock.now
    var caller = "-"
    var response: Response
    do {
      response = try await reply(operation, request, context, &caller)
    } catch {
      if let problem = problem(error) {
        response = answer(problem, context)
      } else {
        context.logger.error(
          "failed",
          metadata: ["operation": "\(operation.id)", "error": "\(error)"]
        )
        response = answer(
          Problem(500, "fault", "Something is wrong with the server", "the log has the reason"),
          context
        )
      }
    }
    let took = ContinuousClock.now - start
    let microseconds = took / .microseconds(1)
    metrics.note(operation.id, status: response.status.code, took)
    context.logger.info(
      "answered",
      metadata: [
        "operation": "\(operation.id)", "status": "\(response.status.code)", "caller": "\(caller)",
        "address": "\(context.address)",
        "microseconds": "\(Int(microseconds))",
      ]
    )
    return response
  }

  /// What an error means to whoever asked; nil for a fault of the server.
  func problem(_ error: any Error) -> Problem? {
    Problem(error)
      ?? services.explain(error).map {
        Problem(422, "refused", "What was sent makes no sense here", $0)
      }
  }

  private func reply(
    _ operation: APIOperation,
    _ request: Request,
    _ context: WebContext,
    _ caller: inout String
  ) async throws -> Response {
    let asker = try await asker(request, context, signsIn: Self.signsIn(operation))
    caller = asker.found?.0.name ?? "-"
    try await admit(asker, to: operation, context)
    try permit(operation, asker)
    if operation.permission != nil { try checkForgery(request, asker) }
    let reader = RequestReader(operation: operation, schema: schema)
    let parameters = try reader.parameters(request, path: context.parameters)
    let (body, bytes) = try await reader.body(request)
    let idempotency = parameters["Idempotency-Key"]?.string.map { key in
      APICall.Idempotency(
        key: Digest.sha256(Array("\(asker.principal.name)\n\(key)".utf8)),
        request: Digest.sha256(Array("\(request.method) \(request.uri)\n".utf8) + bytes)
      )
    }
    if let idempotency, let kept = try await answerAgain(idempotency, at: asker.now) {
      return kept
    }
    var call = call(operation, asker, parameters, body)
    call.upload = try reader.upload(request)
    call.bytes = bytes
    call.proof = CollectorProof(request, body: bytes)
    call.idempotency = idempotency
    return try await finish(run(call), call, request)
  }

  // MARK: - The steps, which the dashboard takes too

  private static func signsIn(_ operation: APIOperation) -> Bool {
    ["signIn", "registerCollector"].contains(operation.id)
  }

  /// Finds who sent a request.
  ///
  /// - Throws: a problem for a key that is not in force, and for one who has to wait after failed
  ///   sign-ins.
  func asker(_ request: Request, _ context: WebContext, signsIn: Bool) async throws -> Asker {
    let now = services.clock()
    // Who has to wait may not guess on; a key or session that is in force is no guess.
    let tooEarly = throttle.wait(context.address, at: now).map {
      Self.tooMany("too many failed sign-ins from this address", $0)
    }
    if signsIn, let tooEarly { throw tooEarly }
    let found: (Principal, Session)?
    do {
      found = try await Authenticator(services: services).caller(request, at: now)
    } catch let problem as Problem where problem.status == 401 {
      if let tooEarly { throw tooEarly }
      throttle.note(context.address, isAccepted: false, at: now)
      throw problem
    }
    return Asker(
      found: found,
      token: found.flatMap { _ in Authenticator.cookie(request) },
      address: context.address,
      now: now
    )
  }

  /// Refuses one who asks too often.
  func admit(_ asker: Asker) throws {
    let name = asker.found == nil ? asker.address : asker.principal.name
    guard let seconds = throttle.take(name, at: asker.now) else { return }
    throw Self.tooMany("too many requests", seconds)
  }

  /// Refuses one who asks too often; gates that show a key in force have a limit of their own.
  private func admit(
    _ asker: Asker,
    to operation: APIOperation,
    _ context: WebContext
  ) async throws {
    guard Self.decides(operation), let gate = try await gate(asker, context) else {
      return try admit(asker)
    }
    guard let seconds = gateThrottle.take(gate, at: asker.now) else { return }
    throw Self.tooMany("too many decisions", seconds)
  }

  /// What gates ask; a gate that is told to wait lets requests through undecided, or holds all of them up.
  private static func decides(_ operation: APIOperation) -> Bool {
    ["admit", "decide", "queryData", "queryDatum"].contains(operation.id)
  }

  /// Whose gate asks by a key in force; nil where that is not shown.
  private func gate(_ asker: Asker, _ context: WebContext) async throws -> String? {
    if let found = asker.found {
      guard case .key(let id) = found.1 else { return nil }
      return "key \(id)"
    }
    guard let shown = context.parameters.get("key") else { return nil }
    return try await services.callers.caller(shown, at: .admission, asker.now).map {
      "key \($0.key.id)"
    }
  }

  /// Answers an operation within this process, as a request by the same caller would be answered.
  ///
  /// `values` is the parameters by name, each as often as it is given.
  func answer(
    _ id: String,
    _ values: [(name: String, value: String)],
    _ body: JSONValue = .null,
    as asker: Asker
  ) async throws -> APIReply {
    guard let operation = operation(id) else { throw Problem.notFound("operation", id) }
    if Self.signsIn(operation), let seconds = throttle.wait(asker.address, at: asker.now) {
      throw Self.tooMany("too many failed sign-ins from this address", seconds)
    }
    try permit(operation, asker)
    let reader = RequestReader(operation: operation, schema: schema)
    let parameters = try reader.parameters(values)
    try reader.check(body)
    return try await run(call(operation, asker, parameters, body))
  }

  /// The operation of a name.
  func operation(_ id: String) -> APIOperation? { operations[id] }

  private func permit(_ operation: APIOperation, _ asker: Asker) throws {
    guard let permission = operation.permission else { return }
    guard asker.found != nil else {
      throw Problem(401, "not-signed-in", "Not signed in", "send an API key, or sign in")
    }
    guard !asker.principal.sight(permission).isEmpty else { throw Problem.forbidden(permission) }
  }

  private func call(
    _ operation: APIOperation,
    _ asker: Asker,
    _ parameters: [String: JSONValue],
    _ body: JSONValue
  ) -> APICall {
    APICall(
      operation: operation,
      services: services,
      principal: asker.principal,
      now: asker.now,
      body: body,
      address: asker.address,
      isSecure: settings.isSecure,
      parameters: parameters,
      session: asker.found?.1,
      sessionToken: asker.token
    )
  }

  private func run(_ call: APICall) async throws -> APIReply {
    guard let handler = handlers[call.operation.id] else {
      throw Problem.notFound("operation", call.operation.id)
    }
    guard Self.signsIn(call.operation) else { return try await handler(call) }
    do {
      let reply = try await handler(call)
      throttle.note(call.address, isAccepted: true, at: call.now)
      return reply
    } catch let problem as Problem where problem.status == 401 {
      throttle.note(call.address, isAccepted: false, at: call.now)
      throw problem
    }
  }

  private static func tooMany(_ detail: String, _ seconds: Int) -> Problem {
    var problem = Problem(429, "too-many", "Too many requests", "\(detail); wait \(seconds) s")
    problem.retryAfter = seconds
    return problem
  }

  /// A page of another site can send a person's cookie along, and not this header.
  private func checkForgery(_ request: Request, _ asker: Asker) throws {
    guard case .cookie? = asker.found?.1, request.method != .get, let token = asker.token
    else { return }
    let sent = HTTPField.Name("X-CSRF-Token").flatMap { request.headers[$0] } ?? ""
    guard sent.isSame(as: Session.antiForgery(token)) else {
      throw Problem(
        403,
        "forgery",
        "X-CSRF-Token is missing or wrong",
        "a change by a signed-in browser carries the csrf_token of its session"
      )
    }
  }
}

/// Who asks, and from where.
struct Asker: Sendable {
  /// Who that is and how signed in; nil where nobody is.
  var found: (Principal, Session)?
  /// What is in the cookie of a signed-in browser.
  var token: String?
  var address: String
  var now: Instant

  /// Who it is; without grants where nobody signed in.
  var principal: Principal { found?.0 ?? Principal(name: "", grants: []) }
}
