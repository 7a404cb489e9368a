import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Model
import SignIn
import Store

/// Sign-in through an OpenID provider: away to it, and back with its answer.
struct SignInPages: Sendable {
  let provider: OpenIDProvider
  /// Where the provider sends browsers back to.
  let redirect: String
  let services: Services
  let isSecure: Bool
  let pages: PageServer

  /// The path that sends browsers away to the provider.
  static let beginning = "/sign-in/openid"
  /// The path that the provider sends browsers back to.
  static let callback = "/sign-in/callback"

  func addRoutes(to router: Router<WebContext>) {
    router.get(RouterPath(Self.beginning)) { request, context in await begin(request, context) }
    router.get(RouterPath(Self.callback)) { request, context in await end(request, context) }
  }

  /// Sends the browser to the provider, with a cookie by which it is known when it comes back.
  private func begin(_ request: Request, _ context: WebContext) async -> Response {
    do {
      // Anybody may begin, and each beginning is kept for a while.
      try pages.api.admit(Asker(address: context.address, now: services.clock()))
      let (url, pending) = try await provider.authorization(redirect: redirect)
      let (state, now) = (Session.digest(pending.state), services.clock())
      var kept = pending.json.object ?? [:]
      kept["next"] = request.uri.queryParameters["next"].map { .string(String($0)) }
      let text = JSONValue.object(kept).text
      try await services.store.write(as: "sign-in", at: now) { transaction in
        try transaction.keepSignIn(state: state, pending: text, expiresAt: pending.expires)
      }
      var response = Self.away(to: url)
      response.headers[.setCookie] =
        "plumb_sign_in=\(state); Path=/sign-in; HttpOnly; SameSite=Lax; Max-Age=600"
        + (isSecure ? "; Secure" : "")
      return response
    } catch {
      return await refusal(error, request, context)
    }
  }

  private func end(_ request: Request, _ context: WebContext) async -> Response {
    do {
      let answer = request.uri.queryParameters.map {
        (name: String($0.key), value: String($0.value))
      }
      let state = Session.digest(answer.first { $0.name == "state" }?.value ?? "")
      guard Authenticator.cookie(request, named: "plumb_sign_in")?.isSame(as: state) == true else {
        throw Problem(
          400,
          "sign-in",
          "The sign-in was not begun in this browser",
          "begin it again at \(Self.beginning)"
        )
      }
      let now = services.clock()
      let kept = try await services.store.write(as: "sign-in", at: now) {
        try $0.takeSignIn(state: state)
      }
      let known = try kept.map { try JSONValue(parsing: $0) }
      guard let known, let pending = PendingSignIn(known) else {
        throw Problem(
          400,
          "sign-in",
          "The sign-in took too long",
          "begin it again at \(Self.beginning)"
        )
      }
      let identity = try await provider.identity(answer: answer, pending: pending)
      let token = try await session(of: identity, at: now)
      let next = known["next"]?.string ?? ""
      var response = Self.away(to: Address.isOwn(next) ? next : "/")
      response.headers[.setCookie] = Session.cookie(token, isSecure: isSecure)
      return response
    } catch {
      return await refusal(error, request, context)
    }
  }

  /// Begins a session of the person whom the provider calls so.
  ///
  /// One who is not known becomes a person without any role, for an administrator to see.
  private func session(of identity: Identity, at now: Instant) async throws -> String {
    let token = try Session.token(services.random)
    let ends = now.advanced(milliseconds: Int64(Session.hours) * 3_600_000)
    let isIn = try await services.store.write(as: "sign-in", at: now) { transaction in
      let person = try Self.person(identity, transaction)
      guard person.disabledAt == nil else { return false }
      try transaction.beginSession(digest: Session.digest(token), of: person.id, expiresAt: ends)
      return true
    }
    guard isIn else {
      throw Problem(403, "forbidden", "You cannot sign in any more", "ask an administrator")
    }
    return token
  }

  private static func person(_ identity: Identity, _ transaction: StoreTransaction) throws
    -> Person
  {
    let (issuer, subject) = (identity.issuer, identity.subject)
    if let known = try transaction.person(issuer: issuer, subject: subject) { return known }
    let people = try transaction.people()
    let email = identity.isEmailVerified ? identity.email ?? "" : ""
    // Whom an administrator added by address, without saying where that one signs in.
    if !email.isEmpty,
      let invited = people.first(where: {
        $0.issuer.isEmpty && $0.email.lowercased() == email.lowercased()
      })
    {
      try transaction.setIdentity(of: invited.id, email: email, issuer: issuer, subject: subject)
      return try transaction.person(invited.id)
    }
    let names = Set(people.map(\.name))
    let free = [email, identity.name ?? "", subject, "\(subject) of \(issuer)"].first {
      !$0.isEmpty && !names.contains($0)
    }
    return try transaction.addPerson(
      free ?? "\(subject) of \(issuer)",
      email: email,
      issuer: issuer,
      subject: subject
    )
  }

  private static func away(to url: String) -> Response {
    var response = Response(status: .seeOther)
    response.headers[.location] = url
    return response
  }

  private func refusal(
    _ error: any Error,
    _ request: Request,
    _ context: WebContext
  ) async -> Response {
    context.logger.warning("sign-in refused", metadata: ["error": "\(error)"])
    guard let error = error as? OpenIDError else {
      return await pages.refusal(error, request, context)
    }
    return await pages.refusal(
      Problem(502, "sign-in", "The OpenID provider did not sign you in", "\(error)"),
      request,
      context
    )
  }
}

extension PendingSignIn {
  fileprivate var json: JSONValue {
    [
      "state": .string(state), "nonce": .string(nonce), "verifier": .string(verifier.revealed),
      "redirect": .string(redirect), "expires": .integer(expires.milliseconds),
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let state = json["state"]?.string, let nonce = json["nonce"]?.string,
      let verifier = json["verifier"]?.string, let redirect = json["redirect"]?.string,
      case .integer(let expires)? = json["expires"]
    else { return nil }
    self.init(
      state: state,
      nonce: nonce,
      verifier: Secret(verifier),
      redirect: redirect,
      expires: Instant(milliseconds: expires)
    )
  }
}
