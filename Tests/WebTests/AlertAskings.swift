import JSON
import Model
import Store
import Synchronization

@testable import Web

/// Takes every message, and remembers it.
final class MessageBox: AlertSender {
  let messages = Mutex<[AlertMessage]>([])

  func send(_ message: AlertMessage, to channel: Channel, secrets: [String: Secret]) async throws {
    messages.withLock { $0.append(message) }
  }

  func check(_ channel: Channel, secrets: [String: Secret]) throws {
    guard channel.address.hasPrefix("https://") else { throw AlertFailure("is no address") }
  }
}

extension Askings {
  static let alerts: [String: Asking] = [
    "listChannels": { world, _, _ in
      _ = try await channel(world)
      return Asked("GET", "/channels?limit=500", mark: "hooks.example.org")
    },
    "addChannel": { _, _, _ in
      let body: JSONValue = [
        "name": .string(name()), "kind": "webhook", "address": "https://hooks.example.org/in",
      ]
      return Asked("POST", "/channels", body, mark: "whsec_")
    },
    "showChannel": { world, _, _ in
      Asked("GET", "/channels/\(try await channel(world))", mark: "hooks.example.org")
    },
    "changeChannel": { world, _, _ in
      Asked("PATCH", "/channels/\(try await channel(world))", ["budget": 7], mark: "budget")
    },
    "rotateChannel": { world, _, _ in
      let id = try await channel(world)
      return Asked("PUT", "/channels/\(id)/secret", [:], mark: "whsec_")
    },
    "removeChannel": { world, _, _ in Asked("DELETE", "/channels/\(try await channel(world))") },
    "testChannel": { world, _, _ in
      Asked("POST", "/channels/\(try await channel(world))/test", mark: "outcome")
    },
    "listAlerts": { world, side, _ in
      let alert = try await alert(world, side)
      return Asked("GET", "/alerts?limit=500&finding=\(alert.finding)", mark: "\"finding\"")
    },
    "countAlerts": { world, side, _ in
      _ = try await alert(world, side)
      return Asked("GET", "/alert-counts", mark: "states")
    },
    "showAlert": { world, side, _ in
      Asked("GET", "/alerts/\(try await alert(world, side).id)", mark: "\"finding\"")
    },
    "retryAlert": { world, side, _ in
      let alert = try await alert(world, side)
      try await world.server.change { transaction in
        while try transaction.alert(alert.id).state != .dead {
          let leased = try transaction.leaseAlerts(to: "w", until: transaction.now)
          try transaction.noteFailed(leased, message: "m", reason: "r", retryAt: nil)
        }
      }
      return Asked("POST", "/alerts/\(alert.id)/retry", mark: "\"finding\"")
    },
  ]

  private static func channel(_ world: World) async throws -> Int64 {
    let name = name()
    return try await world.server.change { transaction in
      let id = try transaction.takeChannelNumber()
      let address = "https://hooks.example.org/in"
      try transaction.add(Channel(id: id, name: name, kind: .webhook, address: address))
      return id
    }
  }

  private static func alert(_ world: World, _ side: Side) async throws -> Alert {
    let finding = try await finding(world, side)
    let number = try await channel(world)
    return try await world.server.change { transaction in
      let change = try transaction.changes(ofFinding: finding)[0]
      try transaction.queue(
        change,
        for: transaction.channel(number),
        isDigest: false,
        notBefore: transaction.now
      )
      return try transaction.alerts(finding: finding, limit: 1)[0]
    }
  }
}
