import Foundation
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// A request of one operation about one account, and how it is told whether the answer speaks of it.
struct Asked: Sendable {
  var method: String
  var path: String
  var body: JSONValue?
  /// Instead of JSON.
  var lines: String?
  /// Headers of its own.
  var headers: [(name: String, value: String)] = []
  /// What stands in the answer where the caller sees the account, and nowhere else.
  var mark: String?

  init(
    _ method: String,
    _ path: String,
    _ body: JSONValue? = nil,
    lines: String? = nil,
    mark: String? = nil
  ) {
    (self.method, self.path, self.body) = (method, "/api/v1" + path, body)
    (self.lines, self.mark) = (lines, mark)
  }
}

/// Prepares what a request needs, for a caller who is a person of a number.
typealias Asking = @Sendable (World, Side, Int64) async throws -> Asked

/// A request for every operation.
///
/// Each finds what it changes new.
enum Askings {
  static let all: [String: Asking] = [
    findings, conversations, alerts,
    content, decisions, schedules, statements, credentials, people, posture, session,
    collectors, guardrails,
  ].reduce(into: [:]) { all, group in all.merge(group) { first, _ in first } }

  private static let content: [String: Asking] = [
    "openapi": { _, _, _ in Asked("GET", "/openapi.json") },
    "showReference": { _, _, _ in Asked("GET", "/reference") },
    "showContent": { _, _, _ in Asked("GET", "/content") },
    "listRules": { _, _, _ in Asked("GET", "/rules") },
    "showRule": { _, _, _ in Asked("GET", "/rules/test.bucket.kept") },
    "listProfiles": { _, _, _ in Asked("GET", "/profiles") },
    "showProfile": { _, _, _ in Asked("GET", "/profiles/house") },
    "listProfileVersions": { _, _, _ in Asked("GET", "/profiles/house/versions") },
    "compareProfiles": { _, _, _ in Asked("GET", "/profiles/house/comparison?with=house") },
    "keepProfile": { world, _, _ in
      Asked(
        "POST",
        "/profiles",
        [
          "id": "own", "version": .string("\(world.server.clock.now.milliseconds)"),
          "effective_date": "2026-01-01", "title": "Own",
          "controls": [
            ["id": "1", "title": "One", "goals": [["rule": "test.bucket.encrypted"]]]
          ],
        ]
      )
    },
    "removeProfile": { world, _, _ in
      let kept = Profile(
        id: "spare-\(world.server.clock.now.milliseconds)",
        version: "1",
        effectiveDate: "2026-01-01",
        title: "Spare",
        controls: TestContent.profile.controls
      )
      try await world.server.change { try $0.add(kept) }
      return Asked("DELETE", "/profiles/\(kept.id)")
    },
    "listControls": { _, _, _ in Asked("GET", "/profiles/house/controls") },
  ]

