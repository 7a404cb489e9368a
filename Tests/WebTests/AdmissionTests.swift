import Foundation
import HTTP
import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing
import YAML

@testable import Web

/// What a Kubernetes API server is answered, over TLS.
struct AdmissionTests {
  /// A server that a cluster asks, with guardrails on what its pods may do.
  private struct Cluster {
    let server: TestServer
    let editor: Caller
    /// The API key behind the path.
    let key: String
    var path: String { "/admission/prod/\(GateKey.admission.derived(from: key))" }

    func admit(
      _ object: JSONValue,
      _ operation: String = "CREATE",
      step: String = "validate",
      more: JSONObject = [:]
    ) async throws -> Answer {
      server.clock.wait(seconds: 2)
      return try await server.send(
        "POST",
        "\(path)/\(step)?timeout=5s",
        AdmissionTests.review(object, operation, more)
      )
    }

    func response(
      _ object: JSONValue,
      _ operation: String = "CREATE",
      step: String = "validate",
      more: JSONObject = [:]
    ) async throws -> JSONValue {
      let answer = try await admit(object, operation, step: step, more: more)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(answer.json["kind"] == "AdmissionReview")
      #expect(answer.json["apiVersion"] == "admission.k8s.io/v1")
      let response = answer.json["response"] ?? .null
      #expect(response["uid"] == "9a6d4155-0258-4bbb-b329-ecd27c1ee46d")
      return response
    }

    func lay(_ guardrail: JSONObject) async throws {
      let body = JSONValue.object(guardrail)
      let laid = try await server.send("POST", "/api/v1/guardrails", as: editor, body)
      #expect(laid.status == 201, "\(laid.text)")
      // The keeper looks for news once a second.
      try await Task.sleep(for: .milliseconds(1100))
    }
  }

