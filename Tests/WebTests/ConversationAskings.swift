import JSON
import Model
import Store

@testable import Web

extension Askings {
  static let conversations: [String: Asking] = [
    "listConversations": { world, side, _ in
      try await conversation(world, side)
      return Asked("GET", "/conversations?limit=500", mark: side.mark)
    },
    "countConversations": { world, side, _ in
      try await conversation(world, side)
      return Asked("GET", "/conversation-counts?account=\(side.account)", mark: "\"day\"")
    },
  ]

  private static func conversation(_ world: World, _ side: Side) async throws {
    let key = Conversation.Key(
      account: side.account,
      own: side.mark,
      external: "192.0.2.1",
      port: 443,
      transport: "tcp"
    )
    let day = Instant(milliseconds: 1_767_225_600_000)
    let conversation = Conversation(
      key,
      day: day,
      isOutbound: true,
      connections: 1,
      failed: 0,
      sent: 1,
      received: 1,
      firstSeen: day,
      lastSeen: day
    )
    let log = ConversationLog(log: "l", bytes: 1, digest: name(), conversations: [conversation])
    _ = try await world.server.change { try $0.keep([log]) }
  }
}
