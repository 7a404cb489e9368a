import JSON
package import Model
package import Store

/// Looks now and then how Plumbline itself does, and keeps findings of what is wrong.
///
/// They end by themselves when it is right again. Any number of servers may look at once.
package struct OperationsWatch: Sendable {
  /// What a process knows of itself, which the store does not tell.
  package struct Health: Sendable {
    /// The machine.
    package var host: String
    package var isTripped: Bool
    package var failing: Instant?
    package var decisionsLost: Int
    /// When the last decision that was lost was taken.
    package var lostAt: Instant?

    package init(
      host: String,
      isTripped: Bool,
      failing: Instant?,
      decisionsLost: Int,
      lostAt: Instant? = nil
    ) {
      (self.host, self.isTripped, self.failing) = (host, isTripped, failing)
      (self.decisionsLost, self.lostAt) = (decisionsLost, lostAt)
    }
  }

  /// For how long a collector may be silent, in milliseconds.
  package static let silence: Int64 = 10 * 60_000
  /// How long after the last one decisions count as lost, in milliseconds.
  package static let lossTold: Int64 = 3_600_000
  /// How often the whole audit log is looked through, in milliseconds.
  private static let auditPause: Int64 = 24 * 3_600_000

  private let store: DataStore
  private let pause: Duration
  private let health: @Sendable () -> Health?
  private let clock: @Sendable () -> Instant
  private let log: @Sendable (String) -> Void

  /// A watch; `health` is what this process knows of its gates, nil where it has none.
  package init(
    _ store: DataStore,
    pause: Duration = .seconds(15),
    health: @Sendable @escaping () -> Health? = { nil },
    clock: @escaping @Sendable () -> Instant,
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    (self.store, self.pause, self.health, self.clock, self.log) = (store, pause, health, clock, log)
  }

  /// Looks until the task is cancelled.
  package func run() async {
    let began = clock()
    var auditAt: Instant?
    var isReachable = true
    while !Task.isCancelled {
      do {
        let now = clock()
        let isAuditDue = auditAt.map { $0.advanced(milliseconds: Self.auditPause) <= now } ?? true
        try await look(since: began, audit: isAuditDue)
        if isAuditDue { auditAt = now }
        isReachable = true
      } catch is CancellationError {
        return
      } catch {
        // It is said once, not with every look.
        if isReachable { log("cannot look for what is wrong: \(error)") }
        isReachable = false
      }
      try? await Task.sleep(for: pause * Double.random(in: 0.75...1.25))
    }
  }

  /// Looks once; `began` is since when collectors could be heard.
  package func look(since began: Instant, audit: Bool = false) async throws {
    let now = clock()
    let own = health()
    // A server that was away itself hears nobody at first.
    let hears = began <= now.advanced(milliseconds: -Self.silence)
    let kinds = Self.kinds(hasGates: own != nil, audit: audit, hears: hears)
    let isJudged: @Sendable (Finding) -> Bool = { finding in
      // What another server knows of its gates it tells itself.
      Self.gates.contains { $0.rawValue == finding.note.id }
        ? finding.entity.resource == own.map { Self.server($0.host) } : true
    }
    let find: @Sendable (StoreTransaction) throws -> [Trouble] = { transaction in
      var found = try Self.troubles(transaction, at: now, hears: hears)
      if let own { found += own.troubles(at: now, known: try transaction.openTroubles()) }
      if audit, let fault = try transaction.auditFault() {
        found.append(Trouble(.auditBroken, "audit log", at: now, ["fault": .string(fault)]))
      }
      return found
    }
    let isNews = try await store.read { transaction in
      try !transaction.standings(find(transaction), of: kinds, where: isJudged).isEmpty
    }
    guard isNews else { return }
    _ = try await store.write(as: "plumb", at: now) { transaction in
      try transaction.note(find(transaction), of: kinds, where: isJudged)
    }
  }

  private static let gates: Set<Trouble.Kind> = [
    .guardrailsMonitored, .guardrailsUnread, .decisionsLost,
  ]

  private static func kinds(hasGates: Bool, audit: Bool, hears: Bool) -> Set<Trouble.Kind> {
    var kinds: Set<Trouble.Kind> = [
      .scanFailed, .credentialRefused, .channelDead,
    ]
    if hears { kinds.insert(.collectorSilent) }
    if hasGates { kinds.formUnion(gates) }
    if audit { kinds.insert(.auditBroken) }
    return kinds
  }

  static func server(_ host: String) -> String { "server \(host)" }

  /// What the store tells.
  private static func troubles(
    _ transaction: StoreTransaction,
    at now: Instant,
    hears: Bool
  ) throws -> [Trouble] {
    let jobs = try transaction.lastFailedJobs().map { job in
      Trouble(
        .scanFailed,
        job.target.account.isEmpty ? "credential \(job.target.credential)" : "",
        account: job.target.account,
        at: job.finishedAt ?? now,
        [
          "job": .integer(job.id), "provider": .string(job.target.provider),
          "credential": .string(job.target.credential), "state": .string(job.state.rawValue),
          "reason": .string(job.reason),
        ]
      )
    }
    let credentials = try transaction.refusedCredentials().compactMap { credential in
      credential.test.map { test in
        Trouble(
          .credentialRefused,
          "credential \(credential.name)",
          account: credential.details["account"]?.string,
          at: test.at,
          ["provider": .string(credential.provider), "outcome": .string(test.outcome)]
        )
      }
    }
    let limit = now.advanced(milliseconds: -silence)
    let collectors = try transaction.collectors().filter { collector in
      hears && collector.state == .approved
        && collector.lastContact ?? collector.approvedAt ?? now < limit
    }.map { collector in
      let heard = collector.lastContact ?? collector.approvedAt ?? now
      return Trouble(
        .collectorSilent,
        "collector \(collector.name)",
        at: heard,
        [
          "collector": .integer(collector.id), "last_contact": .string("\(heard)"),
          "host": .string(collector.host),
        ]
      )
    }
    let names = try transaction.channelNames()
    let channels = try transaction.deadEnds().map { alert in
      Trouble(
        .channelDead,
        "channel \(names[alert.channel] ?? "\(alert.channel)")",
        at: alert.createdAt,
        [
          "channel": .integer(alert.channel), "alert": .integer(alert.id),
          "reason": .string(alert.reason),
        ]
      )
    }
    return jobs + credentials + collectors + channels
  }
}

