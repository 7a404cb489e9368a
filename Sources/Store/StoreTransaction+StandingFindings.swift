package import Model

/// Something of which it is known whether it is so now, such as a rule that fails in an account.
package struct StandingFinding: Sendable {
  /// How it stands.
  package enum Standing: Sendable, Hashable {
    /// It is so; `isWider` where it is true of more than before.
    case present(isWider: Bool)
    /// It is so, and all of it is excepted.
    case excepted(reason: String)
    /// It is so no more.
    case over(reason: String)
  }

  package var finding: Finding
  package var standing: Standing

  package init(_ finding: Finding, _ standing: Standing) {
    (self.finding, self.standing) = (finding, standing)
  }
}

extension FindingState {
  /// Whether Plumbline decided it itself, so that it may decide otherwise; what a person decided stays.
  package var isOwnDecision: Bool {
    decision.map { $0.actor == "plumb" || $0.actor.hasPrefix("scan ") } ?? false
  }
}

// Findings about what is so now. Others count events; these tell the present, and end by themselves.
extension StoreTransaction {
  /// Notes how things stand, as somebody who is no person; what was noted before changes nothing.
  ///
  /// What is present is open, unless a person accepted it, and open again where it was mitigated before
  /// it was seen. What is over is mitigated, what is excepted accepted.
  ///
  /// - Throws: ``SQLError``.
  package func note(_ standings: [StandingFinding], by who: String) throws -> FindingsKept {
    var outcome = FindingsKept()
    guard !standings.isEmpty else { return outcome }
    _ = try take(0, of: "finding")
    var present = try presentFindings(Set(standings.map(\.finding.causeID)))
    let told = standings.filter { standing in
      if case .over = standing.standing { return false }
      return true
    }
    let notes = try keepNotes(told.map(\.finding.note))
    var fresh: [KeptFinding] = []
    var changed: [(kept: KeptFinding, kind: FindingChange.Kind?, reason: String)] = []
    for standing in standings {
      guard var kept = present.removeValue(forKey: standing.finding.causeID) else {
        guard case .present = standing.standing, let note = notes[NoteKey(standing.finding.note)]
        else { continue }
        fresh.append(KeptFinding(standing.finding, of: note, at: now))
        continue
      }
      let kind = kept.take(standing, at: now, by: who)
      changed.append((kept, kind, kept.finding.state.decision?.reason ?? ""))
    }
    let first = try take(fresh.count, of: "finding")
    for index in fresh.indices { fresh[index].id = first + Int64(index) }
    try insert(fresh)
    outcome.opened = fresh.count
    var changes = fresh.map { $0.change(.opened, at: now, by: who) }
    for (kept, kind, reason) in changed {
      try update(kept)
      guard let kind else { continue }
      outcome.count(kind)
      var change = kept.change(kind, at: now, by: who)
      if [.mitigated, .accepted].contains(kind) { change.reason = reason }
      changes.append(change)
    }
    try append(changes)
    return outcome
  }

  /// Notes that findings are as they were, seen again at an instant.
  package func noteSeen(_ findings: [Int64], at instant: Instant) throws {
    for some in findings.chunks(of: 400) {
      let marks = some.indices.map { "$\($0 + 3)" }.joined(separator: ", ")
      try session.run(
        "UPDATE findings SET last_seen = $1, updated_at = $2 WHERE id IN (\(marks))",
        [instant.value, now.value] + some.map { .integer($0) }
      )
    }
  }
}

extension KeptFinding {
  /// One that was never seen before.
  fileprivate init(_ finding: Finding, of note: Int64, at now: Instant) {
    var finding = finding
    finding.id = finding.causeID
    finding.state = .open
    self.init(id: 0, note: note, finding: finding, keptAt: now, updatedAt: now)
  }

  /// Takes in how it stands; returns what becomes of it.
  fileprivate mutating func take(
    _ standing: StandingFinding,
    at now: Instant,
    by who: String
  ) -> FindingChange.Kind? {
    updatedAt = now
    let former = finding
    if case .over(let reason) = standing.standing {
      guard former.state == .open || former.state.isOwnDecision, former.state.name != "mitigated"
      else { return nil }
      finding.state = .mitigated(by: who, at: now, reason: reason)
      return .mitigated
    }
    finding = standing.finding
    (finding.id, finding.state) = (former.id, former.state)
    finding.firstSeen = former.firstSeen ?? finding.firstSeen
    if case .excepted(let reason) = standing.standing {
      guard former.state == .open || former.state.isOwnDecision, former.state.name != "mitigated"
      else { return nil }
      finding.state = .accepted(by: who, at: now, reason: reason)
      return former.state.name == "accepted" ? nil : .accepted
    }
    guard case .present(let isWider) = standing.standing else { return nil }
    switch former.state {
    case .open: return isWider || former.note.severity < finding.note.severity ? .raised : nil
    case .mitigated(_, let at, _):
      guard former.state.isOwnDecision || (finding.lastSeen ?? now) > at else { return nil }
    case .accepted:
      guard former.state.isOwnDecision else { return nil }
    }
    finding.state = .open
    return .reopened
  }
}

extension FindingsKept {
  fileprivate mutating func count(_ kind: FindingChange.Kind) {
    switch kind {
    case .opened: opened += 1
    case .reopened: reopened += 1
    case .raised: raised += 1
    case .mitigated: mitigated += 1
    case .accepted: accepted += 1
    }
  }
}
