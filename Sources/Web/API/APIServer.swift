import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Model
import Reports
import Store

/// Answers the operations of the API: who asks, may that one, is the request as described; then the
/// operation's handler.
struct APIServer: Sendable {
  private let services: Services
  private let settings: ServerSettings
  private let document: OpenAPIDocument
  private let handlers: [String: APIHandler]
  private let throttle: Throttle
  private let metrics: Metrics
  private let schema: Schema

  /// A server of every operation of the description.
  ///
  /// - Throws: ``DocumentError`` for a description that cannot be read, or whose operations are not
  ///   those that have handlers.
  init(_ services: Services, _ settings: ServerSettings, metrics: Metrics) throws {
    (self.services, self.settings, self.metrics) = (services, settings, metrics)
    document = try OpenAPIDocument()
    schema = Schema(document.json)
    throttle = Throttle(rate: settings.requestsPerSecond)
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
      if let problem = Problem(error) ?? refusal(error) {
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

  private func refusal(_ error: any Error) -> Problem? {
    services.explain(error).map {
      Problem(422, "refused", "What was sent makes no sense here", $0)
    }
  }

  private func reply(
    _ operation: APIOperation,
    _ request: Request,
    _ context: WebContext,
    _ caller: inout String
  ) async throws -> Response {
    let now = services.clock()
    let signsIn = ["signIn", "registerCollector"].contains(operation.id)
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
    let principal = found?.0 ?? Principal(name: "", grants: [])
    caller = found?.0.name ?? "-"
    if let seconds = throttle.take(found == nil ? context.address : principal.name, at: now) {
      throw Self.tooMany("too many requests", seconds)
    }
    if let permission = operation.permission {
      guard let (principal, session) = found else {
        throw Problem(401, "not-signed-in", "Not signed in", "send an API key, or sign in")
      }
      try checkForgery(request, session)
      guard !principal.sight(permission).isEmpty else { throw Problem.forbidden(permission) }
    }
    let reader = RequestReader(operation: operation, schema: schema)
    let parameters = try reader.parameters(request, path: context.parameters)
    let (body, bytes) = try await reader.body(request)
    let idempotency = parameters["Idempotency-Key"]?.string.map { key in
      APICall.Idempotency(
        key: Digest.sha256(Array("\(principal.name)\n\(key)".utf8)),
        request: Digest.sha256(Array("\(request.method) \(request.uri)\n".utf8) + bytes)
      )
    }
    if let idempotency, let kept = try await answerAgain(idempotency, at: now) { return kept }
    let call = APICall(
      operation: operation,
      services: services,
      principal: principal,
      now: now,
      body: body,
      address: context.address,
      isSecure: settings.isSecure,
      upload: try reader.upload(request),
      proof: CollectorProof(request, body: bytes),
      parameters: parameters,
      session: found?.1,
      sessionToken: found.flatMap { _ in Authenticator.cookie(request) },
      idempotency: idempotency
    )
    guard let handler = handlers[operation.id] else { throw Problem.notFound("operation", "") }
    do {
      let reply = try await handler(call)
      if signsIn { throttle.note(context.address, isAccepted: true, at: now) }
      return try await finish(reply, call, request)
    } catch let problem as Problem where signsIn && problem.status == 401 {
      throttle.note(context.address, isAccepted: false, at: now)
      throw problem
    }
  }

  private static func tooMany(_ detail: String, _ seconds: Int) -> Problem {
    var problem = Problem(429, "too-many", "Too many requests", "\(detail); wait \(seconds) s")
    problem.retryAfter = seconds
    return problem
  }

  /// A page of another site can send a person's cookie along, and not this header.
  private func checkForgery(_ request: Request, _ session: Session) throws {
    guard case .cookie = session, request.method != .get, let token = Authenticator.cookie(request)
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

  private func answerAgain(
    _ idempotency: APICall.Idempotency,
    at now: Instant
  ) async throws -> Response? {
    guard
      let kept = try await services.store.read({
        try $0.answer(under: idempotency.key, at: now)
      })
    else {
      return nil
    }
    guard kept.request == idempotency.request else {
      throw Problem(422, "reused-key", "This Idempotency-Key belongs to another request")
    }
    guard kept.status > 0 else {
      throw Problem(
        409,
        "conflict",
        "The request was carried out already",
        "its answer was lost; read what it was to change"
      )
    }
    var response = Response(status: .init(code: kept.status))
    for (name, value) in (try? JSONValue(parsing: kept.headers))?.object?.members ?? [] {
      if let name = HTTPField.Name(name) { response.headers[name] = value.string }
    }
    response.headers[.idempotentReplayed] = "true"
    response.body = ResponseBody(byteBuffer: ByteBuffer(string: kept.body))
    return response
  }

  /// A handler's reply as a response.
  private func finish(_ reply: APIReply, _ call: APICall, _ request: Request) async throws
    -> Response
  {
    var response = Response(status: .init(code: reply.status ?? call.operation.status))
    for (name, value) in reply.headers {
      if let name = HTTPField.Name(name) {
        response.headers.append(HTTPField(name: name, value: value))
      }
    }
    var bytes: [UInt8] = []
    if let body = reply.body {
      response.headers[.contentType] = "application/json"
      bytes = Array(body.text.utf8)
      if reply.hasTag {
        let tag = body.entityTag
        response.headers[.eTag] = tag
        if call.text("If-None-Match") == tag {
          response.status = .notModified
          response.headers[.contentType] = nil
          return response
        }
      }
    } else if let text = reply.text {
      response.headers[.contentType] = text.type
      bytes = text.bytes
    } else if let events = reply.events {
      response.headers[.contentType] = "text/event-stream"
      let body = request.body
      response.body = ResponseBody { try await events.write(&$0, body) }
      return response
    }
    if let idempotency = call.idempotency, !reply.hasSecret {
      let headers = response.headers.filter { $0.name != .setCookie }.map {
        (key: $0.name.rawName, value: JSONValue.string($0.value))
      }
      let answer = IdempotentAnswer(
        request: idempotency.request,
        status: response.status.code,
        headers: JSONValue.object(JSONObject(headers)).text,
        body: String(decoding: bytes, as: UTF8.self)
      )
      try await services.store.write(as: call.principal.name, at: call.now) {
        try $0.keep(answer, under: idempotency.key)
      }
    }
    let accepted = request.headers[.acceptEncoding]?.lowercased() ?? ""
    if bytes.count > 1024, accepted.contains("gzip"), let packed = Gzip.compress(bytes) {
      response.headers[.contentEncoding] = "gzip"
      response.headers[.vary] = "Accept-Encoding"
      bytes = packed
    }
    if !bytes.isEmpty { response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)) }
    return response
  }

  /// A problem as a response.
  func answer(_ problem: Problem, _ context: WebContext) -> Response {
    var response = Response(status: .init(code: problem.status))
    response.headers[.contentType] = "application/problem+json"
    if let seconds = problem.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
    if problem.status == 401 { response.headers[.wwwAuthenticate] = "Bearer" }
    let text = problem.json(context.requestID).text
    response.body = ResponseBody(byteBuffer: ByteBuffer(string: text))
    return response
  }
}

extension String {
  /// Whether two secrets are the same, compared in a time that does not tell where they differ.
  func isSame(as other: String) -> Bool {
    let (left, right) = (Array(utf8), Array(other.utf8))
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
