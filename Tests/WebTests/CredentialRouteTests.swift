import JSON
import Model
import Store
import Testing

@testable import Web

/// Credentials through the API.
struct CredentialRouteTests {
  @Test func `a secret is replaced only where the credential is as the caller saw it`() async throws
  {
    try await TestServer.with { server in
      let admin = try await server.caller(.administrator)
      let body: JSONValue = ["name": "c", "provider": "ibm", "secret": ["api_key": "one"]]
      #expect(try await server.send("POST", "/api/v1/credentials", as: admin, body).status == 201)
      let path = "/api/v1/credentials/c"
      let seen = try #require(try await server.send("GET", path, as: admin)[header: "ETag"])
      func rotate(_ tag: String) async throws -> Answer {
        let secret: JSONValue = ["api_key": "two"]
        let headers = [("If-Match", tag)]
        return try await server.send("PUT", path + "/secret", as: admin, secret, headers: headers)
      }
      // It is tested meanwhile, which changes it.
      let test = try await server.send("POST", path + "/test", as: admin)
      #expect(test.status == 200 && test.json["accepted"] == true, "\(test.text)")
      #expect(try await rotate(seen).status == 412)
      let now = try await server.send("GET", path, as: admin)
      #expect(now.json["version"] == 1 && now.json["test"] == test.json)
      let done = try await rotate(try #require(now[header: "ETag"]))
      #expect(done.status == 200 && done.json["version"] == 2, "\(done.text)")
      try await server.change { try $0.revokeCredential("c") }
      #expect(try await rotate("*").status == 409)
    }
  }
}
