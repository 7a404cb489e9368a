import JSON
import Model
package import Store

/// Says which channels are told of what became of findings, and when.
package enum AlertRouter {
  /// How many changes are routed in one transaction.
  private static let batch = 200

  /// Queues alerts for the changes that were not routed yet, the severest first; returns how many changes.
  ///
  /// What a channel's budget of the day does not cover goes out with its digest.
  package static func route(_ transaction: StoreTransaction) throws -> Int {
    let changes = try transaction.findingChanges(
      after: try transaction.beginRouting(),
      limit: batch
    )
    guard let last = changes.last else { return 0 }
    let channels = try transaction.channels().filter(\.isEnabled)
    guard !channels.isEmpty else {
      try transaction.endRouting(at: try transaction.lastFindingChange())
      return changes.count
    }
    let now = transaction.now
    let today = Instant(milliseconds: now.milliseconds - now.milliseconds % 86_400_000)
    var sent: [Int64: Int] = [:]
    var sight: FindingSight?
    // What somebody decided is no news to be alerted of.
    for change in changes.sorted(by: { ($1.severity, $0.id) < ($0.severity, $1.id) })
    where [.opened, .reopened, .raised].contains(change.kind) {
      guard let kept = try finding(change.finding, transaction) else { continue }
      var note = kept.finding.note
      note.severity = change.severity
      for channel in channels where channel.takes(note) && !kept.finding.isAbout(channel) {
        if !channel.scope.isEmpty {
          let places =
            try sight ?? FindingSight(transaction, sight: .everything, at: now)
          sight = places
          guard places.mayBeIn(channel.scope, kept.finding) else { continue }
        }
        let count = try sent[channel.id] ?? transaction.countAlerts(of: channel.id, since: today)
        let isOver = channel.budget > 0 && count >= channel.budget
        let isDigest = channel.isDigest || isOver
        sent[channel.id] = isDigest ? count : count + 1
        try transaction.queue(
          change,
          for: channel,
          isDigest: isDigest,
          notBefore: isDigest ? channel.digest(after: now) : now
        )
      }
    }
    try transaction.endRouting(at: last.id)
    return changes.count
  }

  /// Queues alerts for all changes that were not routed yet.
  static func routeAll(_ transaction: StoreTransaction) throws {
    while try route(transaction) > 0 {}
  }

  /// A finding; nil where it is gone.
  private static func finding(_ id: Int64, _ transaction: StoreTransaction) throws -> KeptFinding? {
    do { return try transaction.finding(id) } catch StoreError.notFound { return nil }
  }

  /// What a message about some alerts tells; findings that are gone are left out.
  static func items(
    _ alerts: [Alert],
    _ transaction: StoreTransaction
  ) throws -> [AlertMessage.Item] {
    try alerts.compactMap { alert in
      guard let kept = try finding(alert.finding, transaction) else { return nil }
      let change = try transaction.changes(ofFinding: alert.finding).first { $0.id == alert.change }
      return AlertMessage.Item(
        change: alert.changeKind.rawValue,
        severity: change?.severity ?? kept.finding.note.severity,
        title: kept.finding.note.title,
        entity: kept.finding.subject,
        unit: kept.finding.note.source == .posture ? "resources" : "times",
        account: kept.finding.entity.account ?? "",
        lastSeen: kept.finding.lastSeen,
        count: kept.finding.count,
        finding: kept.id,
        json: .object(kept.summary)
      )
    }
  }
}
