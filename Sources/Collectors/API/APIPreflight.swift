package import Model

/// What a scan of an account would take and miss, found out without making all of its calls.
package struct APIPreflight: Sendable {
  /// How many requests the scan will make.
  package let calls: Int
  /// How many of the account's resources were listed.
  package let resources: Int
  /// How long the scan will take, in seconds, going by the calls that were made.
  package let seconds: Double
  /// What is refused: by kind, and by the member that a detail would have filled; `@` is the list.
  package let refusals: [ResourceKind: [String: APIRefusal]]

  /// Reads every list, and the details of a few items of each, as the scan would.
  ///
  /// - Throws: `CancellationError`.
  package init(_ collector: APICollector, sample: Int = 4) async throws {
    let start = ContinuousClock.now
    let before = collector.caller.figures.calls
    let run = try await collector.run(sample: sample) { _ in }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let made = collector.caller.figures.calls - before
    calls = made + run.callsLeftOut
    resources = run.items.values.reduce(0, +)
    self.seconds = made == 0 ? 0 : seconds * Double(calls) / Double(made)
    refusals = run.refusals
  }

  /// Why a rule could not be judged with the present permissions; none where it can.
  package func obstacles(of rule: Rule) -> [APIRefusal] {
    var found: Set<APIRefusal> = []
    for (kind, members) in rule.reads {
      for (member, refusal) in refusals[kind] ?? [:]
      where member == "@" || members.contains(member) || members.contains("*") {
        found.insert(refusal)
      }
    }
    return found.sorted { $0.reason < $1.reason }
  }
}
