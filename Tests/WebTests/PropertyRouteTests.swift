import JSON
import Model
import Testing

@testable import Web

/// The property catalogue, and rules that are tried out before they are kept.
struct PropertyRouteTests {
  @Test func `properties are known from the catalogue, from rules and from resources`() async throws
  {
    try await TestServer.with { server in
      let world = try await World(server)
      func properties(_ query: String) async throws -> [String: JSONValue] {
        let answer = try await server.send(
          "GET",
          "/api/v1/properties?\(query)",
          as: world.administrator
        )
        #expect(answer.status == 200, "\(answer.text)")
        return Dictionary(
          uniqueKeysWithValues: (answer.json["items"]?.array ?? []).map {
            ($0["path"]?.string ?? "", $0)
          }
        )
      }
      let found = try await properties("kind=store/bucket")
      #expect(Set(found.keys) == ["encrypted", "location", "retention"])
      #expect(found["encrypted"]?["types"] == ["boolean"])
      #expect(found["encrypted"]?["sources"] == ["rules", "observed"])
      #expect(found["encrypted"]?["observed"] == 2)
      #expect(found["encrypted"]?["rules"] == ["test.bucket.encrypted"])
      #expect(found["location"]?["sources"] == ["catalogue"])
      let operators = found["retention"]?["operators"]?.array ?? []
      #expect(
        operators.contains(["operator": "num_equals", "value": "a number or a list of numbers"])
      )
      #expect(!operators.contains { $0["operator"] == "is_true" })
      #expect(try await properties("kind=store/bucket&q=where").keys.sorted() == ["location"])
      // A pattern is of several kinds, of which no resource is read.
      #expect(try await properties("kind=store/*")["encrypted"]?["observed"] == 0)
      let kinds = try await server.send("GET", "/api/v1/property-kinds", as: world.administrator)
      #expect(kinds.json["items"] == [["kind": "store/bucket", "properties": 3]])
      #expect(kinds.json["total"] == 1)
    }
  }

  private static let text = """
    id: own.kept
    title: Bucket keeps for long
    target: { service_name: store, resource_kind: bucket }
    required_config:
      and:
        - { property: retention, operator: num_greater_than, value: 5 }
        - property: encrypted
          operator: OPERATOR
    """

  @Test
  func `a rule that is being written is tried on present resources, and its faults have lines`()
    async throws
  {
    try await TestServer.with { server in
      let world = try await World(server)
      let side = try #require(world.sides["own"])
      let viewer = try await server.key(
        of: server.person("vic", .viewer, on: [.account(side.account)]),
        .viewer
      )
      func preview(_ text: String, as caller: Caller) async throws -> Answer {
        try await server.send(
          "POST",
          "/api/v1/rule-previews",
          as: caller,
          ["document": .string(text)]
        )
      }
      let good = Self.text.replacing("OPERATOR", with: "is_true")
      let all = try await preview(good, as: world.administrator)
      #expect(all.json["judged"] == 2, "\(all.text)")
      #expect(all.json["verdicts"]?["fail"] == 2)
      #expect(all.json["complete"] == true)
      let own = try await preview(good, as: viewer)
      #expect(own.json["judged"] == 1)
      #expect(own.json["items"]?.array?.first?["path"] == "encrypted")
      #expect(!own.text.contains("other-bucket"))
      let opposite = try await preview(
        Self.text.replacing("OPERATOR", with: "is_false"),
        as: world.administrator
      )
      #expect(opposite.json["verdicts"]?["pass"] == 2)
      let wrong = try await preview(
        Self.text.replacing("OPERATOR", with: "is_tru"),
        as: world.administrator
      )
      #expect(wrong.status == 422)
      let fault = wrong.json["errors"]?.array?.first
      #expect(fault?["pointer"] == "/document/required_config/and/1/operator", "\(wrong.text)")
      #expect(fault?["detail"]?.string?.hasPrefix("line 8: ") ?? false, "\(wrong.text)")
      let broken = try await preview("id: [", as: world.administrator)
      #expect(broken.status == 422, "\(broken.text)")
    }
  }
}
