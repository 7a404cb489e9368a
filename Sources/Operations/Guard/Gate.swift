import Engine
package import Model
import Synchronization

/// Decides about many resources of one source together, so that those which count others see them.
package struct Gate: Sendable {
  package let set: GuardrailSet
  package let exceptions: [Exception]

  /// A gate for guardrails, and the exceptions that cover failures there.
  package init(_ set: GuardrailSet, exceptions: [Exception]) {
    (self.set, self.exceptions) = (set, exceptions)
  }

  /// The decisions about what was collected, in its order, and the report of the scan that judged it.
  ///
  /// It is a scan as any other, by the rules of the guardrails; each result then has the effect that
  /// the guardrails in force give it.
  package func decisions(
    of collected: [Collected],
    at now: Instant,
    account: String,
    subject: String,
    toolVersion: String
  ) async throws -> (decisions: [Decision], report: ScanReport) {
    var scan = Scan(
      HeldCollector(collected),
      set.ruleSet,
      exceptions: exceptions,
      scopes: set.scopes,
      accounts: set.accounts,
      now: "\(now)",
      subject: subject,
      account: account
    )
    let found = Found(set, now, collected, account: account)
    scan.examine = { found.note($0, at: $1) }
    let report = try await scan.run(toolVersion: toolVersion)
    return (found.decisions, report)
  }

  /// The decisions so far, by resource.
  private final class Found: Sendable {
    private struct Key: Hashable {
      var account: String
      var kind: ResourceKind
      var id: String
    }

    private let set: GuardrailSet
    private let state: Mutex<(places: [Key: Int], decisions: [Decision])>

    init(_ set: GuardrailSet, _ now: Instant, _ collected: [Collected], account: String) {
      self.set = set
      var places: [Key: Int] = [:]
      var decisions: [Decision] = []
      for case .resource(var resource) in collected {
        if resource.account.isEmpty { resource.account = account }
        let key = Key(account: resource.account, kind: resource.kind, id: resource.id)
        guard places.updateValue(decisions.count, forKey: key) == nil else { continue }
        decisions.append(
          Decision(
            resource: JudgedResource(resource),
            effect: .allowed,
            rulings: [],
            guardrails: set.count(resource.kind, set.holds(set.place(of: resource))),
            guardrailsAnywhere: set.enforcedCount,
            at: now
          )
        )
      }
      let (found, all) = (places, decisions)
      state = Mutex((found, all))
    }

    func note(_ record: ResultRecord, at place: Place) {
      guard let ruling = set.ruling(of: record, at: place) else { return }
      let identity = record.resource
      let key = Key(account: identity.account, kind: identity.kind, id: identity.id)
      state.withLock { state in
        guard let index = state.places[key] else { return }
        state.decisions[index].add(ruling)
      }
    }

    var decisions: [Decision] {
      state.withLock { state in
        for index in state.decisions.indices { state.decisions[index].settle() }
        return state.decisions
      }
    }
  }
}
