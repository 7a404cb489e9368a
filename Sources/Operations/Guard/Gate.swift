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
    let resolver = ExceptionResolver(exceptions, now: now, scopes: set.scopes)
    let found = Found(set, now, collected, account: account, resolver)
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
    /// Several resources may have one address; what is said of it is said of all of them.
    private let places: [Key: [Int]]
    private let state: Mutex<(decisions: [Decision], resolver: ExceptionResolver)>

    init(
      _ set: GuardrailSet,
      _ now: Instant,
      _ collected: [Collected],
      account: String,
      _ resolver: ExceptionResolver
    ) {
      self.set = set
      var places: [Key: [Int]] = [:]
      var decisions: [Decision] = []
      for case .resource(var resource) in collected {
        if resource.account.isEmpty { resource.account = account }
        let key = Key(account: resource.account, kind: resource.kind, id: resource.id)
        places[key, default: []].append(decisions.count)
        let holds = set.holds(set.place(of: resource))
        decisions.append(
          Decision(
            resource: JudgedResource(resource),
            effect: .allowed,
            rulings: set.rulingsOfFaulty(resource.kind, holds),
            guardrails: set.count(resource.kind, holds),
            guardrailsAnywhere: set.enforcedCount,
            at: now
          )
        )
      }
      self.places = places
      state = Mutex((decisions, resolver))
    }

    func note(_ record: ResultRecord, at place: Place) {
      let identity = record.resource
      let key = Key(account: identity.account, kind: identity.kind, id: identity.id)
      state.withLock { state in
        // A scan excepts failures only; here an exception covers what is unknown too.
        let (rule, id) = (record.goal.rule, identity.id)
        let exception = state.resolver.exception(rule: rule, resource: id) { place }
        guard let ruling = set.ruling(of: record, at: place, exception) else { return }
        for index in places[key] ?? [] { state.decisions[index].add(ruling) }
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
