import Engine
import Foundation
package import JSON
package import Model
package import Store
import Synchronization

/// A scan whose results are kept: cut into tasks, each done in one transaction, so that it can be
/// taken up again wherever it was interrupted.
package struct SavedScan: Sendable {
  package let store: DataStore
  package let plan: GoalPlan
  /// The account of resources that name none.
  package let account: String
  /// Whether resources of any account are taken; else all must be of ``account``.
  package let isOpenToAccounts: Bool
  /// Whether the inventory holds every resource of every kind, so that counts are final.
  package let isComplete: Bool
  /// Whether stored resources of its accounts that the inventory lacks are gone, even where nothing
  /// is said of their kind.
  package let endsMissing: Bool
  /// The instant of judgement, from which the results hold.
  package let instant: Instant
  package let actor: String
  /// The time of day.
  package let clock: @Sendable () -> Instant
  package let workers: Int

  package init(
    _ store: DataStore,
    _ plan: GoalPlan,
    account: String,
    isOpenToAccounts: Bool,
    isComplete: Bool,
    endsMissing: Bool? = nil,
    instant: Instant,
    actor: String,
    clock: @escaping @Sendable () -> Instant,
    workers: Int? = nil
  ) {
    self.store = store
    self.plan = plan
    self.account = account
    self.isOpenToAccounts = isOpenToAccounts
    self.isComplete = isComplete
    self.endsMissing = endsMissing ?? isComplete
    self.instant = instant
    self.actor = actor
    self.clock = clock
    self.workers = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  /// How long a task stays with a worker that is silent, in milliseconds.
  static let lease: Int64 = 60_000

  /// Begins a scan of an inventory and cuts it into tasks.
  ///
  /// - Returns: the scan's number.
  package func begin(
    _ inventory: Inventory,
    subject: String,
    instruction: JSONObject
  ) async throws -> Int64 {
    var instruction = instruction
    instruction["inventory"] = inventory.json
    instruction["account"] = .string(account)
    instruction["open"] = .bool(isOpenToAccounts)
    instruction["complete"] = .bool(isComplete)
    instruction["ends_missing"] = .bool(endsMissing)
    let told = instruction
    let tasks = try inventory.cut(workers: workers)
    return try await store.write(as: actor, at: clock()) { transaction in
      let scan = try transaction.beginScan(
        subject: subject,
        account: isOpenToAccounts ? nil : account,
        instruction: .object(told),
        instant: instant,
        content: plan.digest
      )
      try transaction.add(tasks, to: scan)
      try transaction.move(scan, to: .running, report: [:])
      return scan
    }
  }

  /// Does what is left of a scan, to its end.
  ///
  /// `progress` is told how many resources are done.
  ///
  /// - Throws: ``StoreError``, ``InputError``, ``SQLError``; the scan stays open and can be resumed.
  package func run(
    _ scan: Int64,
    progress: @escaping @Sendable (TaskReport) -> Void = { _ in }
  ) async throws -> TaskReport {
    let record = try await store.read { try $0.scan(scan) }
    guard record.status == .running else {
      throw StoreError.conflict("scan \(scan) is \(record.status.rawValue)")
    }
    guard record.content == plan.digest else {
      throw StoreError.conflict(
        "scan \(scan) was begun with other goals or another version of the content; cancel it and "
          + "scan again"
      )
    }
    let inventory = try Inventory(record.instruction["inventory"] ?? .null)
    let stored = try await store.write(as: actor, at: clock()) { try StoredPlan(plan, $0) }
    let owner = LeaseOwner.current
    try await releaseDead(scan)
    let before = try await store.read { try $0.outcomes(of: scan) }
    let knowledge = try await store.read { transaction in
      try ScanKnowledge(
        transaction,
        stored,
        of: isOpenToAccounts ? nil : account,
        seen: before.map(\.seen)
      )
    }
    var start = TaskReport()
    for outcome in before { start.merge(TaskReport(outcome.report)) }
    let done = Totals(start)
    let beat = Task { await heartbeat(scan, owner) }
    defer { beat.cancel() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<workers {
        group.addTask {
          try await work(scan, inventory, knowledge, owner) { progress(done.adding($0)) }
        }
      }
      try await group.waitForAll()
    }
    try await related(scan, inventory, knowledge, owner)
    return try await Finish(self, scan, knowledge).run()
  }

  /// Takes tasks until none is left.
  private func work(
    _ scan: Int64,
    _ inventory: Inventory,
    _ knowledge: ScanKnowledge,
    _ owner: String,
    _ report: @Sendable (TaskReport) -> Void
  ) async throws {
    let worker = TaskWorker(self, scan, inventory, knowledge, owner: owner)
    while let task = try await lease("part", of: scan, owner) {
      report(try await worker.run(task))
      try Task.checkCancellation()
    }
  }

  /// Judges what waited for counts over all resources.
  private func related(
    _ scan: Int64,
    _ inventory: Inventory,
    _ knowledge: ScanKnowledge,
    _ owner: String
  ) async throws {
    let open = try await store.read { transaction in
      try transaction.tasks(of: scan).filter { $0.part == "part" && $0.state != .done }.count
    }
    guard open == 0 else {
      throw StoreError.conflict(
        "\(open) tasks of scan \(scan) are with another worker; resume the scan when it has ended"
      )
    }
    guard let task = try await lease("related", of: scan, owner) else {
      let tasks = try await store.read { try $0.tasks(of: scan) }
      guard tasks.contains(where: { $0.state != .done }) else { return }
      throw StoreError.conflict(
        "the last task of scan \(scan) is with another worker; resume the scan when it has ended"
      )
    }
    let outcomes = try await store.read { try $0.outcomes(of: scan) }
    let population = try Finish.population(outcomes, isComplete: isComplete)
    let worker = TaskWorker(self, scan, inventory, knowledge, owner: owner)
    _ = try await worker.runRelated(task, population)
  }

  private func lease(_ part: String, of scan: Int64, _ owner: String) async throws -> ScanTask? {
    let now = clock()
    return try await store.write(as: actor, at: now) { transaction in
      try transaction.lease(
        part,
        of: scan,
        to: owner,
        until: now.advanced(milliseconds: Self.lease)
      )
    }
  }

  /// Prolongs the leases until the scan ends.
  private func heartbeat(_ scan: Int64, _ owner: String) async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(Self.lease / 4))
      guard !Task.isCancelled else { return }
      let now = clock()
      // A heartbeat that fails is followed by another; a lease that is lost is noticed at the end
      // of its task.
      try? await store.write(as: actor, at: now) { transaction in
        try transaction.heartbeat(
          owner,
          of: scan,
          until: now.advanced(milliseconds: Self.lease)
        )
      }
    }
  }

  /// Takes the leases of processes of this machine that are no more.
  private func releaseDead(_ scan: Int64) async throws {
    let dead = try await store.read { try $0.owners(of: scan) }.filter(LeaseOwner.isDead)
    guard !dead.isEmpty else { return }
    try await store.write(as: actor, at: clock()) { transaction in
      for owner in dead { try transaction.release(owner, of: scan) }
    }
  }
}

/// What the workers of a scan have done together.
private final class Totals: Sendable {
  private let report: Mutex<TaskReport>

  init(_ report: TaskReport) { self.report = Mutex(report) }

  func adding(_ part: TaskReport) -> TaskReport {
    report.withLock {
      $0.merge(part)
      return $0
    }
  }
}
