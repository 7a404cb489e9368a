import Foundation
import JSON
import Model
import Synchronization
import TestSupport

/// What stands for IBM Cloud's services: the identity service, and a book of answers for the others.
final class IBMStand: Sendable {
  /// What is done to a request instead of answering it; nil leaves it alone.
  typealias Fault =
    @Sendable (ReplayServer.Request, ReplayServer.Answer) -> ReplayServer.Answer?

  struct State {
    var fault: Fault?
    var tokens = 0
    /// The tokens that are taken no more.
    var ended: Set<String> = []
    var clock = IBMScene.now
  }

  let value = Mutex(State())
  /// How long callers waited between attempts, in seconds.
  let waited = Mutex<[Double]>([])

  func answer(_ request: ReplayServer.Request, _ book: ReplayBook) -> ReplayServer.Answer {
    let answer =
      request.path.hasSuffix("/identity/token")
      ? token(request) : authorized(request) ?? book.answer(request) ?? Self.notFound(request)
    return value.withLock({ $0.fault })?(request, answer) ?? answer
  }

  private static func notFound(_ request: ReplayServer.Request) -> ReplayServer.Answer {
    let message = JSONValue.string("nothing is recorded for \(request.line)")
    let error: JSONValue = ["code": "not_found", "message": message]
    return ReplayServer.Answer(404, json: ["errors": [error]])
  }

  /// A token, for the right key.
  private func token(_ request: ReplayServer.Request) -> ReplayServer.Answer {
    let form = String(decoding: request.body, as: UTF8.self)
    guard request.method == "POST", form.contains("apikey=\(IBMScene.key)&") else {
      let message: JSONValue = "Provided API key could not be found."
      let error: JSONValue = ["errorCode": "BXNIM0415E", "errorMessage": message]
      return ReplayServer.Answer(400, json: error)
    }
    let number = value.withLock { state in
      state.tokens += 1
      return state.tokens
    }
    let now = Int64(Date().timeIntervalSince1970)
    let claims =
      #"{"iat":\#(now),"exp":\#(now + 3600),"iam_id":"iam-ServiceId-audit","#
      + #""account":{"bss":"acc1"},"jti":"\#(number)"}"#
    let parts = [#"{"alg":"RS256"}"#, claims, "signature"].map { part in
      Data(part.utf8).base64EncodedString().replacing("=", with: "")
        .replacing("+", with: "-").replacing("/", with: "_")
    }
    return ReplayServer.Answer(
      json: [
        "access_token": .string(parts.joined(separator: ".")), "token_type": "Bearer",
        "refresh_token": "not_supported", "expires_in": 3600,
        "expiration": .integer(now + 3600),
      ]
    )
  }

  /// The refusal of a request whose token is not, or no more, in force.
  private func authorized(_ request: ReplayServer.Request) -> ReplayServer.Answer? {
    let token = request[header: "Authorization"]?.split(separator: " ").last ?? ""
    let claims = token.split(separator: ".").dropFirst().first.map(String.init) ?? ""
    let padded = claims + String(repeating: "=", count: (4 - claims.utf8.count % 4) % 4)
    let text = Data(base64Encoded: padded).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let number = text.split(separator: "\"").dropLast().last.map(String.init) ?? ""
    let isGood = value.withLock { Int(number) != nil && !$0.ended.contains(number) }
    if isGood { return nil }
    let error: JSONValue = ["code": "BXNIM0408E", "message": "Provided token is not active."]
    return ReplayServer.Answer(401, json: ["errors": [error]])
  }
}
