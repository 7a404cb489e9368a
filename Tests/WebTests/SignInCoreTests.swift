import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

/// Who is let in: codes, sessions, keys.
struct SignInCoreTests {
  private func signIn(_ code: String, _ server: TestServer) async throws -> Answer {
    try await server.send("POST", "/api/v1/session", ["code": .string(code)])
  }

  /// The token that an answer sets as cookie.
  private func token(_ answer: Answer) throws -> String {
    let cookie = try #require(answer[header: "Set-Cookie"])
    #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite="))
    let pair = try #require(cookie.split(separator: ";").first)
    return String(pair.dropFirst("plumb=".count))
  }

  @Test func `a code signs in once`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .viewer)
      let code = try await server.code(of: person)
      let first = try await signIn(code, server)
      #expect(first.status == 201)
      #expect(first.json["name"] == "jane")
      #expect(first.json["grants"]?.array?.count == 1)
      let session = Caller.session(try token(first))
      #expect(try await server.send("GET", "/api/v1/rules", as: session).status == 200)
      #expect(try await signIn(code, server).status == 401)
      #expect(try await server.send("DELETE", "/api/v1/session", as: session).status == 204)
      #expect(try await server.send("GET", "/api/v1/rules", as: session).status == 401)
    }
  }

  @Test func `a code that is wrong, or has ended, does not sign in`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .viewer)
      #expect(try await signIn("guessed", server).status == 401)
      let code = try await server.code(of: person)
      server.clock.wait(seconds: 3600)
      let late = try await signIn(code, server)
      #expect(late.status == 401 && late[header: "Set-Cookie"] == nil)
      #expect(late[header: "WWW-Authenticate"] == "Bearer")
      #expect(late[header: "Content-Type"] == "application/problem+json")
    }
  }

  @Test func `a session ends by itself`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .viewer)
      let session = Caller.session(try token(await signIn(server.code(of: person), server)))
      server.clock.wait(seconds: 12 * 3600 - 1)
      #expect(try await server.send("GET", "/api/v1/rules", as: session).status == 200)
      server.clock.wait(seconds: 1)
      #expect(try await server.send("GET", "/api/v1/rules", as: session).status == 401)
    }
  }

  @Test func `a change by cookie needs the session's token, which others cannot know`() async throws
  {
    try await TestServer.with { server in
      let person = try await server.person("jane", .administrator)
      let session = try await server.session(of: person)
      let other = try await server.session(of: person)
      guard case .session(let token) = session else { return }
      let cookie = (name: "Cookie", value: "plumb=\(token)")
      func add(_ headers: [(name: String, value: String)]) async throws -> Answer {
        try await server.send("POST", "/api/v1/people", ["name": "new"], headers: headers)
      }
      let forged = try await add([cookie])
      #expect(forged.status == 403 && forged.kind == "forgery")
      #expect(try await add([cookie, other.headers[1]]).status == 403)
      #expect(try await add([cookie, ("X-CSRF-Token", "")]).status == 403)
      #expect(try await server.send("GET", "/api/v1/people", headers: [cookie]).status == 200)
      #expect(try await add(session.headers).status == 201)
    }
  }

  @Test func `a key does no more than its role and extent, nor more than its person`() async throws
  {
    try await TestServer.with { server in
      let person = try await server.person("jane", .administrator)
      let viewer = try await server.key(of: person, .viewer)
      #expect(try await server.send("GET", "/api/v1/rules", as: viewer).status == 200)
      #expect(try await server.send("GET", "/api/v1/people", as: viewer).status == 403)
      #expect(try await server.send("GET", "/api/v1/audit-log", as: viewer).status == 403)
      let world = try await World(server)
      let limited = try await server.key(of: person, .administrator, on: .account("own-account"))
      let listed = try await server.send("GET", "/api/v1/resources", as: limited)
      #expect(listed.text.contains("own-bucket") && !listed.text.contains("other-bucket"))
      let foreign = try #require(world.sides["other"]?.resource)
      #expect(
        try await server.send("GET", "/api/v1/resources/\(foreign)", as: limited).status == 404
      )
      #expect(try await server.send("GET", "/api/v1/audit-log", as: limited).status == 403)
      let weak = try await server.person("joe", .viewer)
      let ambitious = try await server.key(of: weak, .administrator)
      #expect(try await server.send("GET", "/api/v1/people", as: ambitious).status == 403)
      let bred = try await server.send(
        "POST",
        "/api/v1/keys",
        as: ambitious,
        ["name": "k", "role": "viewer"]
      )
      #expect(bred.status == 422)
    }
  }

  @Test func `a key that ended, was revoked or is another's opens nothing`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .viewer)
      let key = try await server.key(of: person, .viewer, days: 1)
      let revoked = try await server.key(of: person, .viewer)
      #expect(try await server.send("GET", "/api/v1/rules", as: revoked).status == 200)
      try await server.change { try $0.revokeKey(2) }
      #expect(try await server.send("GET", "/api/v1/rules", as: revoked).status == 401)
      server.clock.wait(seconds: 86_399)
      #expect(try await server.send("GET", "/api/v1/rules", as: key).status == 200)
      server.clock.wait(seconds: 1)
      #expect(try await server.send("GET", "/api/v1/rules", as: key).status == 401)
      #expect(try await server.send("GET", "/api/v1/rules", as: .key("plumb_x")).status == 401)
      let basic = [(name: "Authorization", value: "Basic amFuZTpqYW5l")]
      #expect(try await server.send("GET", "/api/v1/rules", headers: basic).status == 401)
    }
  }

  @Test func `who is disabled is out at once, with session and key`() async throws {
    try await TestServer.with { server in
      _ = try await server.person("another", .administrator)
      let person = try await server.person("jane", .administrator)
      let callers = [
        try await server.key(of: person, .viewer), try await server.session(of: person),
      ]
      for caller in callers {
        #expect(try await server.send("GET", "/api/v1/rules", as: caller).status == 200)
      }
      try await server.change { try $0.setDisabled(true, person: person) }
      for caller in callers {
        #expect(try await server.send("GET", "/api/v1/rules", as: caller).status == 401)
      }
      #expect(try await signIn(server.code(of: person), server).status == 401)
    }
  }

  @Test func `a role that ended is gone while the session lasts`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("ann", .auditor)
      #expect(
        try await server.send("GET", "/api/v1/audit-log", as: server.session(of: person)).status
          == 200
      )
      server.clock.wait(seconds: 30 * 86_400)
      #expect(
        try await server.send("GET", "/api/v1/audit-log", as: server.session(of: person)).status
          == 403
      )
    }
  }

  @Test func `failed sign-ins make their address wait, and nobody else`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("jane", .viewer)
      let key = try await server.key(of: person, .viewer)
      for _ in 0..<6 { #expect(try await signIn("guessed", server).status == 401) }
      let code = try await server.code(of: person)
      let waiting = try await signIn(code, server)
      #expect(waiting.status == 429)
      let seconds = try #require(waiting[header: "Retry-After"].flatMap { Int64($0) })
      #expect(seconds > 0)
      #expect(try await server.send("GET", "/api/v1/rules", as: .key("guessed")).status == 429)
      // A key in force is no guess: it works from the same address.
      #expect(try await server.send("GET", "/api/v1/rules", as: key).status == 200)
      server.clock.wait(seconds: seconds)
      #expect(try await signIn(code, server).status == 201)
      // From now on the first few failures are free again.
      #expect(try await signIn("guessed", server).status == 401)
      #expect(try await signIn("guessed", server).status == 401)
    }
  }

  @Test func `separation of duties holds over every way in`() async throws {
    try await TestServer.with { server in
      let jane = try await server.person("jane", .administrator)
      let ways = [
        try await server.key(of: jane, .administrator), try await server.session(of: jane),
      ]
      let other = try await server.caller(.administrator, "joe")
      let request: JSONValue = [
        "rule": "test.bucket.kept", "resource": "scratch-*", "reason": "r", "owner": "o",
        "compensating_control": "c", "expires_at": "2099-01-01T00:00:00Z",
      ]
      let made = try await server.send("POST", "/api/v1/exceptions", as: ways[0], request)
      #expect(made.status == 201 && made.json["requester"] == "jane")
      for way in ways {
        let own = try await server.send("POST", "/api/v1/exceptions/1/approval", as: way)
        #expect(own.status == 409 && own.kind == "conflict")
      }
      let approved = try await server.send("POST", "/api/v1/exceptions/1/approval", as: other)
      #expect(approved.status == 200 && approved.json["state"] == "approved")
    }
  }
}
