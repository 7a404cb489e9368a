import Collectors
import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

/// The collector and AWS's own Python library read one account; what they see is compared member by
/// member.
@Suite(.enabled(if: MotoServer.isExpected))
struct AWSInventoryTests {
  /// Members that the server makes anew for each answer.
  private static let moving: Set<String> = [
    "LatestDeliveryTime", "LatestDeliveryAttemptTime", "Timestamp", "LatestRestorableTime",
  ]

  @Test func `what boto3 sees is read, kind by kind, member by member`() async throws {
    let server = try MotoServer.required()
    let account = try AWSAccount(CurlClient(), endpoint: server.endpoint)
    let theirs = try witness(server)
    var ours: [String: Resource] = [:]
    for resource in try await account.collector().resources() {
      let id = resource.configuration.isNull ? "unlisted" : resource.id
      ours["\(resource.kind) \(resource.region) \(id)"] = resource
    }
    #expect(Set(ours.keys) == Set(theirs.keys))
    var compared = 0
    for (name, line) in theirs {
      guard let resource = ours[name] else { continue }
      let faults = differences(resource.configuration, line["configuration"] ?? .null, "")
      #expect(faults.isEmpty, "\(name): \(faults.prefix(3))")
      let unread = Set(line["unread"]?.object?.members.map(\.key) ?? [])
      #expect(Set(resource.unread.map(\.path)) == unread, "\(name)")
      compared += 1
    }
    #expect(compared > 900)
    #expect(Set(ours.values.filter { !$0.configuration.isNull }.map(\.kind)).count >= 75)
  }

  @Test func `the port is kept to`() async throws {
    let server = try MotoServer.required()
    let account = try AWSAccount(CurlClient(), endpoint: server.endpoint)
    let kinds: Set = ["s3/bucket", "iam/user", "ec2/security_group", "ec2/ebs_default_encryption"]
    try await #expect(CollectorKit(account.collector(kinds)).faults() == [])
  }

  @Test func `no secret that was put into the account is in what is read`() async throws {
    let server = try MotoServer.required()
    let account = try AWSAccount(CurlClient(), endpoint: server.endpoint)
    let kinds: Set = ["lambda/function", "cloudformation/stack", "apigateway/rest_api"]
    let found = try await account.collector(kinds).resources().filter { !$0.configuration.isNull }
    #expect(Set(found.map { "\($0.kind)" }) == kinds)
    let text = found.map(\.inventoryLine.text).joined()
    #expect(!text.contains("hunter2-do-not-store"))
    #expect(text.contains("[redacted]"))
  }

  /// What boto3 sees, by kind, region and id.
  private func witness(_ server: MotoServer) throws -> [String: JSONValue] {
    let script = Fixtures.acceptance("aws/inventory.py").path
    let python = Fixtures.root.appendingPathComponent(".build/moto/bin/python")
    let regions = MotoServer.regions.flatMap { ["--region", $0] }
    let run = try CommandRun(
      python,
      [script, "--endpoint", server.endpoint] + regions,
      environment: server.environment
    )
    try #require(run.exitCode == 0, "\(run.errors)")
    return Dictionary(
      try Fixtures.lines(Array(run.output.utf8)).map { line in
        let isListed = line["configuration"].map { !$0.isNull } ?? false
        let parts = ["kind", "region"].map { line[$0]?.string ?? "" }
        let id = isListed ? line["id"]?.string ?? "" : "unlisted"
        return ((parts + [id]).joined(separator: " "), line)
      }
    ) { first, _ in first }
  }

  /// Where two values differ; instants may differ by a millisecond, which is where the two libraries
  /// round binary fractions.
  private func differences(_ ours: JSONValue, _ theirs: JSONValue, _ path: String) -> [String] {
    switch (ours, theirs) {
    case (.object(let left), .object(let right)):
      let keys = Set(left.members.map(\.key)).union(right.members.map(\.key))
      return keys.subtracting(Self.moving).sorted().flatMap { key -> [String] in
        guard let one = left[key], let two = right[key] else {
          let null = (left[key] ?? right[key])?.isNull == true
          return null ? [] : ["\(path).\(key) is \(left[key] == nil ? "theirs" : "ours") only"]
        }
        return differences(one, two, "\(path).\(key)")
      }
    case (.array(let left), .array(let right)) where left.count == right.count:
      return zip(left, right).enumerated().flatMap { index, pair in
        differences(pair.0, pair.1, "\(path)[\(index)]")
      }
    default:
      if ours == theirs || ours.double != nil && ours.double == theirs.double { return [] }
      if let one = ours.string.flatMap(Timestamp.seconds),
        let two = theirs.string.flatMap(Timestamp.seconds), abs(one - two) < 0.001
      {
        return []
      }
      return ["\(path): ours \(ours.text), theirs \(theirs.text)"]
    }
  }
}
