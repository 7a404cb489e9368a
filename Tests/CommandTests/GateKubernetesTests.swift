import Foundation
import JSON
import Model
import TestSupport
import Testing
import YAML

/// `plumb gate kubernetes`: manifests, and the webhook configurations that it prints.
struct GateKubernetesTests {
  private static let manifests = """
    apiVersion: v1
    kind: Namespace
    metadata: { name: shop, labels: { stage: live } }
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: { name: web, namespace: shop }
    spec:
      template:
        spec:
          hostPID: true
          containers: [{ name: web, image: x }]
    ---
    apiVersion: v1
    kind: Pod
    metadata: { name: tool, namespace: tools }
    spec: { hostPID: true, containers: [{ name: tool, image: x }] }
    """

  private static func guardrails(_ scope: String, _ choice: String = "open") -> String {
    """
    scopes: [{ name: here, includes: ["\(scope)"] }]
    guardrails:
      - { rule: k8s.pod.no-host-pid, scope: here, enforcement: disallow, on_failure: \(choice) }
    """
  }

  @Test(arguments: [
    ("group=shop", "open", Int32(1), ["shop/Deployment/web": "refused"]),
    ("account=prod,group=tools", "open", 1, ["tools/Pod/tool": "refused"]),
    ("account=test", "open", 0, [:]),
    // The labels of the namespace tools are nowhere among the manifests.
    (
      "tag:namespace:stage=live", "open", 1,
      ["shop/Deployment/web": "refused", "tools/Pod/tool": "warned"]
    ),
    (
      "tag:namespace:stage=live", "closed", 1,
      ["shop/Deployment/web": "refused", "tools/Pod/tool": "refused"]
    ),
    ("tag:namespace:stage=test", "closed", 1, ["tools/Pod/tool": "refused"]),
  ])
  func `namespaces and their labels are scopes`(
    scope: String,
    choice: String,
    exitCode: Int32,
    effects: [String: String]
  ) throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("guardrails.yaml")
    try Data(Self.guardrails(scope, choice).utf8).write(to: file)
    let run = try CommandRun(
      ["gate", "kubernetes", "-", "--account", "prod", "--guardrails", file.path]
        + ["--format", "json"],
      input: Data(Self.manifests.utf8)
    )
    #expect(run.exitCode == exitCode, "\(run.errors)")
    let report = try JSONParser().parse(Array(run.output.utf8))
    var found: [String: String] = [:]
    for decision in report["decisions"]?.array ?? [] {
      guard let effect = decision["decision"]?.string, effect != "allowed" else { continue }
      found[decision["resource"]?["id"]?.string ?? ""] = effect
    }
    #expect(found == effects)
  }

  @Test func `a document that cannot be read ends with 2, and annotations have lines`() throws {
    let gate = ["gate", "kubernetes", "-", "--profile", "cis-kubernetes"]
    let broken = try CommandRun(gate, input: Data("kind: Pod\n---\n{ a: [".utf8))
    #expect(broken.exitCode == 2 && broken.output.contains("not read: "), "\(broken.output)")
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let file = folder.appendingPathComponent("web.yaml")
    try Data(Self.manifests.utf8).write(to: file)
    let profile = ["--profile", "cis-kubernetes", "--format", "github"]
    let github = try CommandRun(["gate", "kubernetes", folder.path] + profile)
    #expect(github.exitCode == 1)
    #expect(github.output.contains("::error file=\(file.path),line="), "\(github.output)")
  }

  private static func install(_ arguments: [String]) throws -> CommandRun {
    try CommandRun(
      ["gate", "kubernetes", "--install"] + arguments,
      environment: ["PLUMB_TOKEN": "plumb_test.key"]
    )
  }

  @Test func `the printed configurations are what Kubernetes takes`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let authorities = folder.appendingPathComponent("ca.pem")
    try Data("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".utf8)
      .write(to: authorities)
    let run = try Self.install([
      "--server", "https://plumb.example.com:8443", "--account", "prod/eu", "--ca-bundle",
      authorities.path, "--failure-policy", "fail", "--webhook-timeout", "7", "--leave-out",
      "tools", "--resource", "example.org/databases",
    ])
    #expect(run.exitCode == 0, "\(run.errors)")
    #expect(!run.output.contains("plumb_test.key"))
    let file = folder.appendingPathComponent("webhooks.yaml")
    try Data(run.output.utf8).write(to: file)
    let documents = YAMLReader(.kubernetes).documents(run.output, file: "webhooks.yaml")
    let read = try documents.map { try $0.get()?.json ?? .null }
    #expect(
      read.map { $0["kind"]?.string } == [
        "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration",
      ]
    )
    for (document, step) in zip(read, ["mutate", "validate"]) {
      let webhook = try #require(document["webhooks"]?.array?.first)
      #expect(webhook["failurePolicy"] == "Fail" && webhook["timeoutSeconds"] == 7)
      #expect(webhook["sideEffects"] == "None" && webhook["matchPolicy"] == "Equivalent")
      #expect(webhook["admissionReviewVersions"] == ["v1"])
      let url = webhook["clientConfig"]?["url"]?.string ?? ""
      #expect(url.hasPrefix("https://plumb.example.com:8443/admission/prod%2Feu/"))
      #expect(url.hasSuffix("/\(step)"))
      let bundle = webhook["clientConfig"]?["caBundle"]?.string ?? ""
      #expect(Data(base64Encoded: bundle) == (try Data(contentsOf: authorities)))
      let expression = webhook["namespaceSelector"]?["matchExpressions"]?.array?.first
      #expect(expression?["values"] == ["kube-system", "tools"])
      let rules = webhook["rules"]?.array ?? []
      #expect(rules.last?["apiGroups"] == ["example.org"])
      #expect(rules.last?["resources"] == ["databases"])
      #expect(!run.output.contains("secrets"))
    }
    let validator = Fixtures.root.appendingPathComponent(".build/tools/bin/kubernetes-validate")
    func validated() throws -> CommandRun {
      try CommandRun(validator, ["--strict", file.path])
    }
    let valid = try validated()
    #expect(valid.exitCode == 0, "\(valid.output)\(valid.errors)")
    try Data(run.output.replacing("timeoutSeconds: 7", with: "timeoutSeconds: x").utf8)
      .write(to: file)
    #expect(try validated().exitCode != 0)
    try Data(run.output.utf8).write(to: file)
    let kubectl = URL(fileURLWithPath: "/usr/bin/kubectl")
    guard FileManager.default.isExecutableFile(atPath: kubectl.path) else { return }
    let taken = try CommandRun(
      kubectl,
      ["label", "--local", "-f", file.path, "checked=yes", "-o", "json"]
    )
    #expect(taken.exitCode == 0, "\(taken.errors)")
    #expect(taken.output.contains("\"timeoutSeconds\": 7"), "\(taken.output)")
  }

  @Test func `while the server is away the cluster goes on unless told otherwise`() throws {
    let run = try Self.install(["--server", "https://plumb.example.com", "--account", "prod"])
    #expect(run.output.components(separatedBy: "failurePolicy: Ignore").count == 3)
    #expect(run.output.contains("values: [kube-system, plumbline]"))
    #expect(!run.output.contains("caBundle"))
  }

  @Test(arguments: [
    (["--install", "--server", "http://plumb.example.com", "--account", "c"], "without TLS"),
    (["--install", "--account", "c"], "--server https://"),
    (["--install", "--server", "https://plumb.example.com"], "--install needs --account"),
    (["--install", "pod.yaml"], "--install reads no manifests"),
    (["--install", "--webhook-timeout", "31"], "1 to 30 seconds"),
    (["--install", "--resource", "secrets"], "GROUP/RESOURCE"),
    (["--install", "--failure-policy", "open"], "ignore, fail"),
    (["pod.yaml", "--leave-out", "tools"], "--leave-out needs --install"),
    ([], "name manifests"),
  ])
  func `what cannot be printed or decided is said`(arguments: [String], errors: String) throws {
    let run = try CommandRun(
      ["gate", "kubernetes"] + arguments,
      environment: ["PLUMB_TOKEN": "plumb_test.key"]
    )
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(errors), "\(run.errors)")
  }
}
