import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Model
import Reports

/// Answers the pages of the dashboard: who visits, what the page shows, what its forms change.
struct PageServer: Sendable {
  let api: APIServer
  let metrics: Metrics
  let assets: Assets
  let isSecure: Bool
  /// Whether people sign in through an OpenID provider too.
  let hasOpenID: Bool

  /// What pages may load and where their forms go: nothing from elsewhere, nothing inline.
  static let policy =
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    + "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

  func addRoutes(to router: Router<WebContext>) {
    assets.addRoutes(to: router)
    for page in Page.all {
      router.get(RouterPath(page.path)) { request, context in
        await answer("page \(page.path)", request, context) {
          try await show(page, request, context)
        }
      }
      guard let change = page.change else { continue }
      router.post(RouterPath(page.path)) { request, context in
        await answer("change \(page.path)", request, context) {
          try await self.change(page, change, request, context)
        }
      }
    }
    router.get("/sign-in") { request, context in
      await answer("page /sign-in", request, context) { signInPage(request, context) }
    }
    router.post("/sign-in") { request, context in
      await answer("change /sign-in", request, context) { try await signIn(request, context) }
    }
    router.post("/sign-out") { request, context in
      await answer("change /sign-out", request, context) { try await signOut(request, context) }
    }
    router.post("/theme") { request, context in
      await answer("change /theme", request, context) { try await setTheme(request) }
    }
  }

  /// Answers whatever happens, and notes it.
  private func answer(
    _ name: String,
    _ request: Request,
    _ context: WebContext,
    _ body: () async throws -> Response
  ) async -> Response {
    let start = ContinuousClock.now
    var response: Response
    do {
      response = try await body()
    } catch {
      response = await refusal(error, request, context)
    }
    let took = ContinuousClock.now - start
    metrics.note(name, status: response.status.code, took)
    context.logger.info(
      "answered",
      metadata: [
        "operation": "\(name)", "status": "\(response.status.code)",
        "address": "\(context.address)", "microseconds": "\(Int(took / .microseconds(1)))",
      ]
    )
    return response
  }

  // MARK: - Pages

  private func show(_ page: Page, _ request: Request, _ context: WebContext) async throws
    -> Response
  {
    let asker = try await api.asker(request, context, signsIn: false)
    let address = Address(request)
    guard asker.found != nil else {
      // The code of the first sign-in comes with the address that the server prints.
      if page.path == "/", address.query.contains(where: { $0.name == "code" }) {
        return signInPage(request, context)
      }
      return toSignIn(request, address)
    }
    try api.admit(asker)
    let visit = try visit(asker, address, page, request, context)
    return try await show(page, visit, request, status: .ok)
  }

  private func show(
    _ page: Page,
    _ visit: Visit,
    _ request: Request,
    status: HTTPResponse.Status
  ) async throws -> Response {
    switch try await page.show(visit) {
    case .page(let content):
      return response(frame(visit).page(content), request, status: status)
    case .file(let name, let type, let write):
      var response = Response(status: .ok)
      response.headers[.contentType] = type
      response.headers[.contentDisposition] = "attachment; filename=\"\(name)\""
      response.body = ResponseBody { writer in
        let sink = BodySink(writer)
        try await write(sink)
        try await sink.finish()
      }
      return response
    }
  }

  private func change(
    _ page: Page,
    _ change: @Sendable (Visit, Form) async throws -> ChangeAnswer,
    _ request: Request,
    _ context: WebContext
  ) async throws -> Response {
    let form = try await Self.form(request)
    let asker = try await api.asker(request, context, signsIn: false)
    let address = Address(request)
    guard asker.found != nil else {
      return toSignIn(request, address)
    }
    try api.admit(asker)
    var visit = try visit(asker, address, page, request, context)
    visit.isChange = true
    guard form["csrf"].isSame(as: visit.antiForgery), asker.token != nil else { throw Self.forgery }
    do {
      switch try await change(visit, form) {
      case .go(let place): return Self.away(to: place.text)
      case .page(let content): return response(frame(visit).page(content), request, status: .ok)
      }
    } catch {
      guard let problem = api.problem(error),
        [400, 403, 404, 409, 412, 422, 428].contains(problem.status)
      else { throw error }
      // What was typed stays, with what is wrong beside it; unless the page itself is gone.
      visit.refused = (form, problem)
      do {
        return try await show(page, visit, request, status: .init(code: problem.status))
      } catch let other where api.problem(other)?.status == 404 {
        throw problem
      }
    }
  }

