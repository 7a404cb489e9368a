import JSON
import Model
import Store
import Testing

@testable import Web

/// Who administers a part of everything.
struct PartAdministratorTests {
  @Test func `sees those who have a role in that part, and these roles only`() async throws {
    try await TestServer.with { server in
      let part = Extent.scope("shop")
      try await server.change { transaction in
        for name in ["shop", "bank"] {
          try transaction.put(Scope(name: name, parent: "", includes: [], excludes: []))
        }
      }
      let admin = try await server.person("admin", .administrator, on: [part])
      let both = try await server.person("both", .viewer, on: [part, .scope("bank")])
      let bank = try await server.person("bank", .viewer, on: [.scope("bank")])
      let all = try await server.person("all", .viewer)
      let caller = try await server.session(of: admin)
      let people = try await server.send("GET", "/api/v1/people", as: caller).json["items"]?.array
      #expect(people?.map { $0["name"] } == ["admin", "both"])
      let grants = try await server.send("GET", "/api/v1/people/\(both)/grants", as: caller).json
      #expect(grants["items"]?.array?.map { $0["extent"]?["name"] } == ["shop"])
      for id in [bank, all, 999] {
        for path in ["/api/v1/people/\(id)", "/api/v1/people/\(id)/grants"] {
          #expect(try await server.send("GET", path, as: caller).status == 404, "\(path)")
        }
      }
      // A role that is granted makes somebody one of them, and one that has ended no more.
      let body: JSONValue = ["role": "viewer", "extent": ["kind": "scope", "name": "shop"]]
      let made = try await server.send("POST", "/api/v1/people/\(bank)/grants", as: caller, body)
      #expect(made.status == 201, "\(made.text)")
      #expect(try await server.send("GET", "/api/v1/people/\(bank)", as: caller).status == 200)
      let number = Int64(made.json["id"]?.whole ?? 0)
      try await server.change { try $0.revokeGrant(number) }
      #expect(try await server.send("GET", "/api/v1/people/\(bank)", as: caller).status == 404)
    }
  }
}
