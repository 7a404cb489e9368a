import Foundation
import HTTP
import JSON
import Model

/// Asks a provider, and takes its answers only as they should be.
struct ProviderCalls: Sendable {
  let client: any HTTPClient
  let timeout: Double

  /// How many bytes an answer may have.
  static let limit = 1 << 20

  /// What the token endpoint gives for a code (OpenID Connect Core 1.0, 3.1.3.3).
  struct Tokens: Sendable {
    var idToken: Secret
    var accessToken: Secret?
  }

  /// Reads a JSON document.
  ///
  /// - Throws: ``OpenIDError``.
  func document(_ url: String, _ source: OpenIDError.Source, token: Secret? = nil) async throws
    -> JSONValue
  {
    var request = HTTPRequest("GET", url, headers: Self.headers, timeout: timeout)
    if let token { request[header: "Authorization"] = "Bearer \(token.revealed)" }
    let response = try await send(request, source)
    guard response.status == 200 else { throw OpenIDError.failed(source, status: response.status) }
    return try Self.json(response, source)
  }

  /// Redeems a code (OpenID Connect Core 1.0, 3.1.3.1; RFC 7636, 4.5).
  ///
  /// - Throws: ``OpenIDError``; what was sent is not told, even where the provider repeats it.
  func tokens(
    _ code: Secret,
    _ pending: PendingSignIn,
    _ settings: OpenIDSettings,
    _ metadata: ProviderMetadata
  ) async throws -> Tokens {
    var form = [
      (name: "grant_type", value: "authorization_code"), ("code", code.revealed),
      ("redirect_uri", pending.redirect), ("code_verifier", pending.verifier.revealed),
    ]
    var request = HTTPRequest(
      "POST",
      metadata.tokenEndpoint.text,
      headers: Self.headers + [("Content-Type", "application/x-www-form-urlencoded")],
      timeout: timeout
    )
    if let secret = settings.clientSecret {
      if metadata.authentications.contains("client_secret_basic") {
        // Both are form-encoded before they are joined (RFC 6749, 2.3.1).
        let pair = "\(Encoding.percent(settings.clientID)):\(Encoding.percent(secret.revealed))"
        request[header: "Authorization"] = "Basic \(Data(pair.utf8).base64EncodedString())"
      } else if metadata.authentications.contains("client_secret_post") {
        form += [("client_id", settings.clientID), ("client_secret", secret.revealed)]
      } else {
        throw OpenIDError.noClientAuthentication(offered: metadata.authentications)
      }
    } else {
      form.append(("client_id", settings.clientID))
    }
    request.body = Array(Encoding.form(form).utf8)
    let response = try await send(request, .token)
    let sent = [code, pending.verifier] + (settings.clientSecret.map { [$0] } ?? [])
    guard response.status == 200 else { throw Self.refusal(response, hiding: sent) }
    return try Self.tokens(try Self.json(response, .token))
  }

  private static func tokens(_ answer: JSONValue) throws(OpenIDError) -> Tokens {
    guard let idToken = answer["id_token"]?.string else {
      throw .unreadable(.token, reason: "there is no id_token; the scope openid must be allowed")
    }
    if let type = answer["token_type"]?.string, type.lowercased() != "bearer" {
      throw .unreadable(.token, reason: "token_type is \(Encoding.shown(type)), not Bearer")
    }
    return Tokens(
      idToken: Secret(idToken),
      accessToken: answer["access_token"]?.string.map(Secret.init)
    )
  }

  /// What an error of the token endpoint says (RFC 6749, 5.2).
  private static func refusal(_ response: HTTPResponse, hiding sent: [Secret]) -> OpenIDError {
    let answer = (try? JSONParser().parse(response.body)) ?? .null
    guard let error = answer["error"]?.string, (400..<500).contains(response.status) else {
      return .failed(.token, status: response.status)
    }
    let words = [error, answer["error_description"]?.string ?? ""].map { text in
      let hidden = sent.reduce(text) { text, secret in
        [secret.revealed, Encoding.percent(secret.revealed)].filter { !$0.isEmpty }
          .reduce(text) { $0.replacing($1, with: secret.description) }
      }
      return Encoding.shown(hidden)
    }
    return .codeRefused(error: words[0], description: words[1])
  }

  private static var headers: [(name: String, value: String)] {
    [("Accept", "application/json"), ("User-Agent", "plumb")]
  }

  private func send(
    _ request: HTTPRequest,
    _ source: OpenIDError.Source
  ) async throws -> HTTPResponse {
    let response: HTTPResponse
    do {
      response = try await client.send(request)
    } catch let error as HTTPError {
      if case .tooLarge(_, let limit) = error { throw OpenIDError.tooLarge(source, limit: limit) }
      throw OpenIDError.unreachable(source, reason: "\(error)")
    }
    if (300..<400).contains(response.status) {
      let host = ProviderURL.host(of: response[header: "Location"] ?? "")
      throw OpenIDError.redirected(source, host: host)
    }
    guard response.body.count <= Self.limit else {
      throw OpenIDError.tooLarge(source, limit: Self.limit)
    }
    return response
  }

  private static func json(
    _ response: HTTPResponse,
    _ source: OpenIDError.Source
  ) throws(OpenIDError) -> JSONValue {
    do {
      return try JSONParser().parse(response.body)
    } catch {
      throw .unreadable(source, reason: Encoding.shown("\(error)"))
    }
  }
}
