package import Hummingbird
import HummingbirdTLS
import HTTPTypes
import HummingbirdCore
package import Logging
import Model
package import NIOSSL
import Operations
package import SignIn
import Store

/// How the server listens and whom it trusts.
package struct ServerSettings: Sendable {
  package var host: String
  /// 0 for a free one.
  package var port: Int
  /// The certificate chain and key, of which TLS is made; nil for plain HTTP.
  package var tls: TLSConfiguration?
  /// Whether clients reach it over TLS that something before it ends.
  package var isBehindTLS: Bool
  /// Requests a second and caller; 0 for no limit.
  package var requestsPerSecond: Double
  /// Requests for decisions a second and key; 0 for no limit.
  package var decisionsPerSecond: Double
  /// Whether `/metrics` asks for no key.
  package var hasOpenMetrics: Bool
  /// The proxies before the server.
  package var proxies = TrustedProxies()
  /// The style and scripts of the dashboard.
  package var assets = Assets()
  /// The OpenID provider through which people sign in, and where it sends them back to.
  package var openID: (provider: OpenIDProvider, redirect: String)?

  package init(
    host: String,
    port: Int,
    tls: TLSConfiguration? = nil,
    isBehindTLS: Bool = false,
    requestsPerSecond: Double = 50,
    decisionsPerSecond: Double = 5000,
    hasOpenMetrics: Bool = false
  ) {
    (self.host, self.port, self.tls, self.isBehindTLS) = (host, port, tls, isBehindTLS)
    (self.requestsPerSecond, self.hasOpenMetrics) = (requestsPerSecond, hasOpenMetrics)
    self.decisionsPerSecond = decisionsPerSecond
  }

  /// Whether clients reach the server over TLS.
  package var isSecure: Bool { tls != nil || isBehindTLS }
}

/// What a request carries along.
package struct WebContext: RequestContext {
  package var coreContext: CoreRequestContextStorage
  /// The client's address.
  package var address: String

  package init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    address = source.channel.remoteAddress?.ipAddress ?? ""
  }

  /// The request's number in the log.
  package var requestID: String {
    if case .string(let id)? = logger[metadataKey: "hb.request.id"] { return id }
    if case .stringConvertible(let id)? = logger[metadataKey: "hb.request.id"] {
      return "\(id)"
    }
    return ""
  }
}

extension ServerSettings {
  /// The path to which an OpenID provider sends browsers back.
  package static let openIDCallback = SignInPages.callback
}

