import JSON
import Model
import Operations
import Store
import Vault

@testable import Web

extension Askings {
  static let guardrails: [String: Asking] = [
    "addRule": { _, _, _ in Asked("POST", "/rules", ["document": document(name())]) },
    "changeRule": { world, _, _ in
      let rule = try await rule(world)
      return Asked("PUT", "/rules/\(rule)", ["document": document(rule)])
    },
    "removeRule": { world, _, _ in Asked("DELETE", "/rules/\(try await rule(world))") },
    "listRuleVersions": { world, _, _ in
      Asked("GET", "/rules/\(try await rule(world))/versions")
    },
    "testRule": { _, _, _ in
      let bucket: JSONValue = [
        "name": "kept", "verdict": "pass", "configuration": ["encrypted": true],
      ]
      return Asked(
        "POST",
        "/rule-tests",
        ["document": document("own.tested"), "cases": .array([bucket])]
      )
    },
    "previewRule": { _, side, _ in
      Asked("POST", "/rule-previews", ["document": document("own.seen")], mark: side.bucket)
    },
    "listPropertyKinds": { _, _, _ in Asked("GET", "/property-kinds") },
    "listProperties": { _, _, _ in Asked("GET", "/properties?kind=store/bucket") },
    "showGuardOutcome": { world, side, _ in
      let rule = Guardrail(.rule("test.bucket.encrypted"), scope: side.scope)
      // It is there from the second caller on.
      _ = try? await world.server.change { try $0.lay(rule) }
      let path = "/resources/\(side.resource)/results/\(side.goal)/guardrails"
      return Asked("GET", path, mark: "decision")
    },
    "listTemplates": { _, _, _ in Asked("GET", "/templates") },
    "showTemplate": { world, _, _ in Asked("GET", "/templates/\(try await template(world))") },
    "addTemplate": { _, _, _ in
      Asked("POST", "/templates", ["document": templateDocument(name())])
    },
    "changeTemplate": { world, _, _ in
      let template = try await template(world)
      return Asked("PUT", "/templates/\(template)", ["document": templateDocument(template)])
    },
    "removeTemplate": { world, _, _ in
      Asked("DELETE", "/templates/\(try await template(world))")
    },
    "listGuardrails": { world, side, _ in
      _ = try await guardrail(world, side)
      return Asked("GET", "/guardrails?limit=500", mark: side.scope)
    },
    "showGuardrail": { world, side, _ in
      Asked("GET", "/guardrails/\(try await guardrail(world, side))", mark: side.scope)
    },
    "addGuardrail": { world, side, _ in
      Asked(
        "POST",
        "/guardrails",
        ["rule": .string(try await rule(world)), "scope": .string(side.scope)]
      )
    },
    "changeGuardrail": { world, side, _ in
      Asked("PATCH", "/guardrails/\(try await guardrail(world, side))", ["enforcement": "warn"])
    },
    "removeGuardrail": { world, side, _ in
      Asked("DELETE", "/guardrails/\(try await guardrail(world, side))")
    },
    "listGuardrailStates": { world, side, _ in
      Asked("GET", "/guardrails/\(try await guardrail(world, side))/states", mark: side.scope)
    },
    "previewGuardrail": { _, side, _ in
      Asked(
        "POST",
        "/guardrail-previews",
        ["guardrail": ["rule": "test.bucket.kept", "scope": .string(side.scope)]],
        mark: side.bucket
      )
    },
    "listEnforcement": { world, side, _ in
      _ = try await guardrail(world, side)
      return Asked("GET", "/enforcement?limit=500", mark: side.scope)
    },
    "decide": { _, side, _ in
      Asked("POST", "/decisions", ["resource": bucket(side)], mark: side.bucket)
    },
    "listDecisions": { world, side, _ in
      _ = try await decision(world, side)
      return Asked("GET", "/decisions?limit=500", mark: side.mark)
    },
    "showDecision": { world, side, _ in
      Asked("GET", "/decisions/\(try await decision(world, side))", mark: side.mark)
    },
    "countDecisions": { world, side, _ in
      _ = try await decision(world, side)
      return Asked("GET", "/decision-counts?limit=500", mark: side.account)
    },
    "admit": { world, side, person in
      let secret = try SignInCode.key { try AESGCM.random($0) }
      if person != 0 { try await key(secret, of: person, world) }
      let shown = GateKey.admission.derived(from: secret)
      let pod: JSONValue = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "shop"],
        "spec": ["containers": []],
      ]
      var asked = Asked(
        "POST",
        "",
        [
          "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
          "request": ["uid": "1", "operation": "CREATE", "object": pod],
        ],
        mark: "\"allowed\":true"
      )
      asked.path = "/admission/\(side.account)/\(shown)/validate"
      return asked
    },
    "beginRunTask": { world, side, person in
      let secret = try SignInCode.key { try AESGCM.random($0) }
      if person != 0 { try await key(secret, of: person, world) }
      let payload: JSONValue = ["payload_version": 1, "access_token": "test-token"]
      var asked = Asked("POST", "", payload)
      asked.path = "/run-tasks/terraform/\(GateKey.runTask.derived(from: secret))"
      let hmac = KeyedDigest.sha512(
        key: GateKey.runTaskSignature.derived(from: secret),
        Array(payload.text.utf8)
      )
      asked.headers = [("X-TFC-Task-Signature", hmac)]
      return asked
    },
    "queryData": { _, side, _ in
      var asked = Asked("POST", "", ["input": bucket(side)], mark: side.bucket)
      asked.path = "/v1/data/plumbline"
      return asked
    },
    "queryDatum": { _, side, _ in
      var asked = Asked("POST", "", ["input": bucket(side)], mark: "\"result\"")
      asked.path = "/v1/data/plumbline/allow"
      return asked
    },
  ]

  private static func bucket(_ side: Side) -> JSONValue {
    [
      "account": .string(side.account), "service_name": "store", "resource_kind": "bucket",
      "id": .string(side.bucket), "configuration": ["encrypted": true],
    ]
  }

  private static func document(_ id: String) -> JSONValue {
    [
      "id": .string(id),
      "target": ["service_name": "store", "resource_kind": "bucket"],
      "required_config": ["property": "encrypted", "operator": "is_true"],
    ]
  }

  private static func templateDocument(_ id: String) -> JSONValue {
    [
      "id": .string(id), "target": ["service_name": "store", "resource_kind": "bucket"],
      "defaults": [["property": "encrypted", "value": true]],
    ]
  }

  private static func key(_ secret: String, of person: Int64, _ world: World) async throws {
    let ends = world.server.clock.now.advanced(days: 1)
    _ = try await world.server.change { transaction in
      try transaction.addKey(
        "gate",
        digest: SignInCode.digest(secret),
        of: person,
        limit: Grant(role: .viewer, extent: .everything),
        expiresAt: ends
      )
    }
  }

  private static func rule(_ world: World) async throws -> String {
    let id = name()
    let node = DocumentNode(document(id), at: SourceLocation(file: "test"))
    let rule = try RuleDecoder.rule(node, name: id)
    _ = try await world.server.change { try $0.keep(rule, cases: [], labels: ["test"]) }
    return id
  }

  private static func template(_ world: World) async throws -> String {
    let id = name()
    let node = DocumentNode(templateDocument(id), at: SourceLocation(file: "test"))
    let template = try Template(node, name: id)
    _ = try await world.server.change { try $0.keep(template, labels: []) }
    return id
  }

  private static func guardrail(_ world: World, _ side: Side) async throws -> Int64 {
    let rule = try await rule(world)
    return try await world.server.change { try $0.lay(Guardrail(.rule(rule), scope: side.scope)) }
  }

  private static func decision(_ world: World, _ side: Side) async throws -> Int64 {
    let logged = LoggedDecision(
      at: world.server.clock.now,
      actor: "founder",
      gate: "api",
      effect: .allowed,
      place: Place(
        accounts: [side.account],
        kind: ResourceKind(service: "store", kind: "bucket"),
        id: side.bucket
      ),
      name: side.mark,
      rule: "",
      verdict: "",
      report: .null
    )
    return try await world.server.change { transaction in
      try transaction.log([logged])
      return try transaction.decisions(DecisionFilter(), limit: 1)[0].id
    }
  }
}
