import HTTPTypes
import Hummingbird
import JSON
import Model
import Reports

// Signing in and out, and the theme that a browser keeps.
extension PageServer {
  /// Sends somebody who is not signed in to where that is done, and back afterwards.
  func toSignIn(_ request: Request, _ address: Address) -> Response {
    let place = Address("/sign-in").with("next", address.text).text
    // A part of a page that is loaded alone would show the sign-in within the page.
    guard let name = HTTPField.Name("HX-Request"), request.headers[name] != nil,
      let redirect = HTTPField.Name("HX-Redirect")
    else { return Self.away(to: place) }
    var response = Response(status: .ok)
    response.headers[redirect] = place
    return response
  }

  func signInPage(
    _ request: Request,
    _ context: WebContext,
    _ problem: Problem? = nil,
    form: Form? = nil
  ) -> Response {
    let address = Address(request)
    func value(_ name: String) -> String {
      form?[name] ?? address.query.first { $0.name == name }?.value ?? ""
    }
    let page = SignInPage(
      code: value("code"),
      next: value("next"),
      hasOpenID: hasOpenID,
      problem: problem,
      isSignedOut: value("notice") == "signed-out"
    )
    let frame = Frame(assets: assets, theme: Self.theme(request), address: Address("/sign-in"))
    let status = HTTPResponse.Status(code: problem?.status ?? 200)
    return response(frame.bare(page.content), request, status: status)
  }

  func signIn(_ request: Request, _ context: WebContext) async throws -> Response {
    let form = try await Self.form(request)
    guard Self.isFromHere(request) else { throw Self.forgery }
    // Whoever is signed in already may sign in as somebody else.
    let asker = Asker(address: context.address, now: api.services.clock())
    do {
      try api.admit(asker)
      let code = JSONValue.string(form["code"])
      let reply = try await api.answer("signIn", [], ["code": code], as: asker)
      let next = form["next"]
      var response = Self.away(to: Address.isOwn(next) ? next : "/")
      for (name, value) in reply.headers where name == "Set-Cookie" {
        response.headers[.setCookie] = value
      }
      return response
    } catch {
      guard let problem = api.problem(error), problem.status < 500 else { throw error }
      return signInPage(request, context, problem, form: form)
    }
  }

  func signOut(_ request: Request, _ context: WebContext) async throws -> Response {
    let form = try await Self.form(request)
    let asker = try await api.asker(request, context, signsIn: false)
    var response = Self.away(to: Address("/sign-in", ["notice": "signed-out"]).text)
    guard let token = asker.token else { return response }
    guard form["csrf"].isSame(as: Session.antiForgery(token)) else { throw Self.forgery }
    let reply = try await api.answer("signOut", [], as: asker)
    for (name, value) in reply.headers where name == "Set-Cookie" {
      response.headers[.setCookie] = value
    }
    return response
  }

  static let forgery = Problem(
    403,
    "forgery",
    "This form is not one of yours",
    "it was made for another session, or by another site; open the page again"
  )

  /// Whether a form was sent from a page of this server, as far as the browser says.
  private static func isFromHere(_ request: Request) -> Bool {
    if let site = HTTPField.Name("Sec-Fetch-Site").flatMap({ request.headers[$0] }) {
      return ["same-origin", "none"].contains(site)
    }
    guard let origin = request.headers[.origin] else { return true }
    let host = origin.split(separator: "/", maxSplits: 1).last.map {
      $0.hasPrefix("/") ? String($0.dropFirst()) : String($0)
    }
    return host == request.head.authority
  }

  // MARK: - Looks

  static func theme(_ request: Request) -> String {
    let named = Authenticator.cookie(request, named: "plumb_theme") ?? ""
    return ["light", "dark"].contains(named) ? named : ""
  }

  func setTheme(_ request: Request) async throws -> Response {
    let form = try await Self.form(request)
    let theme = ["light", "dark"].contains(form["theme"]) ? form["theme"] : "auto"
    var response = Self.away(to: Address.isOwn(form["next"]) ? form["next"] : "/")
    response.headers[.setCookie] =
      "plumb_theme=\(theme); Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
      + (isSecure ? "; Secure" : "")
    return response
  }
}
