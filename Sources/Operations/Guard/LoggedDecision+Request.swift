import Engine
import JSON
import Model
package import Store

extension LoggedDecision {
  /// A decision about a request, as it is logged; a refused configuration is kept with it.
  ///
  /// `judged` is what it would have been, where it was answered before it was judged.
  package init(
    _ decision: Decision,
    _ request: GuardKeeper.Request,
    judgedAs judged: Decision? = nil
  ) {
    var report =
      decision.rulings.isEmpty && decision.fault == nil && decision.additions.isEmpty
      ? nil : decision.json(hasProof: true).object
    if let judged { report?["monitored"] = judged.json(hasProof: true) }
    if decision.effect == .refused { report?["request"] = request.resource.inventoryLine }
    let resource = decision.resource
    // Not every database keeps every text, and what is asked about may hold any.
    let kind = resource.kind
    let place = Place(
      accounts: [resource.account.withoutControls],
      provider: resource.provider.withoutControls,
      region: resource.region.withoutControls,
      group: resource.group.withoutControls,
      kind: ResourceKind(
        service: kind.service.withoutControls,
        kind: kind.kind.withoutControls
      ),
      id: resource.id.withoutControls
    )
    let told = judged ?? decision
    let first = told.rulings.first
    self.init(
      at: decision.at,
      actor: request.actor.withoutControls,
      gate: request.gate,
      effect: decision.effect,
      place: place,
      name: request.resource.name.withoutControls,
      rule: first?.rule.id ?? "",
      verdict: first?.verdict.rawValue ?? "",
      rulings: told.rulings.map {
        Ruling(rule: $0.rule.id, verdict: $0.verdict, effect: $0.effect)
      },
      quiet: told.quiet,
      report: report.map { .object($0) } ?? .null
    )
  }
}
