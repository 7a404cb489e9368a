package import JSON
package import Model
package import Store

/// Something that is wrong with Plumbline itself, or with what it needs to see: what an operations finding
/// is about.
package struct Trouble: Sendable {
  /// The kinds of trouble there are.
  package enum Kind: String, Sendable, CaseIterable {
    case scanFailed = "scan-failed"
    case collectionPartial = "collection-partial"
    case credentialRefused = "credential-refused"
    case collectorSilent = "collector-silent"
    case guardrailsMonitored = "guardrails-only-monitored"
    case guardrailsUnread = "guardrails-not-read"
    case decisionsLost = "decisions-lost"
    case channelDead = "channel-does-not-deliver"
    case auditBroken = "audit-log-broken"
  }

  package var kind: Kind
  /// What it is about, such as `channel soc`; empty where the account tells it.
  package var subject: String
  package var account: String?
  /// When it was noticed; a person who says later that its cause is removed is believed.
  package var at: Instant
  package var count: Int
  package var values: JSONObject

  package init(
    _ kind: Kind,
    _ subject: String,
    account: String? = nil,
    at: Instant,
    count: Int = 1,
    _ values: JSONObject
  ) {
    (self.kind, self.subject, self.at, self.count) = (kind, subject, at, count)
    self.account = account.flatMap { $0.isEmpty ? nil : $0 }
    self.values = values
  }

  /// The trouble as a finding.
  var finding: Finding {
    var entity = FindingEntity()
    entity.resource = subject.isEmpty ? nil : subject
    entity.account = account
    return Finding(
      id: "",
      note: FindingNote(
        id: kind.rawValue,
        title: kind.title,
        description: kind.remedy,
        severity: kind.severity,
        source: .operations,
        provider: "plumbline"
      ),
      entity: entity,
      firstSeen: at,
      lastSeen: at,
      count: count,
      evidence: FindingEvidence(source: "plumbline", values: values, events: [])
    )
  }
}

extension Trouble.Kind {
  var title: String {
    switch self {
    case .scanFailed: "A scan failed"
    case .collectionPartial: "An account was not read fully"
    case .credentialRefused: "A credential was refused"
    case .collectorSilent: "A collector is silent"
    case .guardrailsMonitored: "Guardrails only monitor: decisions are slow or go wrong"
    case .guardrailsUnread: "Guardrails cannot be read, and former ones decide"
    case .decisionsLost: "Decisions were not logged"
    case .channelDead: "A channel does not take its alerts"
    case .auditBroken: "The audit log is broken"
    }
  }

  var severity: FindingSeverity {
    switch self {
    case .auditBroken: .critical
    case .scanFailed, .credentialRefused, .collectorSilent, .guardrailsMonitored, .guardrailsUnread,
      .channelDead:
      .high
    case .collectionPartial, .decisionsLost: .medium
    }
  }

  /// What to do about it.
  fileprivate var remedy: String {
    switch self {
    case .scanFailed: "plumb jobs show tells why; plumb jobs retry tries it again."
    case .collectionPartial:
      "What was not read is unknown in the results. Let the credential read it; plumb coverage lists it."
    case .credentialRefused: "plumb credentials rotate gives it a new secret."
    case .collectorSilent: "Look at its machine and its way to the server: plumb collectors show."
    case .guardrailsMonitored: "It ends by itself; the server's log and /metrics tell of the delay."
    case .guardrailsUnread: "Look at the database, which the server cannot read."
    case .decisionsLost: "The database took none for a while; the audit log says how many."
    case .channelDead:
      "plumb alerts list --state dead tells why; plumb alerts retry tries one again."
    case .auditBroken:
      "plumb audit verify shows where. Compare with a backup before anything is changed."
    }
  }

  /// What is said when it is over.
  var over: String {
    switch self {
    case .scanFailed: "it is tried again or a later one was done, or its credential is revoked"
    case .collectionPartial: "everything was read"
    case .credentialRefused: "it was accepted, replaced or revoked"
    case .collectorSilent: "it was heard again, or works no more"
    case .guardrailsMonitored: "guardrails decide again"
    case .guardrailsUnread: "guardrails can be read again"
    case .decisionsLost: "decisions are logged"
    case .channelDead: "it took an alert, or is switched off or removed"
    case .auditBroken: "the audit log holds"
    }
  }
}

extension Finding {
  /// Whether it says of a channel that it takes no alerts, which that channel is not told.
  func isAbout(_ channel: Channel) -> Bool {
    note.source == .operations && evidence.values["channel"] == .integer(channel.id)
  }
}

extension StoreTransaction {
  /// Brings the operations findings of some kinds up to date with the troubles that there are.
  ///
  /// What is as it was is not written. `isJudged` says of which findings the troubles tell all.
  package func note(
    _ troubles: [Trouble],
    of kinds: Set<Trouble.Kind>,
    where isJudged: (Finding) -> Bool = { _ in true }
  ) throws -> FindingsKept {
    let changes = try standings(troubles, of: kinds, where: isJudged)
    return try note(changes, by: "plumb")
  }

  /// What is to be written to bring them up to date.
  func standings(
    _ troubles: [Trouble],
    of kinds: Set<Trouble.Kind>,
    where isJudged: (Finding) -> Bool = { _ in true }
  ) throws -> [StandingFinding] {
    var filter = FindingFilter()
    filter.sources = [.operations]
    var known: [String: KeptFinding] = [:]
    for kept in try findings(filter) where kinds.contains(kept.finding) && isJudged(kept.finding) {
      known[kept.finding.id] = kept
    }
    var changes: [StandingFinding] = []
    for trouble in troubles {
      let finding = trouble.finding
      let kept = known.removeValue(forKey: finding.causeID)
      if let kept, kept.tells(finding) { continue }
      changes.append(StandingFinding(finding, .present(isWider: false)))
    }
    for kept in known.values.sorted(by: { $0.id < $1.id })
    where kept.finding.state == .open {
      let kind = Trouble.Kind(rawValue: kept.finding.note.id)
      changes.append(StandingFinding(kept.finding, .over(reason: kind?.over ?? "")))
    }
    return changes
  }
}

extension Set<Trouble.Kind> {
  fileprivate func contains(_ finding: Finding) -> Bool {
    Trouble.Kind(rawValue: finding.note.id).map(contains) ?? false
  }
}

extension KeptFinding {
  /// Whether all that a finding says is kept, and it is not to be opened again.
  fileprivate func tells(_ other: Finding) -> Bool {
    let isSame =
      finding.lastSeen == other.lastSeen && finding.count == other.count
      && finding.note.severity == other.note.severity
      && finding.evidence.values == other.evidence.values
    return isSame && !(finding.state.name == "mitigated" && finding.state.isOwnDecision)
  }
}
