import JSON
import Model
import Operations
import Store
import Synchronization
import TestSupport
import Testing
import Vault

/// Sends nowhere, and remembers what it was to send; fails as it is told.
private final class Recorder: AlertSender {
  struct Sent: Sendable {
    var channel: String
    var message: AlertMessage
    var secrets: [String: Secret]
  }

  let sent = Mutex<[Sent]>([])
  let failure = Mutex<AlertFailure?>(nil)
  let delay = Mutex<Duration>(.zero)
  /// The channel that hangs.
  let hanging = Mutex("")

  func send(_ message: AlertMessage, to channel: Channel, secrets: [String: Secret]) async throws {
    try await Task.sleep(for: delay.withLock { $0 })
    if hanging.withLock({ $0 == channel.name }) { try await Task.sleep(for: .seconds(300)) }
    if let failure = failure.withLock({ $0 }) { throw failure }
    sent.withLock { $0.append(Sent(channel: channel.name, message: message, secrets: secrets)) }
  }

  func check(_ channel: Channel, secrets: [String: Secret]) throws {
    if channel.address == "bad" { throw AlertFailure("bad", isFinal: true) }
  }

  var told: [String] { sent.withLock { $0.map { "\($0.channel): \($0.message.occasion)" } } }
}

/// A store with a worker whose clock is moved by hand.
private struct Scene: Sendable {
  let store: DataStore
  let recorder = Recorder()
  let time: Mutexed

  final class Mutexed: Sendable {
    let now = Mutex(Instant(milliseconds: 1_772_445_600_000))
  }

  static func with(_ kind: TestDatabase, _ body: (Scene) async throws -> Void) async throws {
    try await kind.with { database in
      try await body(Scene(store: DataStore(database), time: Mutexed()))
    }
  }

  var now: Instant { time.now.withLock { $0 } }

  func wait(_ seconds: Int64) {
    time.now.withLock { $0 = $0.advanced(milliseconds: seconds * 1000) }
  }

  func worker(_ change: (inout AlertWorker.Settings) -> Void = { _ in }) -> AlertWorker {
    var settings = AlertWorker.Settings()
    change(&settings)
    let time = time
    return AlertWorker(store, keeper, recorder, settings: settings) { time.now.withLock { $0 } }
  }

  private var keeper: CredentialKeeper { CredentialKeeper(store, NoKey()) }

  func add(_ name: String, _ change: (inout Channel) -> Void = { _ in }) async throws -> Int64 {
    var channel = Channel(name: name, kind: .syslog, address: "syslog+udp://log")
    change(&channel)
    return try await ChannelKeeper(store, keeper, recorder)
      .add(channel, secrets: [:], by: "ann", at: now).id
  }

  func find(
    _ id: String,
    note: String = "root-used",
    severity: FindingSeverity = .high,
    account: String = "a-1"
  ) async throws {
    var entity = FindingEntity()
    (entity.actor, entity.account) = ("kim", account)
    let at = now.advanced(milliseconds: -30_000)
    let finding = Finding(
      id: id,
      note: FindingNote(id: note, title: note, severity: severity, provider: "activity"),
      entity: entity,
      firstSeen: at,
      lastSeen: at,
      count: 1,
      evidence: FindingEvidence(source: "s", values: [:], events: [])
    )
    _ = try await store.write(as: "plumb", at: now) { try $0.keep([finding]) }
  }

  func alerts(_ state: Alert.State? = nil) async throws -> [Alert] {
    try await store.read { try $0.alerts(state: state, limit: 1000) }
  }
}

/// A place without a key; no channel of these tests has secrets.
private struct NoKey: KeyPlace {
  let name = "nowhere"
  func ring() async -> KeyRing { KeyRing([], findings: "there is none") }
  func keyToWrapWith() async throws -> any KeyEncryptionKey { throw VaultError.changed }
}

