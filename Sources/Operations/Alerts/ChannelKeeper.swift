package import JSON
package import Model
package import Store

/// Keeps channels with their secrets, and tries them.
package struct ChannelKeeper: Sendable {
  private let store: DataStore
  private let keeper: CredentialKeeper
  private let sender: any AlertSender

  package init(_ store: DataStore, _ keeper: CredentialKeeper, _ sender: any AlertSender) {
    (self.store, self.keeper, self.sender) = (store, keeper, sender)
  }

  /// Adds a channel; returns it with its number.
  ///
  /// Its secrets are sealed as those of a credential of its own, bound to its address.
  ///
  /// - Throws: ``AlertFailure`` for what cannot be sent to, ``StoreError/conflict(_:)`` where the name
  ///   is taken, and what sealing throws.
  package func add(
    _ channel: Channel,
    secrets: [String: Secret],
    by actor: String,
    at now: Instant
  ) async throws -> Channel {
    try sender.check(channel, secrets: secrets)
    var channel = channel
    channel.id = try await store.write(as: actor, at: now) { try $0.takeChannelNumber() }
    let added = channel
    let insert: @Sendable (StoreTransaction) throws -> Void = { transaction in
      try added.check(transaction, former: nil)
      // It is told of what is noticed from now on.
      try AlertRouter.routeAll(transaction)
      try transaction.add(added)
    }
    if secrets.isEmpty {
      try await store.write(as: actor, at: now, insert)
    } else {
      try await keeper.add(
        added.credential,
        provider: CredentialRecord.channels,
        details: Self.details(added),
        secrets: secrets,
        by: actor,
        at: now,
        with: insert
      )
    }
    return try await store.read { try $0.channel(added.id) }
  }

  /// Puts new secrets in the place of those of a channel, which are destroyed; all else stays, but for
  /// the address of a chat, which its URL tells.
  ///
  /// `check` may refuse it, within the transaction that puts them there.
  /// - Throws: as ``add(_:secrets:by:at:)``; ``StoreError/conflict(_:)`` where somebody else changed the
  ///   channel meanwhile.
  package func rotate(
    _ channel: Channel,
    _ secrets: ChannelSecrets,
    by actor: String,
    at now: Instant,
    check: @Sendable @escaping (StoreTransaction) throws -> Void = { _ in }
  ) async throws -> Channel {
    guard let name = channel.kind.secret else {
      throw AlertFailure("a channel of kind \(channel.kind.rawValue) has no secret", isFinal: true)
    }
    guard !secrets.values.isEmpty else {
      throw AlertFailure("the new \(name) is missing", isFinal: true)
    }
    var changed = channel
    changed.address = secrets.address ?? channel.address
    try sender.check(changed, secrets: secrets.values)
    let rotated = changed
    let record = try await store.read { try $0.credentialIfKept(channel.credential) }
    let note: @Sendable (StoreTransaction) throws -> Void = { transaction in
      try check(transaction)
      try transaction.rotate(rotated)
    }
    if let record {
      try await keeper.replace(
        record,
        details: Self.details(rotated),
        secrets: secrets.values,
        test: nil,
        by: actor,
        at: now,
        check: note
      )
    } else {
      try await keeper.add(
        channel.credential,
        provider: CredentialRecord.channels,
        details: Self.details(rotated),
        secrets: secrets.values,
        by: actor,
        at: now,
        with: note
      )
    }
    return try await store.read { try $0.channel(channel.id) }
  }

  /// The secrets of a channel, by field.
  ///
  /// - Throws: ``CredentialError``, and ``AlertFailure`` where its address is not the one for which they
  ///   were given.
  package func secrets(of channel: Channel) async throws -> [String: Secret] {
    let record = try await store.read { try $0.credentialIfKept(channel.credential) }
    guard let record else { return [:] }
    guard record.details == Self.details(channel) else {
      throw AlertFailure("its secrets were given for another address", isFinal: true)
    }
    return try await keeper.open(record)
  }

  /// Sends a message that tells of nothing, and notes what came of it.
  package func test(_ id: Int64, by actor: String, at now: Instant) async throws -> Channel.Test {
    let channel = try await store.read { try $0.channel(id) }
    var test = Channel.Test(at: now, isAccepted: true, outcome: "it was taken")
    do {
      let message = AlertMessage(
        id: NameUUID.of(["test", .integer(id), .integer(now.milliseconds)]),
        occasion: .test,
        at: now,
        items: []
      )
      try await sender.send(message, to: channel, secrets: try await secrets(of: channel))
    } catch let error as AlertFailure {
      (test.isAccepted, test.outcome) = (false, "\(error)")
    } catch let error as CredentialError {
      (test.isAccepted, test.outcome) = (false, "\(error)")
    }
    let noted = test
    try await store.write(as: actor, at: now) { try $0.note(noted, ofChannel: id) }
    return test
  }

  private static func details(_ channel: Channel) -> JSONObject {
    ["address": .string(channel.address), "channel": .string(channel.name)]
  }
}

extension StoreTransaction {
  /// Changes which findings a channel is told of, and how; what was noticed before goes by what it was.
  ///
  /// - Throws: ``AlertFailure`` for a filter that nothing could pass.
  package func replace(_ channel: Channel) throws {
    try channel.check(self, former: try self.channel(channel.id))
    try AlertRouter.routeAll(self)
    try change(channel)
  }
}

extension Channel {
  /// Refuses a new filter that nothing could pass: a scope that is not there, a pattern of no kind's id.
  fileprivate func check(_ transaction: StoreTransaction, former: Channel?) throws {
    if !scope.isEmpty, scope != former?.scope,
      try !ScopeTree(transaction.scopes(at: transaction.now)).has(scope)
    {
      throw AlertFailure(
        "there is no scope \"\(scope)\"; plumb scopes list shows them",
        isFinal: true
      )
    }
    let isOfKind = { (letter: Character) in
      letter.isLetter || letter.isNumber || "._:/-*? ".contains(letter)
    }
    if notes != former?.notes,
      let odd = notes.first(where: { $0.isEmpty || !$0.allSatisfy(isOfKind) })
    {
      throw AlertFailure(
        "\"\(odd)\" matches no kind of finding: * is any run and ? one character; plumb findings notes "
          + "lists kinds",
        isFinal: true
      )
    }
  }
}

extension CredentialRecord {
  /// The provider of what is no sign-in to an account, but the secrets of a channel.
  package static let channels = "channel"
}

extension Alert {
  /// The alert for programs; `names` are those of the channels by number.
  package func json(_ names: [Int64: String], about kept: KeptFinding) -> JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "channel": .string(names[channel] ?? ""),
      "channel_number": .integer(channel), "finding": .integer(finding),
      "change": .string(changeKind.rawValue),
      "severity": .string(kept.finding.note.severity.rawValue),
      "title": .string(kept.finding.note.title), "entity": .string(kept.finding.subject),
      "digest": .bool(isDigest), "state": .string(state.rawValue),
      "attempts": .integer(Int64(attempts)), "not_before": .string("\(notBefore)"),
      "noticed_at": .string("\(noticedAt)"), "created_at": .string("\(createdAt)"),
    ]
    object["seen_at"] = seenAt.map { .string("\($0)") }
    object["delivered_at"] = deliveredAt.map { .string("\($0)") }
    object["seconds_from_event"] = delays?.fromEvent.map { .number($0) }
    object["seconds_from_notice"] = delays.map { .number($0.fromNotice) }
    if !message.isEmpty { object["message"] = .string(message) }
    if !reason.isEmpty { object["reason"] = .string(reason) }
    return .object(object)
  }
}
