import JSON
import Model
import Store
import Testing

@testable import Web

// Hostile texts in what insights noticed, in conversations, channels and alerts.
extension PageKit {
  static func insights(_ server: TestServer) async throws {
    let now = server.clock.now
    try await server.change { transaction in
      for (number, text) in hostile.enumerated() {
        _ = try transaction.keep([finding(text, number, now)])
      }
      var conversations: [Conversation] = []
      for (number, text) in hostile.enumerated() {
        conversations.append(conversation(text, number, now))
      }
      let lists: JSONValue = [
        ["list": .string(hostile[0]), "list_date": "2026-01-01", "list_expired": true]
      ]
      var log = ConversationLog(
        log: hostile[0],
        bytes: 1,
        digest: "1",
        conversations: conversations
      )
      log.addresses = [
        ExternalAddress(
          address: "203.0.113.9",
          owner: hostile[0],
          asn: "AS64500",
          categories: ["botnet", "scanner"],
          listings: lists
        )
      ]
      _ = try transaction.keep([log])
      try alerts(transaction)
    }
  }

  /// A channel, with an alert that was delivered, one that nobody took and one that waits.
  private static func alerts(_ transaction: StoreTransaction) throws {
    var channel = Channel(
      id: try transaction.takeChannelNumber(),
      name: hostile[0],
      kind: .email,
      address: "smtps://\(hostile[1])"
    )
    (channel.sender, channel.user, channel.scope) = (hostile[0], hostile[3], hostile[1])
    (channel.recipients, channel.notes) = ([hostile[4]], [hostile[2]])
    channel.sources = [.insights, .posture]
    try transaction.add(channel)
    for finding in try transaction.findings() {
      for change in try transaction.changes(ofFinding: finding.id) {
        try transaction.queue(
          change,
          for: channel,
          isDigest: finding.id.isMultiple(of: 2),
          notBefore: transaction.now
        )
      }
    }
    for isTaken in [true, false] {
      let leased = try transaction.leaseAlerts(to: "w", until: transaction.now)
      if isTaken {
        try transaction.noteDelivered(leased, message: hostile[0])
      } else {
        let reason = hostile[3]
        try transaction.noteFailed(leased, message: "m", reason: reason, retryAt: nil)
        while try transaction.alert(leased[0].id).state != .dead {
          let again = try transaction.leaseAlerts(to: "w", until: transaction.now)
          try transaction.noteFailed(again, message: "m", reason: reason, retryAt: nil)
        }
      }
    }
  }

  private static func finding(_ text: String, _ number: Int, _ now: Instant) -> Finding {
    var entity = FindingEntity()
    (entity.account, entity.actor) = ("shop", text)
    (entity.resource, entity.sourceIP) = ("bucket \(number) \(text)", "203.0.113.9")
    return Finding(
      id: "finding-\(number)",
      note: FindingNote(
        id: "own.\(text)",
        title: text,
        severity: .high,
        source: .insights,
        provider: text
      ),
      entity: entity,
      firstSeen: now.advanced(milliseconds: -4000),
      lastSeen: now.advanced(milliseconds: -4000),
      count: 3,
      evidence: FindingEvidence(
        source: text,
        values: ["external": ["address": "203.0.113.9", "owner": .string(text)]],
        events: []
      )
    )
  }

  private static func conversation(_ text: String, _ number: Int, _ now: Instant) -> Conversation {
    let key = Conversation.Key(
      account: "shop",
      own: "10.0.0.\(number)",
      external: number == 0 ? "203.0.113.9" : "2001:db8::\(text)",
      port: 443,
      transport: text
    )
    return Conversation(
      key,
      day: Instant(milliseconds: now.milliseconds / 86_400_000 * 86_400_000).advanced(
        days: -number
      ),
      isOutbound: number.isMultiple(of: 2),
      connections: 1200 * number + 1,
      failed: number,
      sent: 1_234_567 * (number + 1),
      received: 98_765_432,
      firstSeen: now.advanced(days: -number),
      lastSeen: now
    )
  }
}
