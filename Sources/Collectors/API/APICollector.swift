package import Model
import Synchronization

/// Reads the resources of an account through a provider's own APIs.
///
/// What is called, for which kinds, is data: the provider's `resources.yaml`. Only the operations that
/// it names can be called, and all of them only read.
package struct APICollector: Collector {
  /// What to read.
  package struct Plan: Sendable {
    package var provider: String
    package var kinds: [APIKind]
    /// The account, as its credentials say.
    package var account: String
    package var partition: String
    /// The region of what exists once for the account.
    package var home: String
    package var regions: [String]
    /// Why not every region is read, or which could not be found out; nil when all are.
    package var regionGap: String?
    /// Whether the list of regions was refused, so that there may be others.
    package var isRegionListRefused: Bool
    /// Kinds that are needed and that nobody asked for.
    package var leftOut: Set<ResourceKind>
    /// By service, the regions that have it, and what its endpoint is called there; services that are
    /// not named are everywhere.
    package var places: [String: [String: String]]
    /// Why kinds will be incomplete whatever is read of them.
    package var gaps: [ResourceKind: String]
    /// Which details are wanted, by kind; kinds that are not named are read in full.
    package var details: [ResourceKind: Set<String>]
    /// The lists that were read before and need not be read again, as ``Unit/name``.
    package var done: Set<String>

    package init(
      provider: String,
      kinds: [APIKind],
      account: String,
      partition: String = "",
      home: String,
      regions: [String],
      regionGap: String? = nil,
      isRegionListRefused: Bool = false,
      leftOut: Set<ResourceKind> = [],
      places: [String: [String: String]] = [:],
      gaps: [ResourceKind: String] = [:],
      details: [ResourceKind: Set<String>] = [:],
      done: Set<String> = []
    ) {
      self.provider = provider
      self.kinds = kinds
      self.account = account
      self.partition = partition
      self.home = home
      self.regions = regions
      self.regionGap = regionGap
      self.isRegionListRefused = isRegionListRefused
      self.leftOut = leftOut
      self.places = places
      self.gaps = gaps
      self.details = details
      self.done = done
    }

    /// The regions that are read and have a kind's service.
    private func regions(of kind: APIKind) -> [String] {
      guard let places = places[kind.service] else { return regions }
      return regions.filter { places[$0] != nil }
    }

    /// Every list that the plan asks for.
    package var units: [Unit] {
      // Regions in the outer loop would ask one service for everything at once.
      kinds.flatMap { kind in
        (kind.isGlobal ? [home] : regions(of: kind)).map { Unit(kind: kind, region: $0) }
      }
    }
  }

  /// One kind in one region: what a list gives.
  package struct Unit: Sendable {
    package let kind: APIKind
    package let region: String

    /// A name that tells the unit from others.
    package var name: String { "\(kind.kind) \(region)" }
  }

  package let plan: Plan
  let caller: any APICaller
  let rates: APIRates
  private let concurrency: Int
  private let figures = Figures()

  /// A collector.
  ///
  /// - Parameters:
  ///   - plan: what to read.
  ///   - caller: makes the calls.
  ///   - rates: the rates that the caller keeps to, for ``activity``.
  ///   - concurrency: how many calls are under way at most.
  package init(
    _ plan: Plan,
    _ caller: any APICaller,
    rates: APIRates,
    concurrency: Int = 16
  ) {
    self.plan = plan
    self.caller = caller
    self.rates = rates
    self.concurrency = max(1, concurrency)
  }

  /// Calls made, lists read, and what was slowed down.
  package var activity: String {
    let (units, done) = figures.counts.withLock { $0 }
    let calls = caller.calls
    let slowed = rates.slowest.map { ", \($0.of) slowed to \(Int($0.rate.rounded(.up))) calls/s" }
    return ", \(calls) calls, \(done) of \(units) lists\(slowed ?? "")"
  }

  /// Emits every resource, and last what was read of each kind.
  package func collect(_ emit: (Collected) throws -> Void) async throws {
    let run = try await run(sample: nil, emit)
    for resource in run.standInsOfRegions { try emit(.resource(resource)) }
    for statement in run.coverage { try emit(.coverage(statement)) }
  }

  /// Reads every list to its end, and the details of so many items of each.
  func run(sample: Int?, _ emit: (Collected) throws -> Void) async throws -> APIRun {
    let units = plan.units.filter { !plan.done.contains($0.name) }
    figures.counts.withLock { $0 = (units.count, 0) }
    let reader = APIReader(caller, wanted: plan.details)
    var run = APIRun(units, plan, reader, sample: sample)
    try await withThrowingTaskGroup(of: APIRun.Outcome.self) { group in
      var running = 0
      while true {
        while running < concurrency, let work = run.next() {
          group.addTask { try await work.run(reader) }
          running += 1
        }
        guard let outcome = try await group.next() else { break }
        running -= 1
        for item in run.take(outcome) { try emit(item) }
        guard let (unit, isFull) = run.finished(outcome) else { continue }
        figures.counts.withLock { $0.done += 1 }
        if isFull { try emit(.checkpoint(unit.name)) }
      }
    }
    return run
  }
}

/// How many lists there are, and how many were read, for whoever watches.
private final class Figures: Sendable {
  let counts = Mutex((units: 0, done: 0))
}