  private static let decisions: [String: Asking] = [
    "listAccounts": { _, side, _ in Asked("GET", "/accounts", mark: side.mark) },
    "showAccount": { _, side, _ in
      Asked("GET", "/accounts/\(side.accountNumber)", mark: side.mark)
    },
    "placeAccount": { _, side, _ in
      Asked(
        "PUT",
        "/accounts/\(side.accountNumber)",
        ["name": .string(side.mark), "parent": .null]
      )
    },
    "importAccounts": { _, side, _ in
      Asked("POST", "/accounts/import", ["nodes": [["account": .string(side.account)]]])
    },
    "listScopes": { _, side, _ in Asked("GET", "/scopes", mark: side.mark) },
    "showScope": { _, side, _ in Asked("GET", "/scopes/\(side.scope)", mark: side.mark) },
    "showScopeOverview": { _, side, _ in
      Asked("GET", "/scopes/\(side.scope)/overview", mark: side.mark)
    },
    "listScopeConflicts": { world, side, _ in
      let (name, account) = ("overlap-\(side.word)", side.account)
      try await world.server.change { transaction in
        let selector = try Scope.Selector("account=\(account)")
        try transaction.put(Scope(name: name, parent: "", includes: [selector], excludes: []))
      }
      return Asked("GET", "/scope-conflicts", mark: name)
    },
    "putScope": { _, side, _ in
      Asked(
        "PUT",
        "/scopes/\(side.scope)",
        [
          "includes": [.string("account=\(side.account)")],
          "excludes": [.string("id=\(side.mark)")],
        ]
      )
    },
    "removeScope": { world, _, _ in
      try await world.server.change { transaction in
        try transaction.put(Scope(name: "spare", parent: "", includes: [], excludes: []))
      }
      return Asked("DELETE", "/scopes/spare")
    },
    "listAttachments": { world, side, _ in
      _ = try await attach(world, side)
      return Asked("GET", "/attachments?limit=500", mark: side.scope)
    },
    "showAttachment": { world, side, _ in
      Asked("GET", "/attachments/\(try await attach(world, side))", mark: side.scope)
    },
    "attach": { _, side, _ in
      Asked("POST", "/attachments", ["profile": "house", "scope": .string(side.scope)])
    },
    "detach": { world, side, _ in
      Asked("DELETE", "/attachments/\(try await attach(world, side))")
    },
    "listExceptions": { world, side, _ in
      _ = try await exception(world, side)
      return Asked("GET", "/exceptions?limit=500", mark: side.mark)
    },
    "requestException": { world, side, _ in
      Asked(
        "POST",
        "/exceptions",
        [
          "rule": "test.bucket.encrypted", "resource": .string(side.bucket), "reason": "r",
          "owner": "o", "compensating_control": "c",
          "expires_at": .string("\(world.server.clock.now.advanced(days: 9))"),
        ]
      )
    },
    "showException": { world, side, _ in
      Asked("GET", "/exceptions/\(try await exception(world, side))", mark: side.mark)
    },
    "revokeException": { world, side, _ in
      Asked("DELETE", "/exceptions/\(try await exception(world, side))")
    },
    "approveException": { world, side, _ in
      Asked("POST", "/exceptions/\(try await exception(world, side))/approval", mark: side.mark)
    },
    "reportExceptions": { world, side, _ in
      _ = try await exception(world, side)
      return Asked("GET", "/exception-report", mark: side.mark)
    },
  ]

  private static let schedules: [String: Asking] = [
    "listRuns": { world, side, _ in
      let attachment = try await attach(world, side)
      try await world.server.change { transaction in
        _ = try transaction.beginRun(of: attachment, dueAt: transaction.now, cause: .person)
      }
      return Asked("GET", "/attachments/\(attachment)/runs", mark: "founder")
    },
    "runAttachment": { world, side, _ in
      _ = try await credential(world, side)
      return Asked("POST", "/attachments/\(try await attach(world, side))/runs", mark: "due_at")
    },
    "showSchedule": { world, side, _ in
      Asked("GET", "/attachments/\(try await attach(world, side))/schedule", mark: "every 77h")
    },
    "pauseAttachment": { world, side, _ in
      let path = "/attachments/\(try await attach(world, side))/pause"
      return Asked("POST", path, [:], mark: "every 77h")
    },
    "resumeAttachment": { world, side, _ in
      let attachment = try await attach(world, side)
      try await world.server.change { try $0.pause(attachment: attachment) }
      return Asked("POST", "/attachments/\(attachment)/resumption", mark: "every 77h")
    },
    "listJobs": { world, side, _ in
      _ = try await job(world, side)
      return Asked("GET", "/jobs?limit=500", mark: side.credential)
    },
    "showJob": { world, side, _ in
      Asked("GET", "/jobs/\(try await job(world, side))", mark: side.credential)
    },
    "followJob": { world, side, _ in
      let job = try await job(world, side)
      // One that is over is told of at once.
      try await world.server.change { try $0.cancelJob(job) }
      return Asked("GET", "/jobs/\(job)/events", mark: "event: end")
    },
    "followScan": { _, side, _ in
      Asked("GET", "/scans/\(side.scans[1])/events", mark: "event: end")
    },
    "cancelJob": { world, side, _ in
      let job = try await job(world, side)
      return Asked("POST", "/jobs/\(job)/cancellation", mark: side.credential)
    },
    "retryJob": { world, side, _ in
      let job = try await job(world, side)
      try await world.server.change { try $0.cancelJob(job) }
      return Asked("POST", "/jobs/\(job)/retry", mark: side.credential)
    },
  ]

