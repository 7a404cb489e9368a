import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

/// A run task of HCP Terraform: a double of it asks a server and is called back.
struct RunTaskTests {
  private static let plan = Fixtures.root.appendingPathComponent(
    "Tests/CommandTests/Fixtures/plan.json"
  )

  /// What the other side knows, and how it is answered.
  private struct Workspace {
    let served: ServedStore
    let double: ReplayServer
    let endpoint: String
    let key: String

    func ask(_ payload: JSONValue, key: String? = nil) async throws -> HTTPResponse {
      let body = Data(payload.text.utf8)
      // Another's HMAC, as the other side computes it.
      let digest = try CommandRun(
        URL(fileURLWithPath: "/usr/bin/openssl"),
        ["dgst", "-sha512", "-hmac", key ?? self.key],
        input: body
      )
      let signature = digest.output.split(separator: " ").last.map {
        $0.trimmingCharacters(in: .newlines)
      }
      return try await CurlClient().send(
        HTTPRequest(
          "POST",
          served.address + endpoint,
          headers: [
            ("Content-Type", "application/json"), ("X-TFC-Task-Signature", signature ?? ""),
            ("User-Agent", "TFC/1.0 (+https://app.terraform.io; TFC)"),
          ],
          body: Array(body)
        )
      )
    }

    func payload(_ more: JSONObject = [:]) -> JSONValue {
      var payload: JSONObject = [
        "payload_version": 1, "stage": "post_plan", "access_token": "4QEu.atlasv1.iDyxq",
        "capabilities": ["outcomes": true], "is_speculative": false,
        "configuration_version_download_url": .null, "organization_name": "acme",
        "workspace_name": "shop", "workspace_id": "ws-ck4G5bb1Yei5szRh",
        "run_id": "run-i3Df5to9ELvibKpQ", "run_created_by": "dev",
        "run_message": "Triggered via UI",
        "plan_json_api_url": .string(double.url + "/api/v2/plans/plan-6AF/json-output"),
        "task_result_callback_url": .string(double.url + "/api/v2/task-results/5ea8/callback"),
        "task_result_enforcement_level": "mandatory", "task_result_id": "taskrs-2nH5",
        "vcs_branch": "main", "vcs_repo_url": .null,
      ]
      for (key, value) in more.members { payload[key] = value }
      return .object(payload)
    }

    /// What is called back.
    func result() async throws -> JSONValue {
      var called: ReplayServer.Request?
      let isCalled = try await eventually {
        called = double.requests.first { $0.method == "PATCH" }
        return called != nil
      }
      #expect(isCalled)
      let call = try #require(called)
      #expect(call.path == "/api/v2/task-results/5ea8/callback")
      #expect(call[header: "Authorization"] == "Bearer 4QEu.atlasv1.iDyxq")
      #expect(call[header: "Content-Type"] == "application/vnd.api+json")
      double.forget()
      let data = try JSONParser().parse(call.body)["data"] ?? .null
      #expect(data["type"] == "task-results")
      return data
    }
  }

  private static func with(_ body: (Workspace) async throws -> Void) async throws {
    let plan = try Data(contentsOf: plan)
    let double = try ReplayServer { request in
      if request.path.hasSuffix("/json-output") {
        guard request[header: "Authorization"] == "Bearer 4QEu.atlasv1.iDyxq" else {
          return ReplayServer.Answer(401)
        }
        return ReplayServer.Answer(body: Array(plan))
      }
      return ReplayServer.Answer(request.method == "PATCH" ? 200 : 404)
    }
    defer { double.stop() }
    try await ServedStore.with(["--terraform", double.url]) { served in
      let printed = try CommandRun(
        ["gate", "run-task", "--server", "https://plumb.example.com", "--account", "prod"],
        environment: ["PLUMB_TOKEN": served.token]
      )
      #expect(printed.exitCode == 0, "\(printed.errors)")
      #expect(!printed.output.contains(served.token))
      let values = printed.output.split(separator: "\n").compactMap {
        $0.split(separator: " ").last.map(String.init)
      }
      try #require(values.count == 2)
      let endpoint = values[0].replacing("https://plumb.example.com", with: "")
      try await body(
        Workspace(served: served, double: double, endpoint: endpoint, key: values[1])
      )
    }
  }