extension OperationsWatch.Health {
  /// What is wrong with the gates of this process; how long it is so is what was noted first.
  fileprivate func troubles(at now: Instant, known: [String: Finding]) -> [Trouble] {
    let subject = OperationsWatch.server(host)
    func trouble(_ kind: Trouble.Kind, _ at: Instant?, _ values: JSONObject) -> Trouble {
      let trouble = Trouble(kind, subject, at: at ?? now, values)
      guard at == nil, let before = known[trouble.finding.causeID],
        before.evidence.values == values, let seen = before.lastSeen
      else { return trouble }
      return Trouble(kind, subject, at: seen, values)
    }
    var found: [Trouble] = []
    if isTripped { found.append(trouble(.guardrailsMonitored, nil, [:])) }
    if let failing {
      found.append(trouble(.guardrailsUnread, failing, ["since": .string("\(failing)")]))
    }
    if let lostAt, lostAt.advanced(milliseconds: OperationsWatch.lossTold) > now {
      found.append(trouble(.decisionsLost, lostAt, ["count": .integer(Int64(decisionsLost))]))
    }
    return found
  }
}

extension StoreTransaction {
  /// The operations findings that are open, by their ids.
  fileprivate func openTroubles() throws -> [String: Finding] {
    var filter = FindingFilter()
    (filter.sources, filter.states) = ([.operations], ["open"])
    return Dictionary(try findings(filter).map { ($0.finding.id, $0.finding) }) { first, _ in first
    }
  }
}