  /// An open job about the account.
  private static func job(_ world: World, _ side: Side) async throws -> Int64 {
    let target = JobTarget(provider: "aws", account: side.account, credential: side.credential)
    return try await world.server.change { try $0.enqueue(target).job }
  }

  private static func attach(_ world: World, _ side: Side) async throws -> Int64 {
    let scope = side.scope
    return try await world.server.change {
      try $0.attach(TestContent.profile, to: scope, parameters: [:], schedule: "every 77h")
    }
  }

  private static func exception(_ world: World, _ side: Side) async throws -> Int64 {
    let request = ExceptionRequest(
      rule: "test.bucket.encrypted",
      resource: side.bucket,
      scope: "",
      reason: side.mark,
      owner: "o",
      compensatingControl: "c",
      expiresAt: world.server.clock.now.advanced(days: 9)
    )
    return try await world.server.change { try $0.request(request) }
  }

  private static let statements: [String: Asking] = [
    "listMarks": { world, side, _ in
      try await mark(world, side)
      return Asked("GET", "/marks?limit=500", mark: side.mark)
    },
    "showMark": { world, side, _ in
      try await mark(world, side)
      return Asked("GET", "/marks/resource/owner?name=\(side.bucket)", mark: side.mark)
    },
    "putMark": { _, side, _ in
      Asked("PUT", "/marks/resource/owner?name=\(side.bucket)", ["value": .string(side.mark)])
    },
    "removeMark": { world, side, _ in
      try await mark(world, side)
      return Asked("DELETE", "/marks/resource/owner?name=\(side.bucket)")
    },
    "listAttestations": { world, side, _ in
      _ = try await attestation(world, side)
      return Asked("GET", "/attestations?limit=500", mark: side.mark)
    },
    "attest": { world, side, _ in
      let now = JSONValue.string("\(world.server.clock.now)")
      return Asked(
        "POST",
        "/attestations",
        [
          "profile": "house", "control": "2", "scope": .string(side.scope), "met": true,
          "statement": "s", "evidence_name": "e.txt", "evidence": "ZXZpZGVuY2U=",
          "observed_at": now, "period_from": now, "period_to": "2099-01-01T00:00:00Z",
        ]
      )
    },
    "showAttestation": { world, side, _ in
      Asked("GET", "/attestations/\(try await attestation(world, side))", mark: side.mark)
    },
    "approveAttestation": { world, side, _ in
      Asked("POST", "/attestations/\(try await attestation(world, side))/approval", mark: side.mark)
    },
    "showEvidence": { world, side, _ in
      Asked("GET", "/attestations/\(try await attestation(world, side))/evidence", mark: side.mark)
    },
  ]

  private static func mark(_ world: World, _ side: Side) async throws {
    let mark = Mark(subject: .resource, name: side.bucket, kind: .owner, value: side.mark)
    try await world.server.change { try $0.set(mark) }
  }

  private static func attestation(_ world: World, _ side: Side) async throws -> Int64 {
    let now = world.server.clock.now
    let evidence = Array("evidence, \(side.mark)".utf8)
    let attestation = Attestation(
      profile: "house",
      version: "1",
      control: "2",
      scope: side.scope,
      isMet: true,
      statement: side.mark,
      evidenceName: "e.txt",
      evidenceDigest: Digest.sha256(evidence),
      observedAt: now,
      receivedAt: now,
      periodBegins: now,
      periodEnds: now.advanced(days: 9),
      attestedBy: "founder"
    )
    return try await world.server.change { try $0.attest(attestation, evidence: evidence) }
  }