/// The server: the API, the dashboard, health, metrics.
package struct WebServer: Sendable {
  private let services: Services
  private let settings: ServerSettings
  private let logger: Logger
  private let metrics = Metrics()
  private let api: APIServer

  /// - Throws: ``DocumentError`` when the API's description and its handlers do not fit together.
  package init(_ services: Services, _ settings: ServerSettings, logger: Logger) throws {
    (self.services, self.settings, self.logger) = (services, settings, logger)
    api = try APIServer(services, settings, metrics: metrics)
  }

  /// The most bytes of an address and headers, as of a body.
  private static let headerLimit = 1 << 20

  /// The application; `started` is called with the port on which it listens.
  package func application(
    started: @escaping @Sendable (Int) async -> Void
  ) throws -> some ApplicationProtocol {
    let router = Router(context: WebContext.self)
    router.add(middleware: ClientAddress(proxies: settings.proxies))
    router.add(middleware: CommonHeaders(isSecure: settings.isSecure))
    let pages = PageServer(
      api: api,
      metrics: metrics,
      assets: settings.assets,
      isSecure: settings.isSecure,
      hasOpenID: settings.openID != nil
    )
    router.add(middleware: LastResort(pages: pages))
    api.addRoutes(to: router)
    pages.addRoutes(to: router)
    if let openID = settings.openID {
      SignInPages(
        provider: openID.provider,
        redirect: openID.redirect,
        services: services,
        isSecure: settings.isSecure,
        pages: pages
      ).addRoutes(to: router)
    }
    addHealth(to: router)
    let configuration = ApplicationConfiguration(
      address: .hostname(settings.host, port: settings.port),
      serverName: nil
    )
    // A filter may name many resources; beyond this a request is cut off with an empty 400.
    let http = HTTPServerBuilder.http1(
      configuration: HTTP1Channel.Configuration(
        httpDecoderConfiguration: .init(
          maxHeaderFieldSize: Self.headerLimit,
          maxHeaderListSize: Self.headerLimit
        )
      )
    )
    let server: HTTPServerBuilder =
      if let tls = settings.tls { try .tls(http, tlsConfiguration: tls) } else { http }
    return Application(
      router: router,
      server: server,
      configuration: configuration,
      onServerRunning: { channel in await started(channel.localAddress?.port ?? 0) },
      logger: logger
    )
  }

  /// Liveness, readiness and metrics, at the places where orchestrators look.
  private func addHealth(to router: Router<WebContext>) {
    router.get("/healthz") { _, _ in "ok\n" }
    router.head("/healthz") { _, _ in Response(status: .ok) }
    router.get("/readyz") { _, _ -> Response in
      let isReady = (try? await services.store.read { try $0.changeCount() }) != nil
      return Response(
        status: isReady ? .ok : .serviceUnavailable,
        body: .init(
          byteBuffer: ByteBuffer(
            string: (isReady ? "ready\n" : "the database is away\n")
              + (services.guards.isFailing.map { "guardrails cannot be read since \($0)\n" } ?? "")
          )
        )
      )
    }
    router.get("/metrics") { request, context -> Response in
      if !settings.hasOpenMetrics {
        let caller = try? await Authenticator(services: services).caller(
          request,
          at: services.clock()
        )
        guard caller?.0.sight(.read).isEverything == true else {
          return api.answer(
            Problem(
              401,
              "not-signed-in",
              "Not signed in",
              "metrics need a key that sees everything"
            ),
            context
          )
        }
      }
      let open = (try? await services.store.read { try $0.openScans().count }) ?? 0
      let alerts = (try? await services.store.read { try $0.alertFigures() }) ?? AlertFigures()
      let text = metrics.text([
        ("plumb_alerts_waiting", "Alerts that wait.", Double(alerts.states[.waiting] ?? 0)),
        ("plumb_alerts_dead", "Alerts that nobody took.", Double(alerts.states[.dead] ?? 0)),
        (
          "plumb_alerts_delivered", "Alerts that were delivered and are kept.",
          Double(alerts.states[.delivered] ?? 0)
        ),
        (
          "plumb_alerts_delivered_seconds", "Seconds from notice to delivery of those, in all.",
          alerts.seconds
        ),
        ("plumb_open_scans", "Scans that have not ended.", Double(open)),
        (
          "plumb_guardrails_tripped", "Whether requests are only monitored.",
          services.guards.isTripped ? 1 : 0
        ),
        (
          "plumb_guardrails_failing",
          "Whether guardrails cannot be read, so that former ones decide.",
          services.guards.isFailing == nil ? 0 : 1
        ),
        (
          "plumb_decisions_lost", "Decisions that were not logged.",
          Double(services.guards.log.lost)
        ),
      ])
      var response = Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: text)))
      response.headers[.contentType] = "text/plain; version=0.0.4"
      return response
    }
  }
}

/// The headers that every answer has.
private struct CommonHeaders: RouterMiddleware {
  let isSecure: Bool

  func handle(
    _ request: Request,
    context: WebContext,
    next: @concurrent (Request, WebContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    response.headers[.contentSecurityPolicy] =
      response.headers[.contentSecurityPolicy]
      ?? "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    response.headers[.xContentTypeOptions] = "nosniff"
    response.headers[.referrerPolicy] = response.headers[.referrerPolicy] ?? "no-referrer"
    response.headers[.requestID] = context.requestID
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    if isSecure { response.headers[.strictTransportSecurity] = "max-age=31536000" }
    return response
  }
}

/// Turns what nothing else answers into a problem.
private struct LastResort: RouterMiddleware {
  let pages: PageServer

  func handle(
    _ request: Request,
    context: WebContext,
    next: @concurrent (Request, WebContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let status = (error as? any HTTPResponseError)?.status.code ?? 500
      if status >= 500 { context.logger.error("failed", metadata: ["error": "\(error)"]) }
      let problem =
        status == 404
        ? Problem(404, "not-found", "There is no such page", "\(request.uri.path)")
        : Problem(status, "fault", "The request cannot be answered")
      return await pages.refusal(problem, request, context)
    }
  }
}

extension HTTPField.Name {
  private static func of(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no header") }
    return name
  }

  static let referrerPolicy = of("Referrer-Policy")
  static let requestID = of("X-Request-Id")
  static let idempotentReplayed = of("Idempotent-Replayed")
}
