import JSON
import Model
import Testing

@testable import Web

// Hostile texts in rules, templates and guardrails of one's own, and in requests that were decided on.
extension PageKit {
  static func governance(_ server: TestServer, _ administrator: Caller) async throws {
    let text = JSONValue.string(hostile[0])
    let target: JSONValue = ["service_name": "store", "resource_kind": "bucket"]
    let bucket: JSONValue = [
      "service_name": "store", "resource_kind": "bucket", "account": "shop",
      "id": .string("refused \(hostile[3])"), "name": text,
      "configuration": ["encrypted": false, "note": text, "retention": 1],
    ]
    let requests: [(path: String, body: JSONValue)] = [
      (
        "rules",
        [
          "document": [
            "id": "own.rule", "title": text, "severity": "high", "target": target,
            "required_config": [
              "description": text,
              "and": [
                ["property": "encrypted", "operator": "is_true"],
                [
                  "property": "note", "operator": "string_not_equals", "value": .string(hostile[1]),
                ],
              ],
            ],
            "rationale": text, "remediation": ["text": text],
          ],
          "cases": [
            [
              "name": text, "verdict": "pass",
              "configuration": ["encrypted": true, "note": .string(hostile[3])],
            ]
          ],
          "labels": ["\"><b>"],
        ]
      ),
      (
        "templates",
        [
          "document": [
            "id": "own.template", "title": text, "target": target,
            "defaults": [["property": "note", "value": .string(hostile[3])]],
          ],
          "labels": ["\"><b>"],
        ]
      ),
      (
        "guardrails",
        ["rule": "test.bucket.encrypted", "enforcement": "disallow", "reason": text]
      ),
      ("guardrails", ["rule": "own.rule", "enforcement": "warn", "scope": .string(hostile[1])]),
      ("guardrails", ["template": "own.template", "excludes": [.string("id=\(hostile[3])")]]),
      ("guardrails", ["profile": "house", "parameters": ["test.bucket.kept": ["days": 9]]]),
    ]
    for (path, body) in requests {
      let answer = try await server.send("POST", "/api/v1/\(path)", as: administrator, body)
      #expect(answer.status == 201, "\(path): \(answer.text)")
    }
    for operation in ["create", "update"] {
      let answer = try await server.send(
        "POST",
        "/api/v1/decisions",
        as: administrator,
        ["resource": bucket, "operation": .string(operation)]
      )
      #expect(answer.json["decision"] == "refused", "\(answer.text)")
    }
  }
}