  private static let credentials: [String: Asking] = [
    "listCredentials": { world, side, _ in
      _ = try await credential(world, side)
      return Asked("GET", "/credentials?limit=500", mark: side.mark)
    },
    "addCredential": { _, side, _ in
      Asked(
        "POST",
        "/credentials",
        [
          "name": .string(name()), "provider": "ibm",
          "details": ["account": .string(side.account)], "secret": ["api_key": "k"],
        ]
      )
    },
    "showCredential": { world, side, _ in
      Asked("GET", "/credentials/\(try await credential(world, side))", mark: side.mark)
    },
    "revokeCredential": { world, side, _ in
      Asked("DELETE", "/credentials/\(try await credential(world, side))")
    },
    "testCredential": { world, side, _ in
      let path = "/credentials/\(try await credential(world, side))/test"
      return Asked("POST", path, mark: side.account)
    },
    "rotateCredential": { world, side, _ in
      let path = "/credentials/\(try await credential(world, side))/secret"
      return Asked("PUT", path, ["secret_access_key": "another"], mark: side.mark)
    },
  ]

  static func name() -> String { "c\(UInt32.random(in: .min ... .max))" }

  private static func credential(_ world: World, _ side: Side) async throws -> String {
    let name = name()
    let body: JSONValue = [
      "name": .string(name), "provider": "aws", "secret": ["secret_access_key": "k"],
      "details": ["account": .string(side.account), "access_key_id": .string(side.mark)],
    ]
    let answer = try await world.server.send(
      "POST",
      "/api/v1/credentials",
      as: world.administrator,
      body
    )
    #expect(answer.status == 201, "\(answer.text)")
    return name
  }

  private static let people: [String: Asking] = [
    "listPeople": { world, side, _ in
      Asked("GET", "/people?limit=500", mark: try await colleague(world, side).name)
    },
    "addPerson": { _, _, _ in Asked("POST", "/people", ["name": .string(name())]) },
    "showPerson": { world, side, _ in
      let person = try await colleague(world, side)
      return Asked("GET", "/people/\(person.id)", mark: person.name)
    },
    "changePerson": { world, _, _ in
      Asked("PATCH", "/people/\(world.stranger)", ["email": .string("\(name())@example.com")])
    },
    "listGrants": { world, side, _ in
      let person = try await colleague(world, side)
      return Asked("GET", "/people/\(person.id)/grants", mark: side.account)
    },
    "addGrant": { world, side, _ in
      let person = try await world.server.change { try $0.addPerson(name()) }
      return Asked(
        "POST",
        "/people/\(person.id)/grants",
        ["role": "viewer", "extent": ["kind": "account", "name": .string(side.account)]]
      )
    },
    "addCode": { world, _, _ in Asked("POST", "/people/\(world.stranger)/codes") },
    "revokeGrant": { world, _, _ in
      let name = name()
      let grant = try await world.server.change { transaction in
        let person = try transaction.addPerson(name)
        return try transaction.grant(Grant(role: .viewer, extent: .everything), to: person.id)
      }
      return Asked("DELETE", "/grants/\(grant)")
    },
    "listAuditLog": { _, _, _ in Asked("GET", "/audit-log") },
    "showAuditFault": { _, _, _ in Asked("GET", "/audit-log/fault") },
    "listKeys": { world, side, caller in
      let mark = try await key(world, side, caller).name
      return Asked("GET", "/keys?limit=500", mark: mark)
    },
    "addKey": { _, _, _ in Asked("POST", "/keys", ["name": "k", "role": "viewer"]) },
    "showKey": { world, side, caller in
      let key = try await key(world, side, caller)
      return Asked("GET", "/keys/\(key.id)", mark: key.name)
    },
    "revokeKey": { world, side, caller in
      Asked("DELETE", "/keys/\(try await key(world, side, caller).id)")
    },
  ]

  /// Somebody with a role on the account.
  private static func colleague(_ world: World, _ side: Side) async throws -> Person {
    let name = name()
    return try await world.server.change { transaction in
      let person = try transaction.addPerson(name)
      let grant = Grant(role: .viewer, extent: .account(side.account))
      _ = try transaction.grant(grant, to: person.id)
      return person
    }
  }

