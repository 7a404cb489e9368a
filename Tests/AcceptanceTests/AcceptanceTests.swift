import Collectors
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import TestSupport
import Testing
import YAML

/// Scans a source with every shipped rule.
private func scan(_ collector: any Collector) async throws -> ScanReport {
  let rules = try RuleIndex(ContentLibrary.shipped().rules())
  let scan = Scan(
    collector,
    try RuleSet(rules),
    now: "2026-01-01T00:00:00Z",
    subject: "acceptance"
  )
  return try await scan.run(toolVersion: "test")
}

private func terraform(_ file: String) throws -> TerraformCollector {
  let mappings = try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
  return TerraformCollector(
    files: [Fixtures.acceptance("terraform/\(file)").path],
    mappings: mappings
  )
}

private func expectations(_ file: String) throws -> [JSONValue] {
  let url = Fixtures.acceptance(file)
  let text = try String(contentsOf: url, encoding: .utf8)
  return try YAMLReader().document(text, file: file).json.array ?? []
}

struct TerraformAcceptanceTests {
  @Test(arguments: [
    "web-platform.json", "data-lake.json", "state-small.json",
  ])
  func `verdicts worked out by hand come out`(file: String) async throws {
    let report = try await scan(terraform(file))
    let expected = try expectations("terraform/expected-terraform.yaml")
      .filter { $0["file"]?.string == file }
    #expect(!expected.isEmpty)
    for entry in expected {
      let address = entry["address"]?.string ?? ""
      let rule = entry["rule"]?.string ?? ""
      let found = report.results.first { $0.resource.id == address && $0.goal.rule == rule }
      #expect(
        found?.verdict.rawValue == entry["verdict"]?.string,
        "\(address) \(rule): \(found?.reason ?? "no result") (\(entry["why"]?.string ?? ""))"
      )
    }
  }

  @Test func `what is deleted, read or not mapped is told and not judged`() async throws {
    let report = try await scan(terraform("web-platform.json"))
    #expect(report.outside.contains { $0.reason == "the plan deletes it" })
    #expect(report.outside.contains { $0.reason == "a data source" })
    #expect(report.notCovered.contains { $0.type.hasPrefix("aws_") })
    let deleted = report.outside.filter { $0.reason == "the plan deletes it" }.map(\.address)
    #expect(!report.results.contains { deleted.contains($0.resource.id) })
  }

  @Test func `kinds of other clouds are mapped and judged`() async throws {
    let report = try await scan(terraform("ibm-and-azure.json"))
    #expect(report.resourceCount >= 20)
    let kinds = Set(report.results.map { "\($0.resource.kind)" })
    #expect(
      kinds.isSuperset(of: [
        "is/security_group", "storage/storage_account", "compute/firewall", "sqladmin/instance",
      ]),
      "\(kinds)"
    )
    // What Terraform cannot know of a resource does not fail it.
    let reasons = report.results.filter { $0.verdict == .unknown }.map(\.reason)
    #expect(reasons.contains { $0.contains("known only from the live account") })
  }

  @Test func `no sensitive value reaches a result`() async throws {
    let plan = try JSONParser().parse(
      Data(contentsOf: Fixtures.acceptance("terraform/web-platform.json"))
    )
    var secrets: [String] = []
    for change in plan["resource_changes"]?.array ?? [] {
      for (key, mark) in change["change"]?["after_sensitive"]?.object?.members ?? []
      where mark.bool == true {
        if let secret = change["change"]?["after"]?[key]?.string { secrets.append(secret) }
      }
    }
    try #require(!secrets.isEmpty)
    let report = try await scan(terraform("web-platform.json"))
    let text = report.results.map { $0.json.text }.joined()
    for secret in secrets { #expect(!text.contains(secret)) }
  }

  @Test func `the web security group has two open ports and one open egress`() async throws {
    let report = try await scan(terraform("web-platform.json"))
    let own = report.results.filter { $0.resource.id == "aws_security_group.web_sg" }
    func verdict(_ rule: String) -> Verdict? { own.first { $0.goal.rule == rule }?.verdict }
    #expect(verdict("aws.ec2.sg-internet-ingress-allowed-ports") == .fail)
    #expect(verdict("aws.ec2.sg-egress-restricted") == .fail)
    #expect(verdict("aws.ec2.sg-no-ssh-from-internet") == .pass)
  }
}

struct CollectorKitTests {
  @Test(arguments: [
    "web-platform.json", "data-lake.json", "ibm-and-azure.json", "state-small.json",
  ])
  func `the Terraform collector keeps to the port`(file: String) async throws {
    try await #expect(CollectorKit(terraform(file)).faults() == [])
  }

  @Test(arguments: ["kubernetes", "kubernetes-broken"])
  func `the Kubernetes collector keeps to the port`(folder: String) async throws {
    let collector = KubernetesCollector(paths: [Fixtures.acceptance(folder).path])
    try await #expect(CollectorKit(collector).faults() == [])
  }
}

struct KubernetesAcceptanceTests {
  @Test func `verdicts worked out by hand come out`() async throws {
    let folder = Fixtures.acceptance("kubernetes").path
    let report = try await scan(KubernetesCollector(paths: [folder]))
    #expect(report.diagnostics == [])
    let expected = try expectations("expected-kubernetes.yaml")
    #expect(expected.count >= 60)
    for entry in expected {
      let file = folder + "/" + (entry["file"]?.string ?? "")
      let rule = entry["rule"]?.string ?? ""
      let kind = entry["kind"]?.string ?? ""
      let name = entry["name"]?.string ?? ""
      let namespace = entry["namespace"]?.string ?? ""
      let found = report.results.first {
        $0.resource.file == file && $0.goal.rule == rule && $0.resource.kind.kind == kind
          && $0.resource.name == name
          && (namespace.isEmpty || $0.resource.id.hasPrefix(namespace + "/"))
      }
      #expect(
        found?.verdict.rawValue == entry["verdict"]?.string,
        "\(file) \(kind) \(name) \(rule): \(found?.reason ?? "no result")"
      )
    }
  }

  @Test func `broken documents are told with file and line and the rest goes on`() async throws {
    let folder = Fixtures.acceptance("kubernetes-broken").path
    let report = try await scan(KubernetesCollector(paths: [folder]))
    let files = Set(
      report.diagnostics.map { URL(fileURLWithPath: $0.location.file).lastPathComponent }
    )
    #expect(
      files == ["middle-document.yaml", "tab-indent.yaml", "docker-compose.yaml", "scalar.yaml"]
    )
    #expect(report.diagnostics.allSatisfy { $0.location.line != nil })
    let names = Set(report.results.map(\.resource.name))
    #expect(names.isSuperset(of: ["before", "after"]))
  }
}
