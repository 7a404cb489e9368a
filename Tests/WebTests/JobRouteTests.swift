import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// Jobs, runs and schedules through the API.
struct JobRouteTests {
  /// A server with an attachment of everything, and credentials of some accounts.
  private func withSchedules(
    _ body: (TestServer, Caller, _ attachment: Int64) async throws -> Void
  ) async throws {
    try await TestServer.with { server in
      let caller = try await server.caller(.operator)
      let attachment = try await server.change { transaction in
        for number in 1...3 {
          try transaction.add(
            CredentialRecord(
              name: "c\(number)",
              provider: "aws",
              details: ["account": .string("account-\(number)")],
              secrets: []
            )
          )
        }
        return try transaction.attach(
          TestContent.profile,
          to: "",
          parameters: [:],
          schedule: "every 24h"
        )
      }
      try await body(server, caller, attachment)
    }
  }

  @Test func `a run that is asked for makes a job per account, once per key`() async throws {
    try await withSchedules { server, caller, attachment in
      let path = "/api/v1/attachments/\(attachment)/runs"
      let key = [("Idempotency-Key", "once")]
      let first = try await server.send("POST", path, as: caller, headers: key)
      #expect(first.status == 201, "\(first.text)")
      #expect(
        first.json["jobs"]?.array?.map { $0["account"] } == ["account-1", "account-2", "account-3"]
      )
      #expect(first.json["jobs"]?.array?.allSatisfy { $0["new"] == true } == true)
      server.clock.wait(seconds: 1)
      let again = try await server.send("POST", path, as: caller, headers: key)
      #expect(again.json == first.json && again[header: "Idempotent-Replayed"] == "true")
      let other = try await server.send("POST", path, as: caller)
      #expect(other.json["jobs"]?.array?.allSatisfy { $0["new"] == false } == true)
      let runs = try await server.send("GET", path, as: caller).json["items"]?.array ?? []
      #expect(runs.map { $0["id"] } == [other.json["run"], first.json["run"]])
      #expect(runs.allSatisfy { $0["requested_by"] == "operator" && $0["cause"] == "person" })
    }
  }

  @Test func `who sees one account learns of its jobs only`() async throws {
    try await withSchedules { server, caller, attachment in
      let path = "/api/v1/attachments/\(attachment)/runs"
      let run = try await server.send("POST", path, as: caller)
      let part = Extent.account("account-2")
      let viewer = try await server.key(
        of: server.person("v", .viewer, on: [part]),
        .viewer,
        on: part
      )
      let seen = try await server.send("GET", "/api/v1/jobs", as: viewer).json["items"]?.array
      #expect(seen?.map { $0["account"] } == ["account-2"])
      #expect(try await server.send("GET", path, as: viewer).status == 404)
      let hidden = try #require(run.json["jobs"]?.array?.first?["id"]?.whole)
      for path in ["/api/v1/jobs/\(hidden)", "/api/v1/jobs/999"] {
        #expect(try await server.send("GET", path, as: viewer).status == 404)
      }
    }
  }

  @Test func `jobs come in pages, newest first, and are filtered`() async throws {
    try await withSchedules { server, caller, attachment in
      let run = try await server.send("POST", "/api/v1/attachments/\(attachment)/runs", as: caller)
      let jobs = run.json["jobs"]?.array?.compactMap { $0["id"]?.whole } ?? []
      let first = try await server.send("GET", "/api/v1/jobs?limit=2", as: caller).json
      #expect(first["items"]?.array?.compactMap { $0["id"]?.whole } == [jobs[2], jobs[1]])
      let cursor = try #require(first["next_cursor"]?.string)
      let rest = try await server.send("GET", "/api/v1/jobs?limit=2&cursor=\(cursor)", as: caller)
      #expect(rest.json["items"]?.array?.compactMap { $0["id"]?.whole } == [jobs[0]])
      #expect(rest.json["next_cursor"] == nil)
      let path = "/api/v1/jobs/\(jobs[0])/cancellation"
      let cancelled = try await server.send("POST", path, as: caller)
      #expect(cancelled.json["state"] == "cancelled", "\(cancelled.text)")
      #expect(try await server.send("POST", path, as: caller).status == 409)
      for (query, expected) in [
        ("state=cancelled", [jobs[0]]), ("state=waiting&state=leased", [jobs[2], jobs[1]]),
        ("account=account-2", [jobs[1]]),
        ("kind=scan&run=\(run.json["run"]?.text ?? "")", jobs.reversed()),
        ("kind=other", []), ("run=99", []),
      ] {
        let found = try await server.send("GET", "/api/v1/jobs?\(query)", as: caller).json
        #expect(found["items"]?.array?.compactMap { $0["id"]?.whole } == expected, "\(query)")
      }
      let retried = try await server.send("POST", "/api/v1/jobs/\(jobs[0])/retry", as: caller)
      #expect(retried.json["state"] == "waiting", "\(retried.text)")
    }
  }

  @Test func `a schedule says what ran, what comes, and who paused it until when`() async throws {
    try await withSchedules { server, caller, attachment in
      let path = "/api/v1/attachments/\(attachment)"
      let due = server.clock.now.advanced(days: 1)
      let before = try await server.send("GET", path + "/schedule", as: caller).json
      #expect(before["next_due"] == .string("\(due)") && before["last_run"] == .null)
      let until = due.advanced(days: 3)
      let body: JSONValue = ["until": .string("\(until)")]
      let paused = try await server.send("POST", path + "/pause", as: caller, body)
      #expect(paused.status == 200, "\(paused.text)")
      #expect(paused.json["paused_by"] == "operator")
      #expect(paused.json["paused_until"] == .string("\(until)"))
      #expect(paused.json["next_due"] == .string("\(until.advanced(days: 1))"))
      #expect(try await server.send("POST", path + "/pause", as: caller, [:]).status == 409)
      #expect(try await server.send("GET", path, as: caller).json["paused"] == true)
      let resumed = try await server.send("POST", path + "/resumption", as: caller)
      #expect(resumed.json["paused"] == false && resumed.json["next_due"] == .string("\(due)"))
      let run = try await server.send("POST", path + "/runs", as: caller)
      let after = try await server.send("GET", path + "/schedule", as: caller).json
      #expect(after["last_run"]?["id"] == run.json["run"] && after["last_due"] == .null)
    }
  }
}
