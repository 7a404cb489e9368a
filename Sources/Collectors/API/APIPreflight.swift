package import Model

/// What a scan of an account would take and miss, found out without making all of its calls.
package struct APIPreflight: Sendable {
  /// How many requests the scan will make.
  package let calls: Int
  /// How many of the account's resources were listed.
  package let resources: Int
  /// How long reading will take, in seconds: what was measured, and for the calls that are left the
  /// average of their operation, as many at a time as were under way; or what the rate allows.
  package let seconds: Double
  /// How many resources of each kind there are.
  package let counts: [ResourceKind: Int]
  /// Some resources of each kind, as the scan would judge them.
  package let sample: [Resource]
  /// What is refused: by kind, and by the member that a detail would have filled; `@` is the list.
  package let refusals: [ResourceKind: [String: APIRefusal]]

  /// Reads every list, and the details of a few items of each, as the scan would.
  ///
  /// - Throws: `CancellationError`.
  package init(_ collector: APICollector, sample size: Int = 4) async throws {
    let start = ContinuousClock.now
    let before = collector.caller.calls
    var met: [ResourceKind: Int] = [:]
    var sample: [Resource] = []
    let run = try await collector.run(sample: size) { item in
      guard case .resource(let resource) = item else { return }
      met[resource.kind, default: 0] += 1
      if met[resource.kind, default: 0] <= Self.kept { sample.append(resource) }
    }
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let times = run.reader.times
    let calls = max(1, collector.caller.calls - before)
    let parallel = max(1, elapsed == 0 ? 1 : times.total / elapsed)
    let average = times.total / Double(calls)
    let left = run.callsLeftOut.reduce(0) { sum, entry in
      sum + Double(entry.value) * (times.average(entry.key) ?? average)
    }
    self.calls = calls + run.callsLeftOut.values.reduce(0, +)
    // A service that is asked often may be held back by its rate for longer than its calls take.
    let held = run.placesLeftOut.map { place, left in
      (Double(times.calls[place, default: 0] + left) - collector.rates.ceiling / 2)
        / collector.rates.ceiling
    }
    seconds = max(elapsed + left / parallel, held.max() ?? 0)
    resources = run.items.values.reduce(0, +)
    counts = run.items
    self.sample = sample
    refusals = run.refusals
  }

  /// How many resources of a kind are kept to measure what judging costs.
  private static let kept = 1000

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
