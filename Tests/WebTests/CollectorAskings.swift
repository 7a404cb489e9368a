import Foundation
import JSON
import Model
import Store

@testable import Web

extension Askings {
  /// Requests of people about collectors, and of those without a signature.
  static let collectors: [String: Asking] = [
    "addCollectorCode": { _, _, _ in
      Asked("POST", "/collector-codes", ["name": .string(UUID().uuidString)])
    },
    "listCollectors": { _, _, _ in Asked("GET", "/collectors") },
    "showCollector": { world, _, _ in Asked("GET", "/collectors/\(try await add(world))") },
    "approveCollector": { world, _, _ in
      Asked("POST", "/collectors/\(try await add(world))/approval")
    },
    "stopCollector": { world, _, _ in
      Asked("POST", "/collectors/\(try await add(world))/stop", ["reason": "moved"])
    },
    "revokeCollector": { world, _, _ in
      Asked("POST", "/collectors/\(try await add(world))/revocation", ["reason": "stolen"])
    },
    "addCollectorJob": { world, _, _ in
      let id = try await add(world)
      try await world.server.change { transaction in
        try transaction.approveCollector(id)
        let held = CollectorRecord.Credential(name: "audit", provider: "aws", account: "")
        let poll = CollectorPoll(id: "first", ticket: "", version: "1", credentials: [held])
        _ = try transaction.answer(poll, of: id, ticket: "next") { _ in [:] }
      }
      return Asked("POST", "/collectors/\(id)/jobs", ["credential": "audit"])
    },
    "registerCollector": { _, _, _ in
      Asked(
        "POST",
        "/collectors",
        [
          "code": "guessed", "host": "h", "version": "1",
          "public_key": .string(String(repeating: "A", count: 43) + "="),
        ]
      )
    },
    "pollCollector": { world, _, _ in
      Asked(
        "POST",
        "/collectors/\(try await add(world))/polls",
        ["poll": "0123456789abcdef", "ticket": "", "version": "1", "backlog": 0]
      )
    },
    "failCollectorJob": { world, _, _ in
      Asked("POST", "/collectors/\(try await add(world))/jobs/1/failure", ["reason": "no luck"])
    },
    "showUpload": { world, _, _ in
      Asked("GET", "/collectors/\(try await add(world))/uploads/1")
    },
    "continueUpload": { world, _, _ in
      Asked("PUT", "/collectors/\(try await add(world))/uploads/1?offset=0")
    },
    "completeUpload": { world, _, _ in
      Asked(
        "POST",
        "/collectors/\(try await add(world))/uploads/1/completion",
        [
          "sha256": .string(String(repeating: "0", count: 64)), "length": 1, "account": "a",
          "subject": "s",
        ]
      )
    },
  ]

  /// A new collector that waits for approval.
  private static func add(_ world: World) async throws -> Int64 {
    let name = UUID().uuidString
    return try await world.server.change { transaction in
      let ends = Instant.never
      try transaction.addCollectorCode(name, digest: name, expiresAt: ends)
      let made = try transaction.registerCollector(
        codeDigest: name,
        publicKey: name,
        host: "h",
        version: "1",
        address: ""
      )
      return made?.id ?? 0
    }
  }
}
