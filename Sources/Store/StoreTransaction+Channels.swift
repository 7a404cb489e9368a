internal import JSON
package import Model

// Channels: who is told of findings.
extension StoreTransaction {
  /// Takes the number of a channel to be.
  package func takeChannelNumber() throws -> Int64 { try take(of: "channel") }

  /// Adds a channel, whose number was taken before.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where the name is taken.
  package func add(_ channel: Channel) throws {
    let added = try session.run(
      """
      INSERT INTO channels (id, name, kind, definition, version, changed_by, changed_at)
      VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT DO NOTHING
      """,
      [
        .integer(channel.id), .text(channel.name), .text(channel.kind.rawValue),
        .text(JSONValue.object(channel.definition).text), .text(actor), now.value,
      ]
    )
    guard added == 1 else {
      throw StoreError.conflict("there is a channel \"\(channel.name)\" already")
    }
    try record("channel.add", channel.name, channel.definition)
  }

  /// Changes which findings a channel is told of, and how.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func change(_ channel: Channel) throws {
    let changed = try session.run(
      """
      UPDATE channels SET definition = $2, version = version + 1, changed_by = $3, changed_at = $4
      WHERE id = $1
      """,
      [
        .integer(channel.id), .text(JSONValue.object(channel.definition).text), .text(actor),
        now.value,
      ]
    )
    guard changed == 1 else {
      throw StoreError.notFound(kind: "channel", name: "\(channel.id)")
    }
    try record("channel.change", channel.name, channel.definition)
  }

  /// Notes that a channel has new secrets, which were not tried.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where somebody else changed the channel meanwhile.
  package func rotate(_ channel: Channel) throws {
    let changed = try session.run(
      """
      UPDATE channels SET definition = $2, version = version + 1, changed_by = $3, changed_at = $4,
        tested_at = NULL, is_accepted = NULL, outcome = NULL
      WHERE id = $1 AND version = $5
      """,
      [
        .integer(channel.id), .text(JSONValue.object(channel.definition).text), .text(actor),
        now.value, .integer(channel.version),
      ]
    )
    guard changed == 1 else {
      throw StoreError.conflict(
        "channel \(channel.id) was changed or removed by somebody else meanwhile; try again"
      )
    }
    try record("channel.rotate", channel.name, ["address": .string(channel.address)])
  }

  /// Removes a channel, its secrets, and what waits for it.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func removeChannel(_ id: Int64) throws {
    let channel = try channel(id)
    try session.run("DELETE FROM channels WHERE id = $1", [.integer(id)])
    try session.run(
      "DELETE FROM alerts WHERE channel = $1 AND state <> 'delivered'",
      [.integer(id)]
    )
    if let credential = try credentialIfKept(channel.credential), credential.revokedAt == nil {
      try revokeCredential(channel.credential)
    }
    try record("channel.remove", channel.name)
  }

  /// Notes what came of a trial.
  package func note(_ test: Channel.Test, ofChannel id: Int64) throws {
    try session.run(
      "UPDATE channels SET tested_at = $2, is_accepted = $3, outcome = $4 WHERE id = $1",
      [.integer(id), test.at.value, .integer(test.isAccepted ? 1 : 0), .text(test.outcome)]
    )
  }

  /// Every channel, by name.
  package func channels() throws -> [Channel] {
    try session.rows(Self.channelColumns + "ORDER BY name", [], Self.channel)
  }

  /// The names of the channels, by number.
  package func channelNames() throws -> [Int64: String] {
    Dictionary(try channels().map { ($0.id, $0.name) }) { first, _ in first }
  }

  /// One channel.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)``.
  package func channel(_ id: Int64) throws -> Channel {
    let question = Self.channelColumns + "WHERE id = $1"
    guard let found = try session.first(question, [.integer(id)], Self.channel) else {
      throw StoreError.notFound(kind: "channel", name: "\(id)")
    }
    return found
  }

  private static let channelColumns = """
    SELECT id, name, kind, definition, version, changed_by, changed_at, tested_at, is_accepted,
      outcome FROM channels\u{20}
    """

  private static func channel(_ row: any SQLRow) throws -> Channel {
    guard let kind = Channel.Kind(rawValue: row.text(2)) else {
      throw StoreError.damaged("a channel of an unknown kind")
    }
    var channel = Channel(id: row.integer(0), name: row.text(1), kind: kind, address: "")
    channel.take(try JSONValue(parsing: row.text(3)))
    channel.version = row.integer(4)
    channel.changedBy = row.text(5)
    channel.changedAt = row.instant(6)
    channel.test = row.optionalInstant(7).map {
      Channel.Test(at: $0, isAccepted: row.integer(8) == 1, outcome: row.text(9))
    }
    return channel
  }
}
