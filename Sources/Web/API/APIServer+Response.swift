import HTTPTypes
import Hummingbird
import JSON
import Model
import Store

// Replies and problems as responses, and replies that were given before.
extension APIServer {
  /// What was answered to a request that comes again; nil where it is new.
  func answerAgain(
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
  func finish(_ reply: APIReply, _ call: APICall, _ request: Request) async throws
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
      bytes = body.bytes
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
