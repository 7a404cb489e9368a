import Hummingbird
import Model
import Store

/// How a caller is signed in.
enum Session: Sendable {
  /// By an API key of a number.
  case key(Int64)
  /// By a cookie, with the digest of what is in it.
  case cookie(digest: String)

  /// What a change has to carry in `X-CSRF-Token`, derived from a session's token.
  static func antiForgery(_ token: String) -> String {
    String(Digest.sha256(Array("anti-forgery \(token)".utf8)).prefix(40))
  }

  /// How long a session lasts.
  static let hours = 12

  /// The cookie of a session.
  static func cookie(_ token: String, isSecure: Bool) -> String {
    "plumb=\(token); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(hours * 3600)"
      + (isSecure ? "; Secure" : "")
  }

  /// A secret that nobody guesses, in letters that need no escaping.
  static func token(_ random: @Sendable (Int) throws -> [UInt8]) throws -> String {
    let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789-_~.+$")
    return String(try random(43).map { letters[Int($0) & 63] })
  }

  /// What is kept of a token.
  static func digest(_ token: String) -> String { Digest.sha256(Array(token.utf8)) }
}

/// Finds out who asks.
struct Authenticator: Sendable {
  let services: Services

  /// The caller of a request, and how that one is signed in; nil where nobody is.
  ///
  /// - Throws: a problem for a key or session that is not in force.
  func caller(_ request: Request, at now: Instant) async throws -> (Principal, Session)? {
    if let header = request.headers[.authorization] {
      let parts = header.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else {
        throw Self.problem("Authorization must be: Bearer KEY")
      }
      return try await caller(key: String(parts[1]), at: now)
    }
    guard let token = Self.cookie(request) else { return nil }
    let digest = Session.digest(token)
    let principal = try await services.store.read { transaction -> Principal? in
      guard let person = try transaction.sessionPerson(digest: digest, at: now) else { return nil }
      return try transaction.principal(person, at: now)
    }
    return principal.map { ($0, .cookie(digest: digest)) }
  }

  private func caller(key: String, at now: Instant) async throws -> (Principal, Session) {
    guard let found = try await services.callers.caller(digest: Session.digest(key), at: now) else {
      throw Self.problem("the API key is not known, has ended or was revoked")
    }
    await services.noteUse(of: found, at: now)
    return (found.principal, .key(found.key.id))
  }

  static func problem(_ detail: String) -> Problem {
    Problem(401, "not-signed-in", "Not signed in", detail)
  }

  /// What is in a cookie; in the session's where none is named.
  static func cookie(_ request: Request, named name: String = "plumb") -> String? {
    for header in request.headers[values: .cookie] {
      for pair in header.split(separator: ";") {
        let pair = pair.trimmed
        if pair.hasPrefix("\(name)="), pair.count > name.count + 1 {
          return String(pair.dropFirst(name.count + 1))
        }
      }
    }
    return nil
  }
}
