import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import SignIn

/// PyPI's oidc-provider-mock on a free port of 127.0.0.1, and a client that is registered there.
struct ProviderDouble {
  static let python = Fixtures.root.appendingPathComponent(".build/tools/bin/python")
  /// Where browsers are sent back to; nothing answers there.
  static let redirect = "http://localhost:9/callback?from=double"

  let url: String
  let clientID: String
  let secret: Secret
  private let client: CurlClient

  /// Hands over a running provider with a client and one person.
  static func with(_ body: (ProviderDouble) async throws -> Void) async throws {
    let (process, input, output) = (Process(), Pipe(), Pipe())
    process.executableURL = python
    process.arguments = [Fixtures.root.appendingPathComponent("Tests/SignInTests/provider.py").path]
    process.standardInput = input
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.start()
    // The provider also ends with its input, and so when this process dies.
    defer {
      process.terminate()
      try? input.fileHandleForWriting.close()
    }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let port = try #require(
      Int(line.trimmingCharacters(in: .whitespacesAndNewlines)),
      "the provider does not start; script/prepare --tests installs it"
    )
    try await body(ProviderDouble("http://127.0.0.1:\(port)"))
  }

  private init(_ url: String) async throws {
    self.url = url
    client = try CurlClient(limit: OpenIDProvider.answerLimit)
    let registration = try await Self.send(
      client,
      "POST",
      url + "/oauth2/clients",
      ["redirect_uris": [.string(Self.redirect)]]
    )
    let made = try JSONParser().parse(registration.body)
    clientID = try #require(made["client_id"]?.string)
    secret = Secret(try #require(made["client_secret"]?.string))
    _ = try await Self.send(
      client,
      "PUT",
      url + "/users/alice",
      ["name": "Alice Ä", "email": "alice@example.com", "teams": ["ops", "audit"]]
    )
  }

  private static func send(
    _ client: CurlClient,
    _ method: String,
    _ url: String,
    _ json: JSONValue
  ) async throws -> HTTPResponse {
    let type = [(name: "Content-Type", value: "application/json")]
    let body = Array(json.text.utf8)
    let answer = try await client.send(HTTPRequest(method, url, headers: type, body: body))
    try #require(
      (200..<300).contains(answer.status),
      "\(String(decoding: answer.body, as: UTF8.self))"
    )
    return answer
  }

  /// Sign-in through this provider.
  func provider(secret: Secret? = nil, scopes: [String]? = nil) throws -> OpenIDProvider {
    var settings = OpenIDSettings(
      issuer: url,
      clientID: clientID,
      clientSecret: secret ?? self.secret,
      redirects: [Self.redirect]
    )
    settings.claims.groups = "teams"
    settings.scopes = scopes ?? settings.scopes
    return try OpenIDProvider(settings, client: client) {
      Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
  }

  /// Does what a person does: opens the page, fills in the form, and is sent back.
  ///
  /// - Returns: the query of the address that the browser is sent back to.
  func visit(_ url: String, _ form: String) async throws -> [(name: String, value: String)] {
    let page = try await client.send(HTTPRequest("GET", url))
    let text = String(decoding: page.body, as: UTF8.self)
    try #require(page.status == 200 && text.contains("name=\"sub\""), "\(page.status) \(text)")
    let type = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
    let answer = try await client.send(
      HTTPRequest("POST", url, headers: type, body: Array(form.utf8))
    )
    let location = try #require(answer[header: "Location"], "\(answer.status)")
    #expect(location.hasPrefix(Self.redirect))
    let items = URLComponents(string: location)?.queryItems ?? []
    return items.map { ($0.name, $0.value ?? "") }
  }
}
