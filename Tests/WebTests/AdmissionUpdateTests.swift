import JSON
import Model
import Operations
import Store
import TestSupport
import Testing
import YAML

@testable import Web

/// What a cluster is answered that updates what failed before, and one that asks often.
struct AdmissionUpdateTests {
  private struct Cluster {
    let server: TestServer
    let path: String

    /// The answer to an update from one object to another.
    func update(_ former: JSONValue, _ object: JSONValue) async throws -> JSONValue {
      let answer = try await server.send(
        "POST",
        "\(path)/validate?timeout=30s",
        AdmissionTests.review(object, "UPDATE", ["oldObject": former])
      )
      #expect(answer.status == 200, "\(answer.text)")
      return answer.json["response"] ?? .null
    }
  }

  private static let rules = [
    """
    id: pod.no-privileged
    target: { service_name: core, resource_kind: Pod }
    required_config:
      none: spec.containers
      satisfy: { property: securityContext.privileged, operator: is_true }
    """,
    """
    id: pod.own-network
    target: { service_name: core, resource_kind: Pod }
    required_config: { property: spec.hostNetwork, operator: is_false }
    """,
    """
    id: pod.limited
    target: { service_name: core, resource_kind: Pod }
    required_config:
      all: spec.containers
      satisfy: { property: resources.limits.memory, operator: exists }
    """,
  ]

  private static func with(
    requestsPerSecond: Double = 0,
    _ guardrails: [Guardrail],
    _ body: (Cluster) async throws -> Void
  ) async throws {
    try await TestServer.with(requestsPerSecond: requestsPerSecond) { server in
      let person = try await server.person("cluster", .viewer, on: [.account("prod")])
      let key = try #require(try await server.key(of: person, .viewer).secret)
      try await server.change { transaction in
        for text in rules {
          let node = try YAMLReader().document(text, file: "rule.yaml")
          let rule = try RuleDecoder.rule(node, name: "rule")
          _ = try transaction.keep(rule, cases: [], labels: [])
        }
        for guardrail in guardrails { _ = try transaction.lay(guardrail) }
      }
      let path = "/admission/prod/\(GateKey.admission.derived(from: key))"
      try await body(Cluster(server: server, path: path))
    }
  }

  /// A workload; of its containers each is privileged or not.
  private static func workload(
    _ privileged: [Bool],
    image: String = "x:1",
    replicas: Int64 = 1,
    network: JSONValue = false,
    labels: JSONObject = [:],
    namespace: String = "shop"
  ) -> JSONValue {
    let containers = privileged.enumerated().map { index, isPrivileged -> JSONValue in
      [
        "name": .string("c\(index)"), "image": .string(image),
        "resources": ["limits": ["memory": "1Gi"]],
        "securityContext": ["privileged": .bool(isPrivileged)],
      ]
    }
    return [
      "apiVersion": "apps/v1", "kind": "Deployment",
      "metadata": ["name": "web", "namespace": .string(namespace), "labels": .object(labels)],
      "spec": [
        "replicas": .integer(replicas),
        "template": [
          "metadata": [:], "spec": ["hostNetwork": network, "containers": .array(containers)],
        ],
      ],
    ]
  }

  private static let strict = [
    Guardrail(.rule("pod.no-privileged"), enforcement: .disallow, onFailure: .closed),
    Guardrail(.rule("pod.own-network"), enforcement: .disallow, onFailure: .closed),
  ]