  /// A key of the caller, or of somebody else.
  private static func key(_ world: World, _ side: Side, _ caller: Int64) async throws -> APIKey {
    let owner = side.word == "own" ? caller : world.stranger
    let name = name()
    let ends = world.server.clock.now.advanced(days: 9)
    return try await world.server.change { transaction in
      try transaction.addKey(
        name,
        digest: Digest.sha256(Array(name.utf8)),
        of: owner > 0 ? owner : world.stranger,
        limit: Grant(role: .viewer, extent: .everything),
        expiresAt: ends
      )
    }
  }

  private static let posture: [String: Asking] = [
    "listResults": { _, side, _ in Asked("GET", "/results?limit=500", mark: side.mark) },
    "countResources": { _, side, _ in
      Asked("GET", "/resources/counts", mark: side.account)
    },
    "countResults": { _, side, _ in Asked("GET", "/results/counts", mark: side.account) },
    "listRuleStates": { _, side, _ in
      Asked("GET", "/results/rules?account=\(side.account)", mark: "test.bucket.kept")
    },
    "listResourcesAtRisk": { _, side, _ in Asked("GET", "/resources/at-risk", mark: side.mark) },
    "listResources": { _, side, _ in Asked("GET", "/resources?limit=500", mark: side.mark) },
    "showResource": { _, side, _ in Asked("GET", "/resources/\(side.resource)", mark: side.mark) },
    "showRelations": { _, side, _ in Asked("GET", "/resources/\(side.resource)/relations") },
    "showReach": { _, side, _ in
      Asked("GET", "/resources/\(side.resource)/access", mark: side.bucket)
    },
    "showHistory": { _, side, _ in
      Asked("GET", "/resources/\(side.resource)/history", mark: "test.bucket.kept")
    },
    "listResultsOfResource": { _, side, _ in
      Asked("GET", "/resources/\(side.resource)/results", mark: side.mark)
    },
    "showResult": { _, side, _ in
      Asked("GET", "/resources/\(side.resource)/results/\(side.goal)", mark: "proof")
    },
    "listScans": { _, side, _ in Asked("GET", "/scans?limit=500", mark: side.mark) },
    "uploadScan": { world, side, _ in
      try await world.endScans()
      let line = TestContent.bucket("more", account: side.account, isEncrypted: true)
      return Asked("POST", "/scans?account=\(side.account)", lines: line + "\n")
    },
    "showScan": { _, side, _ in Asked("GET", "/scans/\(side.scans[1])", mark: side.mark) },
    "cancelScan": { world, side, _ in
      try await world.endScans()
      let (account, now) = (side.account, world.server.clock.now)
      let scan = try await world.server.change {
        try $0.beginScan(
          subject: "s",
          account: account,
          instruction: [:],
          instant: now,
          content: ""
        )
      }
      return Asked("POST", "/scans/\(scan)/cancellation", mark: side.account)
    },
    "listDifferences": { _, side, _ in
      Asked("GET", "/scans/\(side.scans[1])/differences?since=\(side.scans[0])", mark: side.bucket)
    },
    "showStatus": { _, side, _ in Asked("GET", "/status", mark: side.scope) },
    "listScores": { _, side, _ in Asked("GET", "/score/history?limit=500", mark: side.scope) },
    "explainScore": { _, side, _ in
      let from = side.begins.advanced(milliseconds: 1000)
      return Asked(
        "GET",
        "/score/explanation?scope=\(side.scope)&profile=house&from=\(from)",
        mark: "parts"
      )
    },
    "listControlStates": { world, side, _ in
      _ = try await attach(world, side)
      return Asked("GET", "/controls?profile=house&scope=\(side.scope)", mark: "Buckets")
    },
    "listCoverage": { _, side, _ in Asked("GET", "/coverage?limit=500", mark: side.mark) },
  ]

  private static let session: [String: Asking] = [
    "signIn": { world, _, _ in
      Asked("POST", "/session", ["code": .string(try await world.server.code(of: world.stranger))])
    },
    "showSession": { _, _, _ in Asked("GET", "/session") },
    "signOut": { _, _, _ in Asked("DELETE", "/session") },
  ]
}
