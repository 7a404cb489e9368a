import Collectors
import Foundation
import JSON
import Model
import TestSupport
import Testing

private func collect(_ text: String, name: String = "m.yaml") throws -> [Collected] {
  let folder = try Fixtures.temporaryFolder()
  defer { Fixtures.remove(folder) }
  try Data(text.utf8).write(to: folder.appendingPathComponent(name))
  var items: [Collected] = []
  try KubernetesCollector(paths: [folder.path]).collect { items.append($0) }
  return items
}

extension [Collected] {
  fileprivate var resources: [Resource] {
    compactMap { if case .resource(let resource) = $0 { resource } else { nil } }
  }

  fileprivate var diagnostics: [Diagnostic] {
    compactMap { if case .diagnostic(let diagnostic) = $0 { diagnostic } else { nil } }
  }
}

struct KubernetesTests {
  @Test(arguments: [
    ("apps/v1", "Deployment", "spec: { template: { spec: { hostPID: true } } }"),
    (
      "batch/v1", "CronJob",
      "spec: { jobTemplate: { spec: { template: { spec: { hostPID: true } } } } }"
    ),
    ("v1", "Pod", "spec: { hostPID: true }"),
  ])
  func `a workload is one pod`(version: String, kind: String, spec: String) throws {
    let found = try collect(
      "apiVersion: \(version)\nkind: \(kind)\nmetadata: { name: web, namespace: shop }\n\(spec)"
    ).resources
    #expect(found.count == 1)
    #expect(found[0].kind == ResourceKind(service: "core", kind: "Pod"))
    #expect(found[0].id == "shop/\(kind)/web")
    #expect(found[0].configuration["spec"]?["hostPID"] == true)
    #expect(found[0].source?["line"] == 1)
  }

  @Test func `a resource of another group that only shares the name is no pod`() throws {
    let found = try collect(
      "apiVersion: example.org/v1\nkind: Deployment\nmetadata: { name: x }\nspec: {}"
    ).resources
    #expect(found.map(\.kind) == [ResourceKind(service: "example.org", kind: "Deployment")])
  }

  @Test func `items of lists stand for themselves with their own lines`() throws {
    let found = try collect(
      """
      apiVersion: v1
      kind: List
      items:
        - apiVersion: v1
          kind: Namespace
          metadata: { name: a }
        - apiVersion: v1
          kind: ServiceAccount
          metadata: { name: b }
      """
    ).resources
    #expect(found.map(\.id) == ["Namespace/a", "default/ServiceAccount/b"])
    #expect(found.map { $0.source?["line"] } == [4, 7])
  }

  @Test func `flags of the control plane are read`() throws {
    let found = try collect(
      """
      apiVersion: v1
      kind: Pod
      metadata: { name: kube-apiserver, namespace: kube-system }
      spec:
        containers:
          - command: [/usr/bin/kube-apiserver, --anonymous-auth=false, --profiling]
            args: [--audit-log-maxage, "30", "--authorization-mode=Node,RBAC"]
      """
    ).resources
    #expect(found.count == 2)
    #expect(
      found[1].configuration["flags"]
        == [
          "anonymous-auth": "false", "profiling": "true", "audit-log-maxage": "30",
          "authorization-mode": "Node,RBAC",
        ]
    )
  }

  @Test func `what is no object is a diagnostic`() throws {
    let items = try collect(
      "services: {}\n---\njust text\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n"
    )
    #expect(items.diagnostics.count == 2)
    #expect(items.diagnostics.map(\.location.line) == [1, 3])
    #expect(items.resources.map(\.id) == ["Namespace/one"])
  }

  @Test func `after a broken document nothing counts as fully read`() throws {
    let items = try collect("apiVersion: v1\nkind: Namespace\nmetadata: {name: one}\n---\na: [\n")
    let gaps = items.compactMap { item -> String? in
      if case .coverage(let coverage) = item { coverage.gap } else { nil }
    }
    #expect(gaps.contains("a document could not be read"))
  }

  @Test func `a path that is not there ends the work`() {
    #expect(throws: FileError.self) {
      try KubernetesCollector(paths: ["/nonexistent/x.yaml"]).collect { _ in }
    }
  }

  @Test func `a file that is not text is a diagnostic`() throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try Data([0xFF, 0xD8, 0x00]).write(to: folder.appendingPathComponent("image.yaml"))
    var items: [Collected] = []
    try KubernetesCollector(paths: [folder.path]).collect { items.append($0) }
    #expect(items.diagnostics.map(\.message) == ["is not UTF-8 text"])
  }
}
