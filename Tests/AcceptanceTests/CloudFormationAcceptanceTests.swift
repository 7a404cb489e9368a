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

private func cloudFormation(
  _ files: String...,
  parameters: [String: String] = [:],
  region: String = "",
  account: String = ""
) throws -> CloudFormationCollector {
  CloudFormationCollector(
    files: files.map { Fixtures.acceptance("cloudformation/\($0)").path },
    mappings: try ContentLibrary.shipped().nodes("cloudformation").map(CloudFormationMapping.init),
    parameters: parameters,
    region: region,
    account: account
  )
}

struct CloudFormationAcceptanceTests {
  @Test func `every mapping decodes and no type is mapped twice`() throws {
    let mappings = try ContentLibrary.shipped().nodes("cloudformation")
      .map(CloudFormationMapping.init)
    #expect(mappings.count >= 32)
    #expect(Set(mappings.map(\.cloudFormation)).count == mappings.count)
  }

  @Test(arguments: ["shop.yaml", "data.yaml"])
  func `verdicts worked out by hand come out`(file: String) async throws {
    let report = try await scan(cloudFormation(file))
    #expect(report.diagnostics == [])
    let url = Fixtures.acceptance("cloudformation/expected-cloudformation.yaml")
    let text = try String(contentsOf: url, encoding: .utf8)
    let all = try YAMLReader().document(text, file: url.path).json.array ?? []
    let expected = all.filter { $0["file"]?.string == file }
    #expect(expected.count >= 60)
    for entry in expected {
      let resource = entry["resource"]?.string ?? ""
      let rule = entry["rule"]?.string ?? ""
      let found = report.results.first { $0.resource.id == resource && $0.goal.rule == rule }
      #expect(
        found?.verdict.rawValue == entry["verdict"]?.string,
        "\(resource) \(rule): \(found?.reason ?? "no result") (\(entry["why"]?.string ?? ""))"
      )
      #expect(found?.resource.line != nil)
    }
  }

  @Test func `a stage that is given changes what depends on it`() async throws {
    let parameters = ["Stage": "prod", "WithReports": "no", "PartnerRange": "198.51.100.0/24"]
    let report = try await scan(
      cloudFormation(
        "shop.yaml",
        parameters: parameters,
        region: "eu-central-1",
        account: "111122223333"
      )
    )
    func verdict(_ id: String, _ rule: String) -> Verdict? {
      report.results.first { $0.resource.id == id && $0.goal.rule == rule }?.verdict
    }
    #expect(verdict("AdminGroup", "aws.ec2.sg-no-ssh-from-internet") == .pass)
    #expect(verdict("PartnerGroup", "aws.ec2.sg-no-ssh-from-internet") == .pass)
    #expect(verdict("ReportGroup", "aws.ec2.sg-no-ssh-from-internet") == .pass)
    #expect(verdict("FlowGroup", "aws.cloudwatch.log-group-retention") == .pass)
    #expect(verdict("FlowRole", "aws.iam.role-trust-confused-deputy") == .pass)
    #expect(verdict("Orders", "aws.rds.backup-enabled") == .pass)
    #expect(verdict("Orders", "aws.rds.multi-az") == .pass)
    #expect(verdict("ReportBucket", "aws.s3.versioning") == nil)
    #expect(report.outside.contains { $0.address == "ReportBucket" })
    #expect(report.results.allSatisfy { $0.resource.region == "eu-central-1" })
  }

  @Test func `what is not created, nested or not mapped is told and not judged`() async throws {
    let report = try await scan(cloudFormation("shop.yaml"))
    let outside = Dictionary(report.outside.map { ($0.address, $0.reason) }) { first, _ in first }
    #expect(outside["ProdReplica"] == "condition IsProd is false")
    #expect(outside["ProdReportBucket"] == "condition ProdReports is false")
    #expect(outside["Nested"]?.contains("nested stack") == true)
    #expect(report.notCovered.contains { $0.type == "AWS::EC2::InternetGateway" })
    #expect(!report.results.contains { outside[$0.resource.id] != nil })
  }

  @Test func `a template and a plan of the same resources get the same verdicts`() async throws {
    let template = try await scan(cloudFormation("parity.yaml", region: "eu-central-1"))
    let mappings = try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
    let plan = try await scan(
      TerraformCollector(
        files: [Fixtures.acceptance("cloudformation/parity-plan.json").path],
        mappings: mappings
      )
    )
    func verdicts(_ report: ScanReport) -> [String: Verdict] {
      var verdicts: [String: Verdict] = [:]
      for result in report.results {
        let name = result.resource.id.split(separator: ".").last?.lowercased() ?? ""
        verdicts["\(name) \(result.goal.rule)"] = result.verdict
      }
      return verdicts
    }
    let one = verdicts(template)
    let other = verdicts(plan)
    #expect(one.count >= 70)
    for key in Set(one.keys).union(other.keys) {
      #expect(one[key] == other[key], "\(key)")
    }
  }

  @Test(arguments: ["shop.yaml", "data.yaml", "parity.yaml"])
  func `the collector keeps to the port`(file: String) async throws {
    try await #expect(CollectorKit(cloudFormation(file)).faults() == [])
  }

  @Test func `several templates are judged together and keep to the port`() async throws {
    let collector = try cloudFormation("shop.yaml", "data.yaml", "parity.yaml")
    try await #expect(CollectorKit(collector).faults() == [])
  }
}
