import ArgumentParser
import Collectors
import Engine
import Foundation
import JSON
import Model
import Operations

/// An account that was signed in to, and what is to be read of it.
protocol LiveSession {
  var plan: APICollector.Plan { get }
  var caller: any APICaller { get }
  var rates: APIRates { get }
  var options: CollectorOptions { get }
  /// The account in words.
  var subject: String { get }
  /// Who was signed in.
  var identityName: String { get }
  /// What `plumb collectors policy` prints for the provider.
  var policyName: String { get }
}

extension LiveSession {
  /// The collector of what is to be read, without lists that were read before.
  func collector(without done: Set<String> = []) -> APICollector {
    var plan = plan
    plan.done = done
    return APICollector(plan, caller, rates: rates, concurrency: options.concurrency)
  }

  /// What an interrupted scan of the same has read, and what this one will have.
  private func journal(_ output: ScanOptions) throws -> CollectionJournal {
    let details = plan.details.map { "\($0.key) \($0.value.sorted().joined(separator: " "))" }
    let journal = try CollectionJournal(
      folder: output.saving.store.spoolFolder,
      name: "\(plan.provider)-\(plan.account)",
      contents: [options.endpointURL ?? "", identityName, Installation.digest(of: "Collectors")]
        + plan.units.map(\.name) + details.sorted(),
      isFresh: options.fresh,
      now: timeOfDay()
    )
    if !journal.done.isEmpty {
      complain(
        "going on with what was read since \(journal.begun): \(journal.done.count) of "
          + "\(plan.units.count) lists; --fresh begins anew"
      )
    }
    return journal
  }

  /// How long judging all resources will take, going by those that a preflight kept.
  private func judgingSeconds(_ found: APIPreflight, _ ruleSet: RuleSet) async throws -> Double {
    func seconds(_ resources: some Sequence<Resource>) async throws -> Double {
      let held = HeldCollector(resources.map { .resource($0) })
      let scan = Scan(held, ruleSet, now: "\(timeOfDay())", subject: "sample")
      let start = ContinuousClock.now
      _ = try await scan.run(toolVersion: Plumb.configuration.version)
      return (ContinuousClock.now - start) / .seconds(1)
    }
    var sum = 0.0
    for (kind, resources) in Dictionary(grouping: found.sample, by: \.kind) {
      // The scan's beginning and end, which come once, are in both; few resources cost nothing.
      let few = resources.count / 10
      guard few > 4, let count = found.counts[kind] else { continue }
      let more = try await seconds(resources) - seconds(resources.prefix(few))
      sum += max(0, more) / Double(resources.count - few) * Double(count)
    }
    return sum
  }

  /// Reads, judges and reports, or with `--preflight` only tells what would be.
  func scan(_ goals: GoalOptions, _ ruleSet: RuleSet, _ output: ScanOptions) async throws {
    if options.preflight {
      let found = try await APIPreflight(collector())
      let judging = try await judgingSeconds(found, ruleSet)
      // A rule may stand in several goals, with other parameters.
      let rules = Dictionary(ruleSet.members.map { ($0.rule.id, $0.rule) }) { first, _ in first }
        .values.sorted { $0.id < $1.id }
      print(PreflightText(found, self, rules, seconds: found.seconds + judging).text)
      let isWhole = found.refusals.isEmpty && plan.gaps.isEmpty && !plan.isRegionListRefused
      if !isWhole { throw Exit.failed }
      return
    }
    let journal = try output.saving.save ? journal(output) : nil
    try await output.scan(
      collector(without: journal?.done ?? []),
      goals,
      subject: [subject],
      account: plan.account,
      journal: journal,
      figures: { [caller, rates] in
        ["calls": .integer(Int64(caller.calls)), "throttled": .integer(Int64(rates.throttled))]
      }
    )
  }
}

/// What a preflight found, for people.
struct PreflightText {
  private let found: APIPreflight
  private let session: any LiveSession
  private let rules: [Rule]
  /// How long a scan takes, in seconds.
  private let seconds: Double

  init(_ found: APIPreflight, _ session: any LiveSession, _ rules: [Rule], seconds: Double) {
    self.seconds = seconds
    self.found = found
    self.session = session
    self.rules = rules
  }

  var text: String {
    let plan = session.plan
    var lines = [
      "\(session.subject), as \(session.identityName)",
      "\(counted(plan.kinds.count, "kind")) of resources in "
        + "\(counted(plan.regions.count, "region")): \(plan.regions.joined(separator: ", "))",
      "A scan makes about \(found.calls) calls for \(counted(found.resources, "resource")) "
        + "and takes about \(duration)",
    ]
    let refused = rules.map { (rule: $0, obstacles: found.obstacles(of: $0)) }
      .filter { !$0.obstacles.isEmpty }
    if !refused.isEmpty {
      lines += ["", "Could not be judged, or only in part:"]
      for (rule, obstacles) in refused {
        lines.append("  \(rule.id)  \(rule.title)")
        lines += obstacles.map { "      \($0)" }
      }
    }
    if plan.isRegionListRefused, let gap = plan.regionGap {
      lines += ["", "Other regions than these are not read: \(gap)"]
    }
    if !plan.gaps.isEmpty {
      lines += ["", "Listed only in part, so that what counts them stays unknown:"]
      lines += plan.gaps.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
    }
    let reasons = Set(found.refusals.values.flatMap(\.values)).sorted { $0.reason < $1.reason }
    if !plan.gaps.isEmpty || reasons.contains(where: { $0.cause == .denied }) {
      lines += [
        "", "plumb collectors policy \(plan.provider) prints \(session.policyName)",
      ]
    } else if reasons.isEmpty, !plan.isRegionListRefused {
      lines += ["", "Everything that the goals need can be read"]
    }
    let others = reasons.filter { reason in !refused.contains { $0.obstacles.contains(reason) } }
    if !others.isEmpty {
      lines += ["", "Refused as well; no goal needs it:"] + others.map { "  \($0)" }
    }
    return lines.map(\.withoutControls).joined(separator: "\n")
  }

  private var duration: String {
    if seconds < 120 { return "\(Int(seconds.rounded(.up))) s" }
    return "\(Int(seconds / 60)) min \(Int(seconds) % 60) s"
  }
}
