import Foundation
import Insights
import JSON
import Model
import Testing

private let record = #"""
  {"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/kim","accountId":"111122223333","userName":"kim"},"eventTime":"2026-03-02T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"cli","errorCode":"AccessDenied","requestParameters":{"userName":"x"},"eventID":"e-1","recipientAccountId":"111122223333"}
  """#

struct FindingTests {
  @Test func `a finding tells what, who, when and where`() async throws {
    let yaml =
      rule("selection:\n  eventName: CreateUser")
      + "\nfields: [requestParameters.userName]\nlevel: high\ntags: [attack.persistence, attack.t1136.003]"
    let found = try await detect(yaml, in: Data(record.utf8))
    let json = try #require(found.findings.first).json
    #expect(json["detection_id"] == "r")
    #expect(json["severity"] == "high")
    #expect(json["attack"] == ["tactics": ["persistence"], "techniques": ["T1136.003"]])
    #expect(
      json["event"] == ["file": "log", "position": 1, "id": "e-1", "time": "2026-03-02T10:00:00Z"]
    )
    #expect(json["entity"]?["actor"] == "kim")
    #expect(json["entity"]?["actor_kind"] == "user")
    #expect(json["entity"]?["account"] == "111122223333")
    #expect(json["evidence"]?["values"]?["outcome"] == "denied")
    #expect(json["evidence"]?["values"]?["requestParameters.userName"] == "x")
    #expect(json["count"] == 1)
    let again = try await detect(yaml, in: Data(("\n" + record).utf8))
    #expect(again.findings.first?.id == found.findings.first?.id)
  }

  @Test func `the outcome is what the log says, and unknown where it says nothing`() async throws {
    let records: [(String, JSONValue)] = [
      (#"{"eventSource":"s","eventName":"E"}"#, "allowed"),
      (#"{"eventSource":"s","eventName":"E","errorCode":"Throttling"}"#, "failed"),
      (record, "denied"),
      (#"{"action":"repo.destroy","actor":"kim","org":"o"}"#, "unknown"),
      (#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get"}"#, "unknown"),
      (
        #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"get","responseStatus":{"code":200}}"#,
        "allowed"
      ),
      (#"{"Workload":"w","Operation":"o"}"#, "unknown"),
      (#"{"Workload":"w","Operation":"o","ResultStatus":"Succeeded"}"#, "allowed"),
      (#"{"srcAddr":"10.0.0.1","dstAddr":"10.0.0.2"}"#, "unknown"),
      (#"{"srcAddr":"10.0.0.1","dstAddr":"10.0.0.2","action":"ACCEPT"}"#, "allowed"),
    ]
    let yaml = [
      ("aws", "cloudtrail"), ("github", "audit"), ("kubernetes", "audit"), ("m365", "audit"),
      ("aws", "vpcflow"),
    ]
    .map { product, service in
      "title: \(product) \(service)\nlogsource: {product: \(product), service: \(service)}\n"
        + "detection: {s: {x: null}, condition: s}"
    }
    .joined(separator: "\n---\n")
    for (text, outcome) in records {
      let found = try await detect(yaml, in: Data(text.utf8))
      #expect(found.findings.map { $0.evidence.values["outcome"] } == [outcome], "\(text)")
    }
    let activity = try await detect(yaml, in: Data(records[3].0.utf8)) { $0.isNormalising = true }
    #expect(try JSONValue(parsing: activity.lines)["status_id"] == 0)
  }

  @Test func `findings of one cause are one group, and one found twice counts once`() {
    func finding(_ id: String, _ note: String, _ actor: String, at: Int64) -> Finding {
      var entity = FindingEntity()
      entity.actor = actor
      let reference = EventReference(file: "f", position: Int(at), id: nil, digest: id, time: nil)
      return Finding(
        id: id,
        note: FindingNote(
          id: note,
          title: note,
          severity: note == "bad" ? .high : .low,
          provider: "activity"
        ),
        entity: entity,
        firstSeen: Instant(milliseconds: at),
        lastSeen: Instant(milliseconds: at),
        count: 1,
        evidence: FindingEvidence(source: "s", values: [:], events: [reference])
      )
    }
    var groups = FindingGroups(groupLimit: 2)
    groups.add(finding("1", "bad", "kim", at: 5))
    groups.add(finding("2", "bad", "kim", at: 3))
    let isNew = groups.add(finding("2", "bad", "kim", at: 3))
    #expect(!isNew)
    groups.add(finding("3", "mild", "kim", at: 9))
    groups.add(finding("4", "mild", "lee", at: 9))
    #expect(groups.sorted.map(\.note.id) == ["bad", "mild"])
    #expect(groups.sorted[0].count == 2)
    #expect(groups.sorted[0].firstSeen == Instant(milliseconds: 3))
    #expect(groups.sorted[0].lastSeen == Instant(milliseconds: 5))
    #expect(groups.sorted[0].evidence.events.map(\.position) == [5, 3])
    #expect(groups.overflow == 1)
    // One that has grown counts what is new of it.
    var grown = finding("1", "bad", "kim", at: 5)
    grown.count = 10
    let hasGrown = groups.add(grown)
    #expect(hasGrown)
    #expect(groups.sorted[0].count == 11)
    #expect(groups.sorted[0].evidence.events.map(\.position) == [5, 3])
    #expect(groups.count == 4)
  }

  @Test func `a record becomes an OCSF activity that keeps it`() async throws {
    let found = try await detect(rule("selection:\n  a: 1"), in: Data(record.utf8)) {
      $0.isNormalising = true
    }
    let activity = try JSONValue(parsing: found.lines)
    #expect(activity["class_uid"] == 6003)
    #expect(activity["activity_id"] == 1)
    #expect(activity["status"] == "Denied")
    #expect(activity["actor"]?["user"]?["name"] == "kim")
    #expect(activity["api"]?["operation"] == "CreateUser")
    #expect(activity["src_endpoint"] == ["ip": "198.51.100.7"])
    #expect(activity["raw_data"]?.string == record)
    #expect(activity["metadata"]?["original_event_uid"] == "e-1")
  }

  @Test func `a user and an app are told apart`() async throws {
    let service =
      #"{"eventSource":"s","eventName":"E","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}}"#
    let robot =
      #"{"protoPayload":{"methodName":"m","authenticationInfo":{"principalEmail":"x@p.iam.gserviceaccount.com"}}}"#
    let person =
      #"{"action":"iam-groups.member.add","initiator":{"id":"IBMid-1","name":"kim"},"outcome":"success"}"#
    let yaml = ["aws", "gcp", "ibm"].map {
      "title: \($0)\nid: \($0)\nlogsource: {product: \($0)}\ndetection: {s: {x: null}, condition: s}"
    }
    let log = [service, robot, person].joined(separator: "\n")
    let found = try await detect(yaml.joined(separator: "\n---\n"), in: Data(log.utf8))
    #expect(found.findings.map(\.entity.actorKind) == [.app, .app, .user])
  }
}
