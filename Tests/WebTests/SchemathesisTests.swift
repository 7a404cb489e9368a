import Foundation
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// The API as schemathesis sees it, which knows nothing but its description.
struct SchemathesisTests {
  private static let tool = Fixtures.root.appendingPathComponent(".build/tools/bin/schemathesis")

  /// Those that say something of one request and its answer.
  ///
  /// `ignored_auth` is left out: after a few
  /// wrong keys an address is told to wait (429), which that check takes for a fault;
  /// ``AuthorisationTests`` asks every operation without a key instead. Those of sequences need links
  /// between operations, which the description does not have.
  private static let checks = [
    "not_a_server_error", "response_schema_conformance", "status_code_conformance",
    "content_type_conformance", "response_headers_conformance", "negative_data_rejection",
    "positive_data_acceptance", "missing_required_header", "unsupported_method",
    "allow_header_conformance",
  ]

  @Test func `every operation keeps to its description, whatever it is sent`() async throws {
    // What goes on for long is told of for a moment only.
    var streams = EventStreams.Limits()
    streams.longest = .milliseconds(200)
    streams.pause = .milliseconds(100)
    try await TestServer.with(streams: streams) { server in
      let world = try await World(server)
      let key = try #require(world.administrator.secret)
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      let configuration = Fixtures.root.appendingPathComponent("Tests/WebTests/schemathesis")
      let run = try await aside {
        try CommandRun(
          Self.tool,
          [
            "--config-file", configuration.appendingPathComponent("schemathesis.toml").path, "run",
            "\(server.url)/api/v1/openapi.json", "--header", "Authorization: Bearer \(key)",
            "--max-examples", "15", "--phases", "examples,fuzzing", "--no-color",
            "--generation-database", "none", "--request-timeout", "300", "--checks",
            Self.checks.joined(separator: ","),
          ],
          folder: folder,
          environment: ["PYTHONPATH": configuration.path]
        )
      }
      #expect(run.exitCode == 0, "\(run.output.suffix(20_000)) \(run.errors.suffix(2000))")
      // It leaves out the operation from which it has the description.
      let count = try OpenAPIDocument().operations.count - 1
      #expect(run.output.contains("Tested: \(count)\n"), "\(run.output.suffix(4000))")
      // Neither was the key revoked on the way nor did its owner lose a role.
      let people = try await server.send("GET", "/api/v1/people", as: world.administrator)
      #expect(people.status == 200)
      #expect(try await server.store.read { try $0.auditFault() } == nil)
    }
  }
}
