package import JSON

/// What is sent to a channel at once: one change of a finding, a digest of several, or a trial.
package struct AlertMessage: Sendable {
  /// Why it is sent.
  package enum Occasion: String, Sendable { case finding, digest, test }

  /// What is told of one finding.
  package struct Item: Sendable {
    /// What became of it: opened, reopened or raised.
    package var change: String
    package var severity: FindingSeverity
    package var title: String
    /// Who or what it is about.
    package var entity: String
    package var account: String
    package var lastSeen: Instant?
    package var count: Int
    /// What is counted.
    package var unit: String
    package var finding: Int64
    package var json: JSONValue

    package init(
      change: String,
      severity: FindingSeverity,
      title: String,
      entity: String,
      unit: String = "times",
      account: String,
      lastSeen: Instant?,
      count: Int,
      finding: Int64,
      json: JSONValue
    ) {
      (self.change, self.severity, self.title, self.unit) = (change, severity, title, unit)
      (self.entity, self.account, self.lastSeen) = (entity, account, lastSeen)
      (self.count, self.finding, self.json) = (count, finding, json)
    }

    /// The item in one line.
    package var line: String {
      let place = account.isEmpty || account == entity ? "" : " in \(account)"
      let times = count > 1 ? ", \(count) \(unit)" : ""
      let seen = lastSeen.map { ", last seen \($0)" } ?? ""
      let again = change == "opened" ? "" : " (\(change))"
      return "\(severity.rawValue.uppercased())\(again): \(title): \(entity)\(place)\(times)\(seen)"
        + " [finding \(finding)]"
    }
  }

  /// The same at every try, so that who gets it twice can tell.
  package var id: String
  package var occasion: Occasion
  package var at: Instant
  package var items: [Item]

  package init(id: String, occasion: Occasion, at: Instant, items: [Item]) {
    (self.id, self.occasion, self.at, self.items) = (id, occasion, at, items)
  }

  /// The severest of what it tells.
  package var severity: FindingSeverity { items.map(\.severity).max() ?? .informational }

  /// What it tells in one line.
  package var title: String {
    switch occasion {
    case .test: "Plumbline: this channel works"
    case .digest: "Plumbline: \(items.count) finding\(items.count == 1 ? "" : "s") in the digest"
    case .finding: items.first?.line ?? ""
    }
  }

  /// What it tells, a line for each finding.
  package var lines: [String] {
    occasion == .test
      ? ["Sent to try the channel at \(at); no finding is behind it."] : items.map(\.line)
  }
}

/// Why a message was not taken.
package struct AlertFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package var description: String
  /// Whether another try would come to the same.
  package var isFinal: Bool

  package init(_ description: String, isFinal: Bool = false) {
    (self.description, self.isFinal) = (description, isFinal)
  }
}

/// Sends messages to channels.
package protocol AlertSender: Sendable {
  /// Sends a message and waits until it was taken.
  ///
  /// - Throws: ``AlertFailure``.
  func send(_ message: AlertMessage, to channel: Channel, secrets: [String: Secret]) async throws

  /// Refuses a channel to which nothing can be sent as it is described.
  ///
  /// - Throws: ``AlertFailure``.
  func check(_ channel: Channel, secrets: [String: Secret]) throws
}
