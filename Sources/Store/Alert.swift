package import Model

/// That a channel is to be told of a change of a finding, and what came of it.
package struct Alert: Sendable, Hashable {
  /// Where an alert is in its life.
  package enum State: String, Sendable, CaseIterable {
    case waiting, leased, delivered
    /// Nobody took it, however often it was tried; somebody may have it tried again.
    case dead
  }

  package var id: Int64
  package var channel: Int64
  package var finding: Int64
  /// The number of the change of the finding.
  package var change: Int64
  package var changeKind: FindingChange.Kind
  /// Whether it goes out with the next digest.
  package var isDigest: Bool
  package var state: State
  /// The id of the message that it went out with last; empty before.
  package var message: String
  package var owner: String
  package var attempts: Int
  package var notBefore: Instant
  /// When what was noticed happened; nil where that is not known.
  package var seenAt: Instant?
  /// When it was noticed.
  package var noticedAt: Instant
  package var createdAt: Instant
  package var deliveredAt: Instant?
  /// Why the last try went wrong; empty where none did.
  package var reason: String

  /// How long it took from what happened, and from when that was noticed, to the channel, in seconds.
  package var delays: (fromEvent: Double?, fromNotice: Double)? {
    guard let deliveredAt else { return nil }
    func since(_ instant: Instant) -> Double {
      Double(deliveredAt.milliseconds - instant.milliseconds) / 1000
    }
    return (seenAt.map(since), since(noticedAt))
  }
}

/// How many alerts there are, and how long they took.
package struct AlertFigures: Sendable, Hashable {
  package var states: [Alert.State: Int] = [:]
  /// Of those delivered: the sum of the seconds from notice to delivery.
  package var seconds = 0.0

  package init() {}
}