  @Test func `an update of what failed in the same way before is warned of and recorded`()
    async throws
  {
    try await Self.with(Self.strict) { cluster in
      let bad = Self.workload([true])
      let scaled = try await cluster.update(bad, Self.workload([true], replicas: 3))
      #expect(scaled["allowed"] == true)
      #expect(scaled["warnings"]?.array?.count == 1)
      let warning = scaled["warnings"]?.array?.first?.string ?? ""
      #expect(warning.contains("pod.no-privileged") && warning.contains("before this update"))
      let twice = Self.workload([true, true, false])
      for (former, object) in [
        (bad, Self.workload([true], image: "x:2")), (twice, Self.workload([true, false, false])),
        (twice, Self.workload([false, true, false])), (twice, bad),
        (bad, Self.workload([true, false])),
      ] {
        let eased = try await cluster.update(former, object)
        #expect(eased["allowed"] == true && eased["warnings"] != nil, "\(object.text)")
      }
      let mended = try await cluster.update(bad, Self.workload([false]))
      #expect(mended["allowed"] == true && mended["warnings"] == nil)
      let editor = try await cluster.server.caller(.editor)
      let log = try await cluster.server.send("GET", "/api/v1/decisions", as: editor)
      let entry = try #require(log.json["items"]?.array?.last)
      #expect(entry["decision"] == "warned")
      #expect(
        entry["rules"]?.array?.first
          == ["rule": "pod.no-privileged", "verdict": "fail", "effect": "warned"]
      )
      let shown = try await cluster.server.send(
        "GET",
        "/api/v1/decisions/\(entry["id"]?.whole ?? 0)",
        as: editor
      )
      #expect(shown.json["report"]?["rulings"]?.array?.first?["failed_before"] == true)
    }
  }

  @Test func `an update that makes it worse, or of what was not known, is refused`() async throws {
    try await Self.with(Self.strict) { cluster in
      let (good, bad) = (Self.workload([false]), Self.workload([true]))
      let other = Self.workload([true], network: true)
      for (former, object) in [
        (good, bad), (bad, Self.workload([true, true])), (bad, other),
        // Unknown is no failure that was there before, and what is unknown stays refused.
        (Self.workload([true], network: "?"), other), (JSONValue.null, bad),
        (Self.workload([true], namespace: "other"), bad),
      ] {
        let answer = try await cluster.update(former, object)
        #expect(answer["allowed"] == false, "\(former.text) to \(object.text)")
      }
      let both = try await cluster.update(bad, other)
      let causes = both["status"]?["details"]?["causes"]?.array ?? []
      #expect(causes.map { $0["reason"] } == ["pod.own-network"])
    }
  }

  @Test func `an object that enters a scope by an update is refused`() async throws {
    let production = Scope(
      name: "live",
      parent: "",
      includes: [try Scope.Selector("tag:stage=live")],
      excludes: []
    )
    try await Self.with([]) { cluster in
      try await cluster.server.change { transaction in
        try transaction.put(production)
        _ = try transaction.lay(
          Guardrail(.rule("pod.no-privileged"), scope: "live", enforcement: .disallow)
        )
      }
      let (outside, inside) = (
        Self.workload([true]), Self.workload([true], labels: ["stage": "live"])
      )
      #expect(try await cluster.update(outside, outside)["warnings"] == nil)
      #expect(try await cluster.update(outside, inside)["allowed"] == false)
      #expect(try await cluster.update(inside, inside)["allowed"] == true)
    }
  }

  @Test func `a proof that leaves something out covers what is the same, and nothing else`()
    async throws
  {
    try await Self.with(Self.strict) { cluster in
      let many = Self.workload(Array(repeating: true, count: 9))
      let scaled = Self.workload(Array(repeating: true, count: 9), replicas: 2)
      let same = try await cluster.update(many, scaled)
      #expect(same["allowed"] == true)
      let next = Self.workload(Array(repeating: true, count: 9), image: "x:2")
      let other = try await cluster.update(many, next)
      #expect(other["allowed"] == false)
    }
  }

  @Test func `a cluster and a service with keys are not held up by the limit of an address`()
    async throws
  {
    try await Self.with(requestsPerSecond: 2, Self.strict) { cluster in
      let (good, server) = (Self.workload([false]), cluster.server)
      for _ in 0..<30 {
        #expect(try await cluster.update(good, good)["allowed"] == true)
      }
      let caller = try await server.caller(.viewer, "service")
      let body: JSONValue = [
        "resource": ["service_name": "core", "resource_kind": "Pod", "id": "p", "account": "prod"]
      ]
      for _ in 0..<30 {
        let answer = try await server.send("POST", "/api/v1/decisions", as: caller, body)
        #expect(answer.status == 200, "\(answer.text)")
      }
      // A key that is none has the limit of its address, as everything else has.
      let guess = "/admission/prod/\(String(repeating: "0", count: 64))/validate"
      var statuses: [Int] = []
      for _ in 0..<12 {
        statuses.append(
          try await server.send("POST", guess, AdmissionTests.review(good, "CREATE")).status
        )
      }
      #expect(statuses.first == 401 && statuses.last == 429, "\(statuses)")
      var others: [Int] = []
      for _ in 0..<12 {
        others.append(try await server.send("GET", "/api/v1/content", as: caller).status)
      }
      #expect(others.first == 200 && others.last == 429, "\(others)")
    }
  }
}