  private func visit(
    _ asker: Asker,
    _ address: Address,
    _ page: Page,
    _ request: Request,
    _ context: WebContext
  ) throws -> Visit {
    var parts: [String: String] = [:]
    for part in page.path.split(separator: "/") where part.hasPrefix("{") {
      let name = String(part.dropFirst().dropLast())
      let text = context.parameters.get(name) ?? ""
      parts[name] = text.removingPercentEncoding ?? text
    }
    var visit = Visit(
      asker: asker,
      api: api,
      address: address,
      parts: parts,
      theme: Self.theme(request)
    )
    visit.changes = page.operations
    if address.query.contains(where: { $0.name == "as_of" && !$0.value.isEmpty }),
      visit.asOf == nil
    {
      throw Problem.invalid(
        "as_of",
        "must be a day that there is, or an instant such as 2026-11-21T08:00:00Z"
      )
    }
    if visit.instant > asker.now {
      throw Problem.invalid("as_of", "lies ahead: of what will be nothing is known")
    }
    return visit
  }

  private func frame(_ visit: Visit) -> Frame {
    Frame(assets: assets, theme: visit.theme, address: visit.address, visit: visit)
  }

  // MARK: - Answers

  /// An error as a page, for those who read pages, or else as problem details.
  func refusal(_ error: any Error, _ request: Request, _ context: WebContext) async -> Response {
    var problem = Problem(
      500,
      "fault",
      "Something is wrong with the server",
      "the log has the reason"
    )
    if let known = api.problem(error) {
      problem = known
    } else {
      context.logger.error("failed", metadata: ["error": "\(error)"])
    }
    return await refusal(problem, request, context)
  }

  /// A problem as a page, for those who read pages, or else as problem details.
  ///
  /// Who is signed in keeps the navigation.
  func refusal(_ problem: Problem, _ request: Request, _ context: WebContext) async -> Response {
    let accepts = request.headers[.accept]?.lowercased() ?? ""
    guard accepts.contains("text/html"), !request.uri.path.hasPrefix("/api/") else {
      return api.answer(problem, context)
    }
    let asker = try? await api.asker(request, context, signsIn: false)
    let address = Address(request.uri.path)
    let theme = Self.theme(request)
    let visit = asker.flatMap { asker in
      asker.found.map { _ in
        Visit(asker: asker, api: api, address: address, parts: [:], theme: theme)
      }
    }
    let frame = Frame(assets: assets, theme: theme, address: address, visit: visit)
    let page = ErrorPage(
      problem: problem,
      request: context.requestID,
      asked: request.method == .get ? Address(request) : nil
    )
    var response = response(
      frame.page(page.content),
      request,
      status: .init(code: problem.status)
    )
    if let seconds = problem.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
    return response
  }

  func response(_ html: HTML, _ request: Request, status: HTTPResponse.Status) -> Response {
    var response = Response(status: status)
    response.headers[.contentType] = "text/html; charset=utf-8"
    response.headers[.contentSecurityPolicy] = Self.policy
    // A form's origin is told to its own site only, where it is checked.
    response.headers[.referrerPolicy] = "same-origin"
    var bytes = Array(html.text.utf8)
    let accepted = request.headers[.acceptEncoding]?.lowercased() ?? ""
    if accepted.contains("gzip"), let packed = Gzip.compress(bytes) {
      response.headers[.contentEncoding] = "gzip"
      response.headers[.vary] = "Accept-Encoding"
      bytes = packed
    }
    response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
    return response
  }

  static func away(to place: String) -> Response {
    var response = Response(status: .seeOther)
    response.headers[.location] = place
    return response
  }

  static func form(_ request: Request) async throws -> Form {
    let header = request.headers[.contentType] ?? ""
    let type = header.prefix { $0 != ";" }.lowercased()
    let isUpload = type == "multipart/form-data"
    guard isUpload || type == "application/x-www-form-urlencoded" else {
      throw Problem(415, "media-type", "The body must be a form", "Content-Type is \"\(type)\"")
    }
    let bytes = try await RequestReader.bytes(request, limit: RequestReader.bodyLimit)
    guard isUpload else { return Form(String(decoding: bytes, as: UTF8.self)) }
    let boundary = header.firstMatch(of: /boundary="?([^";]+)"?/).map { String($0.1) } ?? ""
    guard let form = Form(bytes, boundary: boundary) else {
      throw Problem(400, "invalid", "The body must be a form", "its parts cannot be told apart")
    }
    return form
  }
}

extension Address {
  /// The address that a request asked for.
  init(_ request: Request) {
    path = request.uri.path
    query = RequestReader.pairs(request.uri.query ?? "").map {
      Pair(name: $0.name, value: $0.value)
    }
  }
}

/// Writes text to the body of a response.
private final class BodySink: FileSink, @unchecked Sendable {
  // One task writes, piece after piece.
  private var writer: any ResponseBodyWriter

  init(_ writer: any ResponseBodyWriter) { self.writer = writer }

  func write(_ text: String) async throws {
    try await writer.write(ByteBuffer(string: text))
  }

  func finish() async throws { try await writer.finish(nil) }
}
