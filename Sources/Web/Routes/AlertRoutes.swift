import Foundation
import JSON
import Model
import Operations
import Store

/// Who is told of findings, and what was told.
enum AlertRoutes {
  static let handlers: [String: APIHandler] = [
    "listChannels": listChannels, "showChannel": showChannel, "addChannel": addChannel,
    "changeChannel": changeChannel, "rotateChannel": rotateChannel,
    "removeChannel": removeChannel, "testChannel": testChannel,
    "listAlerts": list, "showAlert": show, "retryAlert": retry, "countAlerts": count,
  ]

  private static func listChannels(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let found = try await call.read { try $0.channels() }
    return try call.page(found.map(\.json), sorts: ["name", "id"])
  }

  private static func showChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    return .tagged(try await call.read { try $0.channel(call.number()) }.json)
  }

  private static func keeper(_ call: APICall) throws -> ChannelKeeper {
    guard let sender = call.services.sender else {
      throw Problem(503, "no-sender", "This server sends nothing", "another one does")
    }
    return ChannelKeeper(call.services.store, call.services.keeper, sender)
  }

  private static func addChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let draft = try ChannelDraft(call.body, random: call.services.random)
    let added = try await keeper(call).add(
      draft.channel,
      secrets: draft.secrets.values,
      by: call.principal.name,
      at: call.now
    )
    // The keeper has transactions of its own; this one notes the request's Idempotency-Key.
    try await call.write { _ in }
    var object = added.json.object ?? [:]
    object["key"] = draft.secrets.madeKey.map { .string($0.revealed) }
    var reply = APIReply.created(.object(object), at: "/api/v1/channels/\(added.id)")
    reply.hasSecret = draft.secrets.madeKey != nil
    return reply
  }

  private static func changeChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let changed = try await call.write { transaction in
      var channel = try transaction.channel(call.number())
      try call.match(channel.json)
      channel.take(call.body)
      try transaction.replace(channel)
      return try transaction.channel(channel.id)
    }
    return .tagged(changed.json)
  }

  private static func rotateChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let channel = try await call.read { transaction in
      let channel = try transaction.channel(call.number())
      try call.match(channel.json)
      return channel
    }
    let secrets = try ChannelSecrets(call.body, of: channel.kind, random: call.services.random)
    let rotated = try await keeper(call).rotate(
      channel,
      secrets,
      by: call.principal.name,
      at: call.now
    )
    // The keeper has transactions of its own; this one notes the request's Idempotency-Key.
    try await call.write { _ in }
    var object = rotated.json.object ?? [:]
    object["key"] = secrets.madeKey.map { .string($0.revealed) }
    var reply = APIReply.json(.object(object))
    reply.hasSecret = secrets.madeKey != nil
    return reply
  }

  private static func removeChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    try await call.write { transaction in
      try call.match(transaction.channel(call.number()).json)
      try transaction.removeChannel(call.number())
    }
    return .done
  }

  private static func testChannel(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    // Sending takes as long as the channel does; nothing is held meanwhile.
    let test = try await keeper(call).test(call.number(), by: call.principal.name, at: call.now)
    try await call.write { _ in }
    return .json(test.json)
  }

  // MARK: - Alerts

  private static func list(_ call: APICall) async throws -> APIReply {
    let state = call["state"]?.string.flatMap { Alert.State(rawValue: $0) }
    let channel = call["channel"]?.whole.map { Int64($0) }
    let finding = call["finding"]?.whole.map { Int64($0) }
    return try await call.page { transaction, before, limit in
      let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
      let names = try transaction.channelNames()
      return try transaction.alerts(
        state: state,
        channel: channel,
        finding: finding,
        before: before,
        limit: limit
      ).map { alert in
        let kept = try transaction.finding(alert.finding)
        return (alert.id, sight.sees(kept.finding) ? alert.json(names, about: kept) : nil)
      }
    }
  }

  private static func count(_ call: APICall) async throws -> APIReply {
    let channel = call["channel"]?.whole.map { Int64($0) }
    let finding = call["finding"]?.whole.map { Int64($0) }
    let counts = try await call.read { transaction in
      let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
      var seen: [Int64: Bool] = [:]
      let alerts = try transaction.alerts(
        channel: channel,
        finding: finding,
        limit: 1_000_000_000
      ).filter { alert in
        if call.sight.isEverything { return true }
        if let known = seen[alert.finding] { return known }
        let isSeen = try sight.sees(transaction.finding(alert.finding).finding)
        seen[alert.finding] = isSeen
        return isSeen
      }
      return AlertCounts(alerts)
    }
    return .json(counts.json)
  }

  private static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> JSONValue {
    let alert = try transaction.alert(call.number())
    let kept = try transaction.finding(alert.finding)
    let sight = try FindingSight(transaction, sight: call.sight, at: call.now)
    guard sight.sees(kept.finding) else { throw Problem.notFound("alert", call.number()) }
    return alert.json(try transaction.channelNames(), about: kept)
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) })
  }

  private static func retry(_ call: APICall) async throws -> APIReply {
    .json(
      try await call.write { transaction in
        _ = try find(transaction, call)
        try transaction.retryAlert(call.number())
        return try find(transaction, call)
      }
    )
  }
}
