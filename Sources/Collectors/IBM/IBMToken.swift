import Foundation
package import HTTP
import JSON
package import Model
import Synchronization

/// What IBM Cloud's identity service gave for an API key: proof of who asks, for about an hour.
package struct IBMToken: Sendable, Hashable {
  let bearer: Secret
  /// The account that the key belongs to.
  package let account: String
  /// Who asks.
  package let identity: String
  /// When it is to be fetched anew, and when it ends.
  let renewal: Instant
  let end: Instant

  /// The token of an answer that came at an instant.
  ///
  /// - Throws: ``IBMTokenError``.
  init(_ answer: JSONValue, at now: Instant) throws(IBMTokenError) {
    guard let text = answer["access_token"]?.string, !text.isEmpty else {
      throw .unreadable("it holds no access_token")
    }
    let claims = try Self.claims(text)
    guard let account = claims["account"]?["bss"]?.string, !account.isEmpty else {
      throw .unreadable("the token names no account")
    }
    (bearer, self.account) = (Secret(text), account)
    identity = (claims["iam_id"] ?? claims["id"])?.string ?? ""
    let claimed = claims["exp"]?.whole.flatMap { end in claims["iat"]?.whole.map { end - $0 } }
    let life = Int64(max(60, answer["expires_in"]?.whole ?? claimed ?? 3600)) * 1000
    renewal = now.advanced(milliseconds: life / 5 * 4)
    end = now.advanced(milliseconds: life)
  }

  /// What a token says; its signature is checked by those that it is shown to.
  private static func claims(_ text: String) throws(IBMTokenError) -> JSONValue {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .unreadable("the token is no JSON Web Token") }
    var base = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
    base += String(repeating: "=", count: (4 - base.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: base), let claims = try? JSONParser().parse(Array(data))
    else { throw .unreadable("the token is no JSON Web Token") }
    return claims
  }
}

/// Gets tokens for an API key, keeps the one in force, and fetches the next in time.
package final class IBMTokens: Sendable {
  private struct State {
    var token: IBMToken?
    var fetching: Task<IBMToken, any Error>?
  }

  private let key: Secret
  private let remedy: String
  private let url: String
  private let client: any HTTPClient
  private let timeout: Double
  private let clock: @Sendable () -> Instant
  private let sleep: @Sendable (Double) async throws -> Void
  private let state = Mutex(State())

  /// Tokens for a key.
  ///
  /// - Parameters:
  ///   - key: the API key.
  ///   - remedy: what to do with a new key where this one is not accepted.
  ///   - address: where IBM Cloud is.
  ///   - client: sends what is asked.
  ///   - timeout: how long to wait for an answer, in seconds.
  ///   - clock: the time of day.
  ///   - pause: waits for some seconds.
  package init(
    key: Secret,
    remedy: String,
    address: IBMAddress,
    client: any HTTPClient,
    timeout: Double = 30,
    clock: @escaping @Sendable () -> Instant,
    pause: @escaping @Sendable (Double) async throws -> Void = {
      try await Task.sleep(for: .seconds($0))
    }
  ) {
    (self.key, self.remedy, url) = (key, remedy, address.tokens)
    (self.client, self.timeout) = (client, timeout)
    (self.clock, sleep) = (clock, pause)
  }

  /// The token in force, or a new one where it is about to end.
  ///
  /// - Throws: ``IBMTokenError``, `CancellationError`.
  package func token() async throws -> IBMToken {
    let now = clock()
    let kept = state.withLock { $0.token }
    if let kept, now < kept.renewal { return kept }
    do {
      return try await fetch(instead: kept)
    } catch {
      // A token that still holds is better than none.
      if let kept, now < kept.end, !(error is CancellationError) { return kept }
      throw error
    }
  }

  /// A new token after one that was refused, unless somebody has fetched one since.
  func token(after refused: IBMToken) async throws -> IBMToken {
    let kept = state.withLock { $0.token }
    if let kept, kept != refused { return kept }
    return try await fetch(instead: refused)
  }

  /// Of many callers one fetches.
  private func fetch(instead former: IBMToken?) async throws -> IBMToken {
    let task = state.withLock { state -> Task<IBMToken, any Error>? in
      if state.token != former, state.token != nil { return nil }
      if let task = state.fetching { return task }
      // A task of its own: that one caller is cancelled must not fail the others who wait.
      let task = Task {
        let result: Result<IBMToken, any Error>
        do { result = .success(try await self.ask()) } catch { result = .failure(error) }
        self.state.withLock { state in
          state.fetching = nil
          if case .success(let token) = result { state.token = token }
        }
        return try result.get()
      }
      state.fetching = task
      return task
    }
    guard let task else { return try await token() }
    return try await task.value
  }

  private func ask() async throws -> IBMToken {
    for attempt in 1... {
      do {
        return try await askOnce()
      } catch let error as IBMTokenError {
        guard APIRetry.helps(error.cause, status: error.status, attempt: attempt) else {
          throw error
        }
        try await sleep(APIRetry.wait(attempt: attempt, now: clock()))
      }
    }
    throw CancellationError()
  }

  private func askOnce() async throws -> IBMToken {
    let form = [
      ("grant_type", "urn:ibm:params:oauth:grant-type:apikey"), ("apikey", key.revealed),
      ("response_type", "cloud_iam"),
    ]
    let body = form.map { "\($0)=\(PercentEncoding.encoded(Array($1.utf8)))" }
    let request = HTTPRequest(
      "POST",
      url,
      headers: [
        ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"),
        ("User-Agent", "plumb"),
      ],
      body: Array(body.joined(separator: "&").utf8),
      timeout: timeout
    )
    let response: HTTPResponse
    do {
      response = try await client.send(request)
    } catch let error as HTTPError {
      throw IBMTokenError.unreachable("\(error)")
    }
    let answer = (try? JSONParser().parse(response.body)) ?? .null
    guard response.status == 200 else {
      throw IBMTokenError(response.status, answer, hiding: key, remedy: remedy)
    }
    return try IBMToken(answer, at: clock())
  }
}

