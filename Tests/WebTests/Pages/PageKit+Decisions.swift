import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

// Hostile texts in everything that people decide, and in what collectors and jobs tell.
extension PageKit {
  /// Scopes, attachments, runs, jobs, marks, credentials, collectors, people, keys, a profile and an
  /// attestation, with hostile texts wherever one may stand.
  static func decisions(_ server: TestServer, _ administrator: Caller) async throws {
    try await stored(server)
    let text = JSONValue.string(hostile[0])
    let now = JSONValue.string("\(server.clock.now)")
    let requests: [(path: String, body: JSONValue)] = [
      (
        "profiles",
        [
          "id": "own", "version": "1", "effective_date": "2026-01-01", "title": text,
          "framework": text, "description": text, "source": .string(hostile[2]),
          "controls": [
            [
              "id": text, "title": text,
              "goals": [["rule": "test.bucket.kept", "parameters": ["days": 90]]],
            ],
            ["id": .string(hostile[3]), "title": text, "manual": true, "reason": text],
          ],
        ]
      ),
      (
        "profiles",
        [
          "id": "own", "version": "2", "effective_date": "2026-02-01", "title": text,
          "controls": [
            ["id": text, "title": text, "goals": [["rule": "test.bucket.encrypted"]]]
          ],
        ]
      ),
      ("attachments", ["profile": "own", "schedule": "every 24h"]),
      (
        "attestations",
        [
          "profile": "own", "control": text, "scope": .string(hostile[1]), "met": true,
          "statement": text, "evidence_name": .string(hostile[1]), "evidence": "ZXZpZGVuY2U=",
          "observed_at": now, "period_from": now, "period_to": "2099-01-01T00:00:00Z",
        ]
      ),
      (
        "people",
        [
          "name": text, "email": .string(hostile[0] + "@example.com"),
          "issuer": .string(hostile[2]), "subject": text,
        ]
      ),
      (
        "credentials",
        [
          "name": "audit", "provider": "aws", "secret": ["secret_access_key": "hidden-secret"],
          "details": ["account": text, "access_key_id": .string(hostile[4])],
        ]
      ),
    ]
    for (path, body) in requests {
      let answer = try await server.send("POST", "/api/v1/\(path)", as: administrator, body)
      #expect(answer.status == 201, "\(path): \(answer.text)")
    }
    try await governance(server, administrator)
    try await insights(server)
  }

  private static func stored(_ server: TestServer) async throws {
    try await server.change { transaction in
      let parts = Scope.Selector(terms: ["id": [hostile[0]]])
      let outside = Scope.Selector(terms: ["tag:\(hostile[1])": [hostile[3]]])
      try transaction.put(
        Scope(name: hostile[1], parent: "", includes: [parts], excludes: [outside])
      )
      try transaction.put(
        Scope(
          name: hostile[4].replacing("/", with: ""),
          parent: hostile[1],
          includes: [],
          excludes: []
        )
      )
      let attachment = try transaction.attach(
        TestContent.profile,
        to: hostile[1],
        parameters: ["test.bucket.kept": ["days": 9]],
        schedule: ""
      )
      _ = try transaction.beginRun(of: attachment, dueAt: transaction.now, cause: .person)
      for account in ["waiting \(hostile[0])", "cancelled \(hostile[3])"] {
        let target = JobTarget(provider: "aws", account: account, credential: hostile[0])
        let job = try transaction.enqueue(target).job
        if account.hasPrefix("cancelled") { try transaction.cancelJob(job) }
      }
      try transaction.set(
        Mark(subject: .resource, name: "bucket 1*", kind: .dataClassification, value: hostile[0])
      )
      let owner = try transaction.addPerson("owner of a key")
      _ = try transaction.addKey(
        hostile[0],
        digest: Digest.sha256([1]),
        of: owner.id,
        limit: Grant(role: .viewer, extent: .scope(hostile[1])),
        expiresAt: transaction.now.advanced(days: 9)
      )
      try transaction.addCollectorCode("near", digest: "near", expiresAt: .never)
      let made = try transaction.registerCollector(
        codeDigest: "near",
        publicKey: hostile[0],
        host: hostile[1],
        version: hostile[3],
        address: hostile[4]
      )
      let id = try #require(made).id
      try transaction.approveCollector(id)
      let held = CollectorRecord.Credential(name: hostile[0], provider: "aws", account: hostile[1])
      let poll = CollectorPoll(
        id: "first",
        ticket: "",
        version: hostile[3],
        credentials: [held]
      )
      _ = try transaction.answer(poll, of: id, ticket: "next") { _ in [:] }
    }
  }
}
