import JSON
import Model
import Store

@testable import Web

extension Askings {
  static let findings: [String: Asking] = [
    "listFindings": { world, side, _ in
      _ = try await finding(world, side)
      return Asked("GET", "/findings?limit=500", mark: side.mark)
    },
    "exportFindings": { world, side, _ in
      _ = try await finding(world, side)
      return Asked("GET", "/findings/ocsf?limit=500", mark: side.mark)
    },
    "countFindings": { world, side, _ in
      _ = try await finding(world, side)
      return Asked("GET", "/finding-counts", mark: "sources")
    },
    "showFinding": { world, side, _ in
      Asked("GET", "/findings/\(try await finding(world, side))", mark: side.mark)
    },
    "listFindingChanges": { world, side, _ in
      Asked("GET", "/findings/\(try await finding(world, side))/changes", mark: "opened")
    },
    "changeFinding": { world, side, _ in
      let path = "/findings/\(try await finding(world, side))"
      return Asked("PATCH", path, ["state": "mitigated"], mark: side.mark)
    },
    "addFinding": { world, side, _ in
      _ = try await note(world)
      let body: JSONValue = ["note": "custom", "entity": ["account": .string(side.account)]]
      return Asked("POST", "/findings", body, mark: side.account)
    },
    "listNotes": { world, _, _ in
      _ = try await note(world)
      return Asked("GET", "/notes?limit=500", mark: "of a test")
    },
    "showNote": { world, _, _ in Asked("GET", "/notes/\(try await note(world))", mark: "of a test")
    },
    "addNote": { _, _, _ in
      let body: JSONValue = [
        "note": .string(name()), "title": "t", "severity": "low", "provider": "p",
      ]
      return Asked("POST", "/notes", body)
    },
  ]

  private static let kind = FindingNote(
    id: "custom",
    title: "of a test",
    severity: .low,
    source: .custom,
    provider: "test"
  )

  private static func note(_ world: World) async throws -> Int64 {
    try await world.server.change { try $0.keep(kind) }
  }

  static func finding(_ world: World, _ side: Side) async throws -> Int64 {
    var entity = FindingEntity()
    (entity.account, entity.actor) = (side.account, "\(side.mark)-\(name())")
    let finding = Finding(
      id: name(),
      note: kind,
      entity: entity,
      firstSeen: world.server.clock.now,
      lastSeen: world.server.clock.now,
      count: 1,
      evidence: FindingEvidence(source: "test", values: [:], events: [])
    )
    return try await world.server.change { transaction in
      _ = try transaction.keep([finding])
      return try transaction.finding(ofCause: finding.causeID)?.id ?? 0
    }
  }
}