/// Why there is no token.
package enum IBMTokenError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The identity service does not accept the key; its own words, and what to do with a new key.
  case refused(String, remedy: String)
  /// The identity service is busy or broken.
  case failed(status: Int, String)
  case unreachable(String)
  /// What came is no token.
  case unreadable(String)

  /// What an answer other than a token means; the key that was sent is not told.
  init(_ status: Int, _ body: JSONValue, hiding key: Secret, remedy: String) {
    let words = [body["errorCode"]?.string, body["errorMessage"]?.string]
      .compactMap { $0.map(key.hidden(in:)) }.filter { !$0.isEmpty }
    let text = words.isEmpty ? "status \(status)" : words.joined(separator: " ")
    self =
      [400, 401, 403].contains(status)
      ? .refused(text, remedy: remedy) : .failed(status: status, text)
  }

  /// What it comes to for a call that wants a token.
  var cause: APIRefusal.Cause {
    switch self {
    case .refused: .credentials
    case .failed(429, _): .throttled
    case .failed: .failed
    case .unreachable: .unreachable
    case .unreadable: .malformed
    }
  }

  /// The status of the answer, where it decides whether to ask again.
  var status: Int? { if case .failed(let status, _) = self { status } else { nil } }

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .refused(let words, let remedy):
      "IBM Cloud does not accept the API key (\(words)); make a new one with "
        + "ibmcloud iam service-api-key-create, and \(remedy)"
    case .failed(_, let words):
      "IBM Cloud's identity service gives no token: \(words); try again later, "
        + "https://cloud.ibm.com/status tells whether it works"
    case .unreachable(let reason):
      "IBM Cloud's identity service: \(reason); see that the machine, or the proxy in https_proxy, "
        + "reaches iam.cloud.ibm.com or what --endpoint-url names"
    case .unreadable(let reason):
      "what IBM Cloud's identity service answers is no token: \(reason); see that --endpoint-url "
        + "and https_proxy, where they are set, lead to IBM Cloud"
    }
  }
}
