import JSON
package import Model
package import Store
import Synchronization

/// Routes what became of findings and delivers it, until it is told to stop.
///
/// Any number of them share the queue of a store: each alert is leased to one. One that dies between
/// sending and noting leaves a message to be sent again, under the same id.
package struct AlertWorker: Sendable {
  /// How alerts are delivered.
  package struct Settings: Sendable {
    /// How often it looks.
    package var poll = Duration.seconds(1)
    /// How many messages are under way at the same time, at most one to a channel.
    package var most = 8
    /// How long an alert stays with one who is silent, in milliseconds.
    package var lease: Int64 = 90_000
    /// How long the second try waits, in milliseconds; each further one three times as long, up to an
    /// hour, give or take a half.
    package var backOff: Int64 = 5_000

    package init() {}
  }

  private let store: DataStore
  private let keeper: CredentialKeeper
  private let sender: any AlertSender
  private let settings: Settings
  private let clock: @Sendable () -> Instant
  private let log: @Sendable (String) -> Void

  package init(
    _ store: DataStore,
    _ keeper: CredentialKeeper,
    _ sender: any AlertSender,
    settings: Settings = Settings(),
    clock: @escaping @Sendable () -> Instant,
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    (self.store, self.keeper, self.sender) = (store, keeper, sender)
    (self.settings, self.clock, self.log) = (settings, clock, log)
  }

  /// Works until the task is cancelled; messages under way end first.
  package func run() async {
    let delivery = Delivery()
    await withDiscardingTaskGroup { group in
      var isReachable = true
      while !Task.isCancelled {
        do {
          try await route()
          // A channel that hangs holds up neither what is noticed meanwhile nor other channels.
          if delivery.begin() {
            group.addTask {
              do { try await deliver() } catch { log("cannot deliver alerts: \(error)") }
              delivery.end()
            }
          }
          isReachable = true
        } catch is CancellationError {
          return
        } catch {
          // It is said once, not with every look.
          if isReachable { log("cannot look for alerts: \(error)") }
          isReachable = false
        }
        try? await Task.sleep(for: settings.poll * Double.random(in: 0.75...1.25))
      }
    }
  }

  /// Routes and delivers all that is due now.
  package func tick() async throws {
    try await route()
    try await deliver()
  }

  private func route() async throws {
    while try await store.read({ try $0.hasUnrouted() }) {
      let routed = try await store.write(as: "plumb", at: clock()) { try AlertRouter.route($0) }
      guard routed > 0 else { return }
    }
  }

  private func deliver() async throws {
    try await withThrowingTaskGroup(of: Int64?.self) { group in
      var busy: Set<Int64> = []
      var isLooking = false
      while true {
        if busy.count < settings.most, !Task.isCancelled {
          let alerts = try await lease(without: busy)
          if let channel = alerts.first?.channel {
            busy.insert(channel)
            group.addTask {
              await deliver(alerts)
              return channel
            }
            continue
          }
        }
        if !busy.isEmpty, !isLooking, !Task.isCancelled {
          // While somebody sends, others may come to be told.
          isLooking = true
          group.addTask {
            try? await Task.sleep(for: settings.poll)
            return nil
          }
        }
        guard !busy.isEmpty, let done = try await group.next() else {
          return group.cancelAll()
        }
        if let done { busy.remove(done) } else { isLooking = false }
      }
    }
  }

  private func lease(without busy: Set<Int64>) async throws -> [Alert] {
    let now = clock()
    guard try await store.read({ try $0.hasDueAlert(at: now) }) else { return [] }
    let until = now.advanced(milliseconds: settings.lease)
    return try await store.write(as: "plumb", at: now) {
      try $0.leaseAlerts(to: LeaseOwner.current, until: until, without: busy)
    }
  }

  /// Sends one message and notes what came of it.
  private func deliver(_ alerts: [Alert]) async {
    guard let first = alerts.first else { return }
    let id = Self.messageID(alerts)
    do {
      let (channel, items) = try await store.read { transaction in
        (try transaction.channel(first.channel), try AlertRouter.items(alerts, transaction))
      }
      guard channel.isEnabled else { throw AlertFailure("the channel is switched off") }
      if !items.isEmpty {
        let message = AlertMessage(
          id: id,
          occasion: first.isDigest ? .digest : .finding,
          at: clock(),
          items: items
        )
        try await sender.send(message, to: channel, secrets: try await secrets(of: channel))
      }
      let told = Set(items.map(\.finding))
      try await store.write(as: "plumb", at: clock()) { transaction in
        try transaction.noteDelivered(alerts.filter { told.contains($0.finding) }, message: id)
        try transaction.remove(alerts.filter { !told.contains($0.finding) })
      }
    } catch {
      await note(error, alerts, id)
    }
  }

  private func note(_ error: any Error, _ alerts: [Alert], _ id: String) async {
    let failure = error as? AlertFailure
    let reason = String("\(error)".prefix(1000))
    let tries = alerts.map(\.attempts).max() ?? 1
    let retryAt = failure?.isFinal == true ? nil : clock().advanced(milliseconds: pause(tries))
    log("alert \(alerts.first?.id ?? 0): try \(tries): \(reason)")
    // A task of its own: what came of it is noted although this one may be cancelled. Where it cannot
    // be noted the lease runs out.
    await Task {
      try? await store.write(as: "plumb", at: clock()) {
        try $0.noteFailed(alerts, message: id, reason: reason, retryAt: retryAt)
      }
    }.value
  }

  private func pause(_ tries: Int) -> Int64 {
    var pause = settings.backOff
    for _ in 1..<max(2, min(tries, 12)) where tries > 1 { pause = min(pause * 3, 3_600_000) }
    return Int64(Double(pause) * Double.random(in: 0.5...1.5))
  }

  /// The same at every try, for each set of alerts.
  private static func messageID(_ alerts: [Alert]) -> String {
    NameUUID.of(
      .array(
        alerts.map { .string("alert \($0.id) of \($0.createdAt.milliseconds)") }
      )
    )
  }

  private func secrets(of channel: Channel) async throws -> [String: Secret] {
    try await ChannelKeeper(store, keeper, sender).secrets(of: channel)
  }
}

/// Whether alerts are being delivered.
private final class Delivery: Sendable {
  private let isUnderWay = Mutex(false)

  /// Begins, unless that was done already.
  func begin() -> Bool {
    isUnderWay.withLock { isUnderWay in
      defer { isUnderWay = true }
      return !isUnderWay
    }
  }

  func end() { isUnderWay.withLock { $0 = false } }
}