  private static func with(
    over: (any SQLDatabase) -> any SQLDatabase = { $0 },
    _ body: (Cluster) async throws -> Void
  ) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let (key, chain) = (folder.path + "/key.pem", folder.path + "/chain.pem")
    let made = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/openssl"),
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=plumb",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", chain,
      ]
    )
    try #require(made.exitCode == 0, "\(made.errors)")
    try await TestServer.with(certificate: (chain, key), over: over) { server in
      let editor = try await server.caller(.editor)
      let viewer = try await server.person("cluster", .viewer, on: [.account("prod")])
      let secret = try #require(try await server.key(of: viewer, .viewer).secret)
      try await server.change { transaction in
        for (id, condition) in conditions {
          let node = try YAMLReader().document(
            """
            id: \(id)
            title: \(id)
            target: { service_name: core, resource_kind: Pod }
            required_config: \(condition)
            remediation: { text: mend it }
            """,
            file: "rule.yaml"
          )
          let rule = try RuleDecoder.rule(node, name: id)
          _ = try transaction.keep(rule, cases: [], labels: [])
        }
        let node = DocumentNode(
          [
            "id": "safe-pods", "target": ["service_name": "core", "resource_kind": "Pod"],
            "defaults": [
              ["property": "spec.automountServiceAccountToken", "value": false],
              ["property": "metadata.labels.\"house/class\"", "value": "standard"],
              [
                "property": "spec.containers[*].securityContext.allowPrivilegeEscalation",
                "value": false,
              ],
            ],
          ],
          at: SourceLocation(file: "template")
        )
        _ = try transaction.keep(try Template(node, name: "safe-pods"), labels: [])
        try transaction.put(
          Scope(
            name: "shops",
            parent: "",
            includes: [try Scope.Selector("account=prod,group=shop*")],
            excludes: []
          )
        )
        try transaction.put(
          Scope(
            name: "live",
            parent: "",
            includes: [try Scope.Selector("tag:namespace:stage=live")],
            excludes: []
          )
        )
      }
      try await body(Cluster(server: server, editor: editor, key: secret))
    }
  }

  private static let conditions = [
    ("pod.own-network", "{ property: spec.hostNetwork, operator: is_false }"),
    (
      "pod.no-token", "{ property: spec.automountServiceAccountToken, operator: is_false }"
    ),
  ]

  /// A review as an API server of version 1.20 sends it, less what tells of the fields' managers.
  static func review(
    _ object: JSONValue,
    _ operation: String,
    _ more: JSONObject = [:]
  ) -> JSONValue {
    let kind = object["kind"] ?? "Pod"
    var request: JSONObject = [
      "uid": "9a6d4155-0258-4bbb-b329-ecd27c1ee46d",
      "kind": ["group": "", "version": "v1", "kind": kind],
      "resource": ["group": "", "version": "v1", "resource": "pods"],
      "requestKind": ["group": "", "version": "v1", "kind": kind],
      "requestResource": ["group": "", "version": "v1", "resource": "pods"],
      "name": object["metadata"]?["name"] ?? "",
      "namespace": object["metadata"]?["namespace"] ?? "",
      "operation": .string(operation),
      "userInfo": ["username": "admin", "groups": ["system:masters", "system:authenticated"]],
      "object": object, "oldObject": .null, "dryRun": false,
      "options": ["kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"],
    ]
    for (key, value) in more.members { request[key] = value }
    return [
      "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": .object(request),
    ]
  }

  private static func pod(_ spec: JSONObject = [:], namespace: String = "shop") -> JSONValue {
    var all: JSONObject = [
      "containers": [
        [
          "name": "dry", "image": "x", "resources": [:],
          "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "Always",
        ]
      ],
      "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "securityContext": [:],
      "hostNetwork": false,
    ]
    for (key, value) in spec.members { all[key] = value }
    return [
      "kind": "Pod", "apiVersion": "v1",
      "metadata": [
        "name": "dry", "namespace": .string(namespace), "creationTimestamp": "2026-11-21T03:10:24Z",
      ],
      "spec": .object(all), "status": ["phase": "Pending", "qosClass": "BestEffort"],
    ]
  }

  private static let strict: JSONObject = [
    "rule": "pod.own-network", "scope": "shops", "enforcement": "disallow", "reason": "test",
  ]

  @Test func `creating and updating is refused with a message, and elsewhere allowed`() async throws
  {
    try await Self.with { cluster in
      try await cluster.lay(Self.strict)
      try await cluster.lay(["rule": "pod.no-token", "enforcement": "warn"])
      let bad = Self.pod(["hostNetwork": true])
      for operation in ["CREATE", "UPDATE"] {
        let refused = try await cluster.response(bad, operation)
        #expect(refused["allowed"] == false)
        #expect(refused["status"]?["code"] == 403)
        #expect(refused["status"]?["reason"] == "Forbidden")
        let message = refused["status"]?["message"]?.string ?? ""
        #expect(message.contains("dry is refused") && message.contains("pod.own-network"))
        #expect(message.contains("spec.hostNetwork") && message.contains("mend it"))
        let causes = refused["status"]?["details"]?["causes"]
        #expect(causes?.array?.first?["field"] == "spec.hostNetwork")
        #expect(refused["auditAnnotations"]?["decision"] == "refused")
        #expect(refused["patch"] == nil)
      }
      let workload: JSONValue = [
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": ["name": "web", "namespace": "shop-2"],
        "spec": ["template": ["metadata": [:], "spec": bad["spec"] ?? .null]],
      ]
      #expect(try await cluster.response(workload)["allowed"] == false)
      let warned = try await cluster.response(Self.pod())
      #expect(warned["allowed"] == true)
      let warnings = warned["warnings"]?.array ?? []
      #expect(warnings.count == 1)
      #expect(warnings.first?.string?.hasPrefix("pod.no-token (pod.no-token): ") == true)
      let elsewhere = Self.pod(["hostNetwork": true], namespace: "tools")
      #expect(try await cluster.response(elsewhere)["allowed"] == true)
      // What removes, connects, reports a state or is being removed is not held up.
      for operation in ["DELETE", "CONNECT"] {
        #expect(try await cluster.response(.null, operation)["allowed"] == true)
      }
      let status: JSONObject = ["subResource": "status"]
      #expect(try await cluster.response(bad, "UPDATE", more: status)["allowed"] == true)
      var ending = bad.object ?? [:]
      var metadata = ending["metadata"]?.object ?? [:]
      metadata["deletionTimestamp"] = "2026-11-21T03:11:00Z"
      ending["metadata"] = .object(metadata)
      #expect(try await cluster.response(.object(ending), "UPDATE")["allowed"] == true)
      let debug: JSONObject = ["subResource": "ephemeralcontainers"]
      #expect(try await cluster.response(bad, "UPDATE", more: debug)["allowed"] == false)
    }
  }

  @Test func `the log tells who asked the cluster, and of a dry run nothing`() async throws {
    try await Self.with { cluster in
      try await cluster.lay(Self.strict)
      let bad = Self.pod(["hostNetwork": true])
      #expect(try await cluster.response(bad, more: ["dryRun": true])["allowed"] == false)
      #expect(try await cluster.response(bad)["allowed"] == false)
      let log = try await cluster.server.send("GET", "/api/v1/decisions", as: cluster.editor)
      let entries = log.json["items"]?.array ?? []
      #expect(entries.count == 1)
      #expect(entries.first?["actor"] == "admin")
      #expect(entries.first?["gate"] == "kubernetes")
      #expect(entries.first?["resource_id"] == "shop/Pod/dry")
      #expect(entries.first?["account"] == "prod")
    }
  }

  /// Does what a JSON patch of additions says, as an API server does.
  private static func patched(_ object: JSONValue, _ response: JSONValue) throws -> JSONValue {
    #expect(response["patchType"] == "JSONPatch")
    let data = try #require(Data(base64Encoded: response["patch"]?.string ?? ""))
    let operations = try JSONParser().parse(Array(data)).array ?? []
    return try operations.reduce(object) { object, operation in
      #expect(operation["op"] == "add")
      let pointer = try #require(operation["path"]?.string)
      let keys = pointer.split(separator: "/").map {
        String($0).replacing("~1", with: "/").replacing("~0", with: "~")
      }
      return try added(operation["value"] ?? .null, to: object, keys[...])
    }
  }

  /// An object with a member more, whose parent is there.
  private static func added(
    _ value: JSONValue,
    to node: JSONValue,
    _ keys: ArraySlice<String>
  ) throws -> JSONValue {
    let key = try #require(keys.first)
    if keys.count == 1 {
      var object = try #require(node.object, "\(key): its parent is no object")
      object[key] = value
      return .object(object)
    }
    if var items = node.array {
      let index = try #require(Int(key))
      items[index] = try added(value, to: items[index], keys.dropFirst())
      return .array(items)
    }
    var object = try #require(node.object)
    let inner = try #require(object[key], "\(key) is not there")
    object[key] = try added(value, to: inner, keys.dropFirst())
    return .object(object)
  }

  @Test(arguments: [false, true])
  func `guardrails that were read go on while the database is away or hangs`(hangs: Bool)
    async throws
  {
    nonisolated(unsafe) var database: ShakyDatabase?
    func shaky(_ inner: any SQLDatabase) -> any SQLDatabase {
      let made = ShakyDatabase(inner)
      unsafe database = made
      return made
    }
    try await Self.with(over: shaky) { cluster in
      let database = try #require(unsafe database)
      try await cluster.lay([
        "rule": "pod.own-network", "scope": "shops", "enforcement": "disallow", "reason": "test",
      ])
      var bad = Self.pod().object ?? [:]
      bad["spec"] = ["hostNetwork": true, "containers": [["name": "a", "image": "x"]]]
      #expect(try await cluster.response(.object(bad))["allowed"] == false)
      defer { database.pause.withLock { $0 = .zero } }
      if hangs {
        database.pause.withLock { $0 = .seconds(600) }
      } else {
        database.isAway.withLock { $0 = true }
      }
      // Beyond what counts as read a moment ago.
      for wait in [0.0, 1.2, 5.5] {
        try await Task.sleep(for: .seconds(wait))
        let begun = ContinuousClock.now
        #expect(try await cluster.response(.object(bad))["allowed"] == false, "after \(wait) s")
        #expect(try await cluster.response(Self.pod())["allowed"] == true, "after \(wait) s")
        // Long before the database answers, however busy the machine is.
        #expect(ContinuousClock.now - begun < .seconds(300))
      }
      database.pause.withLock { $0 = .zero }
      database.isAway.withLock { $0 = false }
    }
  }

  @Test func `templates complete what is created, by a patch that applies`() async throws {
    try await Self.with { cluster in
      try await cluster.lay(["template": "safe-pods", "scope": "shops"])
      try await cluster.lay([
        "rule": "pod.no-token", "scope": "shops", "enforcement": "disallow", "reason": "test",
      ])
      let pod = Self.pod()
      #expect(try await cluster.response(pod)["allowed"] == false)
      let answer = try await cluster.response(pod, step: "mutate")
      #expect(answer["allowed"] == true)
      #expect(answer["auditAnnotations"]?["templates"] == "safe-pods")
      let completed = try Self.patched(pod, answer)
      #expect(completed["spec"]?["automountServiceAccountToken"] == false)
      #expect(completed["metadata"]?["labels"]?["house/class"] == "standard")
      let container = completed["spec"]?["containers"]?.array?.first
      #expect(container?["securityContext"]?["allowPrivilegeEscalation"] == false)
      #expect(try await cluster.response(completed)["allowed"] == true)
      #expect(try await cluster.response(completed, step: "mutate")["patch"] == nil)
      // A workload's pod is completed where it stands in the workload, which may lack metadata.
      let workload: JSONValue = [
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": ["name": "nightly", "namespace": "shop"],
        "spec": ["jobTemplate": ["spec": ["template": ["spec": pod["spec"] ?? .null]]]],
      ]
      let job = try Self.patched(
        workload,
        try await cluster.response(workload, step: "mutate")
      )
      let template = job["spec"]?["jobTemplate"]?["spec"]?["template"]
      #expect(template?["spec"]?["automountServiceAccountToken"] == false)
      #expect(template?["metadata"]?["labels"]?["house/class"] == "standard")
      #expect(try await cluster.response(job)["allowed"] == true)
      #expect(try await cluster.response(pod, "UPDATE", step: "mutate")["patch"] == nil)
      let elsewhere = Self.pod(namespace: "tools")
      #expect(try await cluster.response(elsewhere, step: "mutate")["patch"] == nil)
    }
  }

  @Test func `labels of a namespace that was not read leave open whether a guardrail holds`()
    async throws
  {
    try await Self.with { cluster in
      var guardrail = Self.strict
      guardrail["scope"] = "live"
      try await cluster.lay(guardrail)
      let bad = Self.pod(["hostNetwork": true])
      let unread = try await cluster.response(bad)
      #expect(unread["allowed"] == true)
      #expect(unread["warnings"]?.array?.first?.string?.contains("not known whether") == true)
      #expect(try await cluster.response(Self.pod())["warnings"] == nil)
      let stages = [("live", false), ("test", true)]
      for (index, (stage, isAllowed)) in stages.enumerated() {
        let namespace = Resource(
          provider: "kubernetes",
          account: "prod",
          kind: ResourceKind(service: "core", kind: "Namespace"),
          id: "Namespace/shop",
          name: "shop",
          tags: [(key: "stage", value: stage)],
          configuration: ["metadata": ["name": "shop", "labels": ["stage": .string(stage)]]]
        )
        var sent = HTTPRequest(
          "POST",
          cluster.server.url + "/api/v1/scans?account=prod&subject=s\(index)",
          headers: cluster.editor.headers + [("Content-Type", "application/x-ndjson")]
        )
        sent.body = Array(namespace.inventoryLine.text.utf8)
        let kept = try await cluster.server.send(sent)
        try #require(kept.status < 300, "\(kept.text)")
        #expect(try await cluster.response(bad)["allowed"] == .bool(isAllowed))
      }
    }
  }

  @Test func `what the path shows opens nothing else and ends with its key`() async throws {
    try await Self.with { cluster in
      let shown = GateKey.admission.derived(from: cluster.key)
      let asKey = try await cluster.server.send("GET", "/api/v1/scopes", as: .key(shown))
      #expect(asKey.status == 401)
      let other = GateKey.runTask.derived(from: cluster.key)
      let review = Self.review(Self.pod(), "CREATE")
      let wrong = try await cluster.server.send(
        "POST",
        "/admission/prod/\(other)/validate",
        review
      )
      #expect(wrong.status == 401 && wrong.text.contains("plumb gate kubernetes --install"))
      let foreign = try await cluster.server.send(
        "POST",
        cluster.path.replacing("/prod/", with: "/test/") + "/validate",
        review
      )
      #expect(foreign.status == 403)
      #expect(try await cluster.admit(Self.pod()).status == 200)
      let noReview = try await cluster.server.send("POST", cluster.path + "/validate", ["a": 1])
      #expect(noReview.status == 400)
      let id = try await cluster.server.store.read {
        try $0.keys().first { $0.limit.role == .viewer }
      }
      let key = try #require(id)
      try await cluster.server.change { try $0.revokeKey(key.id) }
      #expect(try await cluster.admit(Self.pod()).status == 401)
    }
  }
}