struct AlertTests {
  @Test(arguments: TestDatabase.all)
  func `each change goes once to the channels that take it, with its time`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      // What was there before the first channel is not told of.
      try await scene.find("old", note: "before")
      try await scene.worker().tick()
      _ = try await scene.add("all") { $0.severity = .informational }
      _ = try await scene.add("high") { $0.severity = .high }
      _ = try await scene.add("other") { $0.notes = ["aws-*"] }
      _ = try await scene.add("governance") { $0.sources = [.governance] }
      _ = try await scene.add("off") { $0.isEnabled = false }
      try await scene.find("a", severity: .medium)
      try await scene.worker().tick()
      #expect(scene.recorder.told == ["all: finding"])
      scene.wait(5)
      // Seen again: no news. Severer: told, also to who was not told before.
      try await scene.find("b", severity: .medium)
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 1)
      try await scene.find("c", severity: .critical)
      scene.wait(2)
      try await scene.worker().tick()
      #expect(Set(scene.recorder.told.dropFirst()) == ["all: finding", "high: finding"])
      let item = scene.recorder.sent.withLock { $0.last?.message.items.first }
      #expect(item?.change == "raised" && item?.severity == .critical && item?.count == 3)
      // Mitigated by a person: no news; seen after that: told.
      try await scene.store.write(as: "bob", at: scene.now) {
        try $0.decide(finding: 2, to: "mitigated", reason: "")
      }
      scene.wait(60)
      try await scene.find("d", severity: .low)
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 5)
      let alerts = try await scene.alerts()
      #expect(alerts.allSatisfy { $0.state == .delivered && $0.attempts == 1 })
      let raised = try #require(alerts.first { $0.changeKind == .raised })
      #expect(raised.delays?.fromEvent == 32 && raised.delays?.fromNotice == 2)
      let figures = try await scene.store.read { try $0.alertFigures() }
      #expect(figures.states == [.delivered: 5] && figures.seconds == 4)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `beyond the budget of a day a digest tells, and the next day begins anew`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      _ = try await scene.add("few") { ($0.budget, $0.digestHours) = (2, 6) }
      for number in 0..<5 { try await scene.find("f\(number)", account: "a-\(number)") }
      try await scene.worker().tick()
      #expect(scene.recorder.told == ["few: finding", "few: finding"])
      // 10:00; the digest is at 12:00.
      scene.wait(7199)
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 2)
      scene.wait(1)
      try await scene.worker().tick()
      #expect(scene.recorder.told == ["few: finding", "few: finding", "few: digest"])
      let digest = scene.recorder.sent.withLock { $0.last?.message }
      #expect(digest?.items.map(\.account) == ["a-2", "a-3", "a-4"])
      let alerts = try await scene.alerts()
      #expect(
        alerts.filter(\.isDigest).map(\.message) == Array(repeating: digest?.id ?? "", count: 3)
      )
      scene.wait(12 * 3600)
      try await scene.find("next", account: "a-9")
      try await scene.worker().tick()
      #expect(scene.recorder.told.last == "few: finding")
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a channel is told of what is noticed from then on, by its filter of that time`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      // No worker has looked when the channel is added, nor when it is changed.
      try await scene.find("before", account: "a-1")
      let id = try await scene.add("soc") { $0.notes = ["root-*"] }
      try await scene.find("then", account: "a-2")
      try await scene.store.write(as: "ann", at: scene.now) { transaction in
        var channel = try transaction.channel(id)
        channel.notes = ["other"]
        try transaction.replace(channel)
      }
      try await scene.find("after", account: "a-3")
      try await scene.find("other", note: "other", account: "a-4")
      try await scene.worker().tick()
      let items = scene.recorder.sent.withLock { $0.flatMap(\.message.items) }
      #expect(items.map(\.account) == ["a-2", "a-4"])
    }
  }

  @Test func `a channel that hangs holds up no other, and one that is switched off waits`()
    async throws
  {
    try await Scene.with(.sqlite) { scene in
      let off = try await scene.add("off")
      _ = try await scene.add("slow")
      _ = try await scene.add("fast")
      func change(_ isEnabled: Bool) async throws {
        try await scene.store.write(as: "ann", at: scene.now) { transaction in
          var channel = try transaction.channel(off)
          channel.isEnabled = isEnabled
          try transaction.replace(channel)
        }
      }
      try await scene.find("first", account: "a-1")
      try await change(false)
      scene.recorder.hanging.withLock { $0 = "slow" }
      let worker = scene.worker { $0.poll = .milliseconds(50) }
      let running = Task { await worker.run() }
      func told(_ count: Int) async throws -> [String] {
        #expect(try await eventually { scene.recorder.told.count >= count })
        return scene.recorder.told
      }
      #expect(try await told(1) == ["fast: finding"])
      try await scene.find("second", account: "a-2")
      #expect(try await told(2) == ["fast: finding", "fast: finding"])
      // It was told of the first before it was switched off, and has not been tried.
      let waiting = try await scene.alerts(.waiting)
      #expect(waiting.filter { $0.channel == off }.map(\.attempts) == [0])
      try await change(true)
      #expect(try await told(3).contains("off: finding"))
      running.cancel()
      await running.value
    }
  }

  @Test func `a filter that nothing could pass is refused, added or changed`() async throws {
    try await Scene.with(.sqlite) { scene in
      let id = try await scene.add("soc")
      for change: @Sendable (inout Channel) -> Void in [
        { $0.scope = "none" }, { $0.notes = ["[["] }, { $0.notes = ["root-*", ""] },
      ] {
        await #expect(throws: AlertFailure.self) { _ = try await scene.add("other", change) }
        await #expect(throws: AlertFailure.self) {
          try await scene.store.write(as: "ann", at: scene.now) { transaction in
            var channel = try transaction.channel(id)
            change(&channel)
            try transaction.replace(channel)
          }
        }
      }
      #expect(try await scene.store.read { try $0.channels().map(\.name) } == ["soc"])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `the budget of a day goes to the severest of what came at once`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      _ = try await scene.add("few") { $0.budget = 2 }
      for (number, severity) in [FindingSeverity.low, .high, .medium, .critical].enumerated() {
        try await scene.find("f\(number)", note: "n\(number)", severity: severity)
      }
      try await scene.worker().tick()
      let told = try await scene.alerts().filter { !$0.isDigest }.map(\.finding)
      #expect(Set(told) == [2, 4])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `what is not taken is tried again under one id, then dead, then retried`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      _ = try await scene.add("down")
      scene.recorder.failure.withLock { $0 = AlertFailure("status 503") }
      try await scene.find("a")
      try await scene.worker().tick()
      var alert = try #require(try await scene.alerts().first)
      #expect(alert.state == .waiting && alert.attempts == 1 && alert.reason == "status 503")
      let pause = alert.notBefore.milliseconds - scene.now.milliseconds
      #expect((2500...7500).contains(pause))
      let id = alert.message
      // Not before its time.
      try await scene.worker().tick()
      #expect(try await scene.alerts().first?.attempts == 1)
      for tries in 2...8 {
        scene.wait(6000)
        try await scene.worker().tick()
        alert = try #require(try await scene.alerts().first)
        #expect(alert.attempts == tries && alert.message == id)
        let pause = alert.notBefore.milliseconds - scene.now.milliseconds
        #expect(pause <= 5_400_000)
      }
      #expect(alert.state == .dead)
      await #expect(throws: StoreError.self) {
        try await scene.store.write(as: "ann", at: scene.now) { try $0.retryAlert(99) }
      }
      let number = alert.id
      try await scene.store.write(as: "ann", at: scene.now) { try $0.retryAlert(number) }
      scene.recorder.failure.withLock { $0 = nil }
      try await scene.worker().tick()
      #expect(scene.recorder.sent.withLock { $0.map(\.message.id) } == [id])
      #expect(try await scene.alerts(.delivered).count == 1)
      // A refusal that stays is dead at once.
      scene.recorder.failure.withLock { $0 = AlertFailure("status 404", isFinal: true) }
      try await scene.find("b", account: "a-2")
      try await scene.worker().tick()
      #expect(try await scene.alerts(.dead).map(\.attempts) == [1])
      // Nobody could take what is left of a channel that is gone.
      let channel = try #require(try await scene.alerts().first).channel
      try await scene.store.write(as: "ann", at: scene.now) { try $0.removeChannel(channel) }
      #expect(try await scene.alerts().map(\.state) == [.delivered])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `several workers deliver each alert once, and those of a dead one`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      for name in ["one", "two", "three"] {
        _ = try await scene.add(name) { $0.budget = 0 }
      }
      scene.recorder.delay.withLock { $0 = .milliseconds(2) }
      for number in 0..<20 { try await scene.find("f\(number)", account: "a-\(number)") }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 { group.addTask { try await scene.worker().tick() } }
        try await group.waitForAll()
      }
      #expect(scene.recorder.told.count == 60)
      let ids = scene.recorder.sent.withLock { Set($0.map(\.message.id)) }
      #expect(ids.count == 60)
      #expect(try await scene.alerts(.delivered).count == 60)
      // One that leased and died is followed by another once its lease is over.
      try await scene.find("late", account: "a-99")
      try await scene.store.write(as: "plumb", at: scene.now) { transaction in
        _ = try AlertRouter.route(transaction)
        _ = try transaction.leaseAlerts(
          to: "dead",
          until: transaction.now.advanced(milliseconds: 90_000)
        )
      }
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 62)
      scene.wait(91)
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 63)
      #expect(try await scene.alerts(.delivered).map(\.attempts).max() == 2)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a channel of a scope is told of that only, and one that is removed of nothing`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      try await scene.store.write(as: "ann", at: scene.now) {
        try $0.put(
          Scope(
            name: "prod",
            parent: "",
            includes: [Scope.Selector("account=a-1")],
            excludes: []
          )
        )
      }
      let prod = try await scene.add("prod") { $0.scope = "prod" }
      await #expect(throws: StoreError.self) { _ = try await scene.add("prod") }
      await #expect(throws: AlertFailure.self) {
        _ = try await scene.add("x") { $0.address = "bad" }
      }
      try await scene.find("a", account: "a-1")
      try await scene.find("b", account: "a-2")
      try await scene.worker().tick()
      #expect(scene.recorder.sent.withLock { $0.map { $0.message.items[0].account } } == ["a-1"])
      try await scene.find("c", note: "another", account: "a-1")
      try await scene.store.write(as: "ann", at: scene.now) { transaction in
        _ = try AlertRouter.route(transaction)
        try transaction.removeChannel(prod)
      }
      try await scene.worker().tick()
      #expect(scene.recorder.told.count == 1)
      #expect(try await scene.alerts(.waiting) == [])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `an alert whose finding is gone is not noted as delivered`(kind: TestDatabase) async throws {
    try await Scene.with(kind) { scene in
      _ = try await scene.add("all") { ($0.isDigest, $0.digestHours) = (true, 1) }
      try await scene.find("a", account: "a-1")
      try await scene.find("b", account: "a-2")
      try await scene.store.write(as: "plumb", at: scene.now) { _ = try AlertRouter.route($0) }
      // Removed by hand: what is pruned takes its alerts along.
      _ = try await scene.store.database.write { session in
        try session.run("DELETE FROM findings WHERE account = 'a-1'", [])
      }
      scene.wait(3600)
      try await scene.worker().tick()
      #expect(
        scene.recorder.sent.withLock { $0.map { $0.message.items.map(\.account) } } == [["a-2"]]
      )
      let alerts = try await scene.alerts()
      #expect(alerts.map(\.state) == [.delivered] && alerts.map(\.finding) == [2])
      try await scene.find("c", account: "a-3")
      try await scene.store.write(as: "plumb", at: scene.now) { _ = try AlertRouter.route($0) }
      _ = try await scene.store.database.write { session in
        try session.run("DELETE FROM findings WHERE account = 'a-3'", [])
      }
      scene.wait(3600)
      try await scene.worker().tick()
      #expect(try await scene.alerts() == alerts)
      #expect(scene.recorder.sent.withLock { $0.count } == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a channel that takes nothing is a finding for others, and ends when it takes again`(
    kind: TestDatabase
  ) async throws {
    try await Scene.with(kind) { scene in
      _ = try await scene.add("down")
      let watch = OperationsWatch(scene.store) { scene.now }
      func findings() async throws -> [String] {
        var filter = FindingFilter()
        filter.sources = [.operations]
        let asked = filter
        return try await scene.store.read { transaction in
          try transaction.findings(asked).map {
            "\($0.finding.note.id): \($0.finding.entity.name) \($0.finding.state.name)"
          }
        }
      }
      try await watch.look(since: scene.now, audit: true)
      #expect(try await findings() == [])
      scene.recorder.failure.withLock { $0 = AlertFailure("status 404", isFinal: true) }
      try await scene.find("a")
      try await scene.worker().tick()
      scene.wait(10)
      // However often it is looked, it is told once, and never to the channel itself.
      for _ in 0..<3 {
        try await watch.look(since: scene.now)
        try await scene.worker().tick()
        scene.wait(10)
      }
      #expect(try await findings() == ["channel-does-not-deliver: channel down open"])
      #expect(try await scene.alerts().count == 1)
      scene.recorder.failure.withLock { $0 = nil }
      _ = try await scene.add("up")
      try await scene.store.write(as: "ann", at: scene.now) { try $0.retryAlert(1) }
      try await scene.worker().tick()
      try await watch.look(since: scene.now)
      #expect(try await findings() == ["channel-does-not-deliver: channel down mitigated"])
      // It fails once more: now there is another that is told.
      scene.wait(10)
      scene.recorder.failure.withLock { $0 = AlertFailure("gone", isFinal: true) }
      try await scene.find("b", account: "a-2")
      try await scene.worker().tick()
      scene.recorder.failure.withLock { $0 = nil }
      scene.wait(10)
      try await watch.look(since: scene.now)
      try await scene.worker().tick()
      // Each is told of the other.
      let told = scene.recorder.sent.withLock { sent in
        sent.map { "\($0.channel): \($0.message.title)" }
      }
      let news = told.filter { $0.contains("does not take its alerts") }.sorted()
      #expect(news.count == 2, "\(told)")
      #expect(news.first?.hasPrefix("down: HIGH: A channel") == true)
      #expect(news.first?.contains("channel up") == true)
      #expect(news.last?.hasPrefix("up: HIGH (reopened): A channel") == true)
      #expect(news.last?.contains("channel down") == true)
    }
  }
}
