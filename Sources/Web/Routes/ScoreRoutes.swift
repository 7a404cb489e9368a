import JSON
import Model
import Operations
import Store

/// Score, controls and coverage.
///
/// A score over a scope is for those who see all of the scope.
enum ScoreRoutes {
  static let handlers: [String: APIHandler] = [
    "showStatus": status, "listScores": history, "explainScore": explain,
    "listControlStates": controls, "listCoverage": coverage,
  ]

  private static func status(_ call: APICall) async throws -> APIReply {
    let sight = call.sight
    var status = try await call.read { try Status($0, at: call.instant()) }
    status.standings.removeAll { !sight.containsScope($0.entry.scope) }
    if !sight.isEverything {
      // What follows tells of accounts that may be out of sight.
      status.scan = nil
      status.gaps = nil
      (status.open, status.expiring, status.requested) = ([], [], [])
    }
    return .json(status.json)
  }

  private static func history(_ call: APICall) async throws -> APIReply {
    let from = call["from"] == nil ? Instant(milliseconds: 0) : call.instant("from")
    let to = call["to"] == nil ? Instant.never : call.instant("to")
    let (sight, scope, profile) = (call.sight, call["scope"], call["profile"])
    let entries = try await call.read { try $0.ledger(from: from, to: to) }.filter {
      sight.containsScope($0.scope) && (scope == nil || scope?.string == $0.scope)
        && (profile == nil || profile?.string == $0.profile)
    }
    return try call.page(entries.map { Standing(entry: $0).json }, sorts: ["scanned_at"])
  }

  private static func explain(_ call: APICall) async throws -> APIReply {
    let (from, to) = (call.instant("from"), call.instant("to"))
    let (scope, profile) = (call.text("scope"), call.text("profile"))
    guard from < to else { throw Problem.invalid("from", "must be before to") }
    guard call.sight.containsScope(scope) else { throw Problem.notFound("scope", scope) }
    let cache = call.services.posture
    let explanation = try await call.read { transaction in
      try cache.explanation(
        ScoreExplainer(transaction),
        scope: scope,
        profile: profile,
        from: from,
        to: to
      )
    }
    return .json(explanation.json)
  }

  private static func controls(_ call: APICall) async throws -> APIReply {
    let (scope, profile) = (call.text("scope"), call.text("profile"))
    guard call.sight.containsScope(scope) else { throw Problem.notFound("scope", scope) }
    let cache = call.services.posture
    let overview = try await call.read { transaction in
      try ControlOverview(
        transaction,
        profile: profile,
        scope: scope,
        at: call.instant(),
        isPresent: call["as_of"] == nil,
        cache
      )
    }
    return try call.page(overview.entries.map(\.json), sorts: ["position"])
  }

  private static func coverage(_ call: APICall) async throws -> APIReply {
    let (sight, isComplete) = (call.sight, call["complete"]?.bool)
    let asked = call["account"]?.string
    let instant = call["as_of"] == nil ? Instant.never : call.instant()
    let rows = try await call.read { transaction in
      let (accounts, kinds) = (try transaction.accounts(), try transaction.kinds())
      let names = try Places(transaction).names
      return try transaction.coverage(at: instant).compactMap { row -> JSONValue? in
        let account = accounts[row.account]?.account ?? ""
        guard sight.containsAccount(names[account] ?? [account]), asked == nil || asked == account,
          isComplete == nil || isComplete == (row.gap == nil)
        else { return nil }
        return [
          "account": .string(account), "kind": .string(kinds[row.kind].map { "\($0)" } ?? ""),
          "complete": .bool(row.gap == nil), "reason": row.gap.map { .string($0) } ?? .null,
        ]
      }
    }
    return try call.page(rows, sorts: ["account", "kind"])
  }
}