  @Test func `a plan is fetched, judged and the outcome called back`() async throws {
    try await Self.with { workspace in
      let trial: JSONValue = [
        "payload_version": 1, "stage": "test", "access_token": "test-token", "capabilities": [:],
        "plan_json_api_url": .null, "task_result_callback_url": .null, "run_id": .null,
      ]
      #expect(try await workspace.ask(trial).status == 200)
      #expect(try await workspace.ask(trial, key: "another").status == 401)
      #expect(workspace.double.requests.isEmpty)
      // Nothing is laid yet, which allows nothing.
      #expect(try await workspace.ask(workspace.payload()).status == 200)
      let none = try await workspace.result()
      #expect(none["attributes"]?["status"] == "failed")
      #expect(none["attributes"]?["message"]?.string?.contains("plumb guardrails add") == true)
      let rule = "aws.ec2.sg-internet-ingress-allowed-ports"
      let laid = try workspace.served.remote([
        "guardrails", "add", "--rule", rule, "all", "--enforcement", "disallow", "--reason", "test",
      ])
      #expect(laid.exitCode == 0, "\(laid.errors)")
      try await Task.sleep(for: .seconds(2))
      #expect(try await workspace.ask(workspace.payload()).status == 200)
      let failed = try await workspace.result()
      #expect(failed["attributes"]?["status"] == "failed")
      let outcomes = failed["relationships"]?["outcomes"]?["data"]?.array ?? []
      let first = try #require(
        outcomes.first {
          $0["attributes"]?["outcome-id"]?.string == "\(rule) aws_security_group.open"
        }
      )
      #expect(first["type"] == "task-result-outcomes")
      let status = first["attributes"]?["tags"]?["Status"]?.array?.first
      #expect(status == ["label": "refused", "level": "error"])
      #expect(first["attributes"]?["body"]?.string?.contains("Fix: ") == true)
      let log = try workspace.served.remoteJSON(["decisions", "list", "--decision", "refused"])
      #expect(log.array?.first?["gate"] == "run-task")
      #expect(log.array?.first?["actor"] == "dev")
      #expect(log.array?.first?["account"] == "prod")
      _ = try workspace.served.remote(["guardrails", "change", "1", "--enforcement", "warn"])
      try await Task.sleep(for: .seconds(2))
      let plain: JSONObject = ["capabilities": ["outcomes": false]]
      #expect(try await workspace.ask(workspace.payload(plain)).status == 200)
      let passed = try await workspace.result()
      #expect(passed["attributes"]?["status"] == "passed")
      #expect(passed["relationships"] == nil)
    }
  }

  @Test func `what has no plan, or lies elsewhere, is not passed`() async throws {
    try await Self.with { workspace in
      let elsewhere: JSONObject = ["plan_json_api_url": "http://169.254.169.254/latest"]
      let refused = try await workspace.ask(workspace.payload(elsewhere))
      #expect(refused.status == 422)
      #expect(String(decoding: refused.body, as: UTF8.self).contains("--terraform"))
      let early: JSONObject = ["stage": "pre_plan", "plan_json_api_url": .null]
      #expect(try await workspace.ask(workspace.payload(early)).status == 200)
      let none = try await workspace.result()
      #expect(none["attributes"]?["status"] == "failed")
      #expect(none["attributes"]?["message"]?.string?.contains("post_plan") == true)
      let lost: JSONObject = ["plan_json_api_url": .string(workspace.double.url + "/api/v2/gone")]
      #expect(try await workspace.ask(workspace.payload(lost)).status == 200)
      let gone = try await workspace.result()
      #expect(gone["attributes"]?["message"]?.string?.contains("status 404") == true)
    }
  }
}
