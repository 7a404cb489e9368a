import Foundation
import JSON
import Model
import TestSupport
import Testing

/// docs/alerts.md's sequence: access is asked for, granted and used; an anomaly is told to who grants
/// access, the breach to who answers for the account.
struct BreachSequenceTests {
  private static let account = "111122223333"

  /// A record of CloudTrail's.
  private static func record(
    _ time: String,
    _ service: String,
    _ name: String,
    by user: String,
    _ parameters: JSONValue,
    error: String? = nil
  ) -> JSONValue {
    var record: JSONObject = [
      "eventVersion": "1.08", "eventTime": .string("2026-03-02T\(time)Z"),
      "eventSource": .string("\(service).amazonaws.com"), "eventName": .string(name),
      "awsRegion": "eu-central-1", "sourceIPAddress": "198.51.100.7",
      "eventID": .string("e-\(time)"), "recipientAccountId": .string(account),
      "userIdentity": [
        "type": "IAMUser", "arn": .string("arn:aws:iam::\(account):user/\(user)"),
        "accountId": .string(account), "userName": .string(user),
      ],
      "requestParameters": parameters,
    ]
    record["errorCode"] = error.map { .string($0) }
    return .object(record)
  }

  /// An account's user, with policies attached to it.
  private static func user(_ name: String, policies: [JSONValue]) -> String {
    Resource.line(
      account: account,
      id: "arn:aws:iam::\(account):user/\(name)",
      configuration: [
        "UserName": .string(name), "UserPolicyList": [],
        "AttachedManagedPolicies": .array(policies),
      ]
    )
  }

  @Test func `who grants access is told of the anomaly, who answers for the account of the breach`()
    async throws
  {
    let (team, person) = (
      try ReplayServer { _ in .init(202) }, try ReplayServer { _ in .init(202) }
    )
    defer {
      team.stop()
      person.stop()
    }
    try await ServedStore.with(["--allow-private-channels"]) { served in
      func add(_ name: String, _ url: String, _ more: [String]) throws {
        let added = try served.local(
          ["channels", "add", name, "--kind", "webhook", "--address", url]
            + ["--allow-private-channels"] + more
        )
        #expect(added.exitCode == 0, "\(added.errors)")
      }
      try add("iam-team", team.url + "/iam", ["--source", "insights", "--severity", "high"])
      try add("owner", person.url + "/owner", ["--source", "posture", "--severity", "low"])
      let inventory = served.folder.appendingPathComponent("users.ndjson")
      func scan(_ policies: [JSONValue]) throws {
        try Data((Self.user("kim", policies: policies) + "\n").utf8).write(to: inventory)
        let scanned = try served.local(
          ["scan", "inventory", inventory.path, "--account", Self.account, "--complete"]
        )
        #expect(scanned.exitCode < 2, "\(scanned.errors)")
      }
      try scan([])
      // Kim asks for a session on a machine and is refused, asks the IAM team, and is granted rights;
      // the session is opened; then kim stops the trail, which is no part of the task.
      let policy = "arn:aws:iam::aws:policy/AdministratorAccess"
      let log: JSONValue = [
        "Records": [
          Self.record(
            "09:00:00",
            "ssm",
            "StartSession",
            by: "kim",
            ["target": "i-1"],
            error: "AccessDenied"
          ),
          Self.record(
            "09:20:00",
            "iam",
            "AttachUserPolicy",
            by: "ann",
            ["userName": "kim", "policyArn": .string(policy)]
          ),
          Self.record("09:25:00", "ssm", "StartSession", by: "kim", ["target": "i-1"]),
          Self.record("09:40:00", "cloudtrail", "StopLogging", by: "kim", ["name": "main"]),
        ]
      ]
      let file = served.folder.appendingPathComponent("trail.json")
      try Data(log.text.utf8).write(to: file)
      let read = try served.local(["detect", "--save", file.path])
      #expect(read.exitCode < 2, "\(read.errors)")
      // Each step is recorded: who, what, when.
      let found = try served.localJSON(["findings", "list", "--state", "all"]).array ?? []
      let steps = found.map {
        "\($0["entity"]?["actor"]?.string ?? ""): \($0["title"]?.string ?? "")"
      }
      for step in [
        "kim: A call was refused for want of permission", "ann: Administrator rights were attached",
        "kim: Commands were sent to instances", "kim: A CloudTrail trail was stopped or deleted",
      ] { #expect(steps.contains { $0 == step }, "\(step): \(steps)") }
      // The team is told of the grant and of the anomaly, and of neither the question nor the session.
      #expect(try await eventually { team.requests.count >= 2 })
      let told = try team.requests.map { request in
        try JSONParser().parse(request.body)["data"]?["finding"]?["title"]?.string ?? ""
      }
      #expect(
        Set(told) == [
          "Administrator rights were attached", "A CloudTrail trail was stopped or deleted",
        ]
      )
      #expect(person.requests.isEmpty)
      // The next scan finds what the grant came to.
      try scan([["PolicyName": "AdministratorAccess", "PolicyArn": .string(policy)]])
      #expect(try await eventually { !person.requests.isEmpty })
      let event = try JSONParser().parse(try #require(person.requests.first).body)
      #expect(event["type"] == "dev.plumbline.finding.opened")
      let finding = event["data"]?["finding"]
      #expect(finding?["note"] == "aws.iam.policies-through-groups")
      #expect(finding?["entity"]?["account"]?.string == Self.account)
      #expect(team.requests.count == 2)
      // Everything stands in one list, and ends when it is taken back.
      let sources = try served.remoteJSON(["findings", "list"]).array?.compactMap {
        $0["source"]?.string
      }
      #expect(Set(sources ?? []).isSuperset(of: ["insights", "posture"]))
      try scan([])
      let ended = try served.localJSON(["findings", "list", "--state", "mitigated"]).array ?? []
      #expect(ended.map { $0["note"]?.string } == ["aws.iam.policies-through-groups"])
      #expect(ended.first?["decided_by"]?.string?.hasPrefix("scan ") == true)
    }
  }
}

extension Resource {
  /// A user's line in an inventory.
  fileprivate static func line(account: String, id: String, configuration: JSONValue) -> String {
    Resource(
      provider: "aws",
      account: account,
      kind: ResourceKind(service: "iam", kind: "user"),
      id: id,
      configuration: configuration
    ).inventoryLine.text
  }
}
