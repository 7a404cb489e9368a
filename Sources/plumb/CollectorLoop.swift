import ArgumentParser
import Foundation
import HTTP
import JSON
import Model
import Store
import Synchronization

/// A collector at work: polls, does what it is told, and hands in what came of it.
final class CollectorLoop: Sendable {
  private struct State {
    var standing: CollectorFolder.Standing
    /// The jobs under way, and how far each is.
    var running: [Int64: (task: Task<Void, Never>, progress: JSONValue)] = [:]
    var lastSaid = ""
    var lastFailure = ""
    var ended = 0
  }

  private let folder: CollectorFolder
  private let link: CollectorLink
  private let settings: CollectorSettings
  private let state: Mutex<State>
  private let begun = timeOfDay()

  init(
    _ folder: CollectorFolder,
    _ link: CollectorLink,
    _ standing: CollectorFolder.Standing,
    _ settings: CollectorSettings
  ) {
    self.folder = folder
    self.link = link
    self.settings = settings
    state = Mutex(State(standing: standing))
  }

  /// Works until the task is cancelled; then stops what is under way, to go on with it another time.
  ///
  /// - Throws: `CollectorLink.Refusal` when the collector is of no use any more.
  func run() async throws {
    defer { for entry in state.withLock({ $0.running.values }) { entry.task.cancel() } }
    for assignment in try folder.assignments() { begin(assignment) }
    while !Task.isCancelled {
      let reply: JSONValue
      do {
        reply = try await poll()
      } catch let refusal as CollectorLink.Refusal where !refusal.isPassing {
        guard refusal.kind == "stale-poll" else { throw refusal }
        try forgetPoll()
        continue
      } catch let error where !(error is CancellationError) {
        say("no answer: \(error)")
        try? await Task.sleep(for: settings.pause)
        continue
      }
      try follow(reply)
      let interval = settings.interval ?? .seconds(reply["interval"]?.whole ?? 60)
      let isIdle = state.withLock { $0.running.isEmpty }
      if settings.isOnce, isIdle { return }
      try? await Task.sleep(for: settings.isOnce ? min(interval, .seconds(1)) : interval)
    }
    await settle()
  }

  /// Waits until nothing is under way.
  private func settle() async {
    let tasks = state.withLock { $0.running.values.map(\.task) }
    for task in tasks {
      task.cancel()
      await task.value
    }
  }

  private func forgetPoll() throws {
    let standing = state.withLock { state in
      state.standing.poll = ""
      return state.standing
    }
    try folder.keep(standing)
  }

  /// Sends a poll, the same as before where that was not answered.
  private func poll() async throws -> JSONValue {
    let standing = state.withLock { state in
      if state.standing.poll.isEmpty { state.standing.poll = UUID().uuidString }
      return state.standing
    }
    // Kept before it is sent: whoever restarts sends the same again, and is no copy.
    try folder.keep(standing)
    let reply = try await link.send("POST", "/collectors/\(link.collector)/polls", body(standing))
    var next = standing
    (next.ticket, next.poll) = (reply["ticket"]?.string ?? "", "")
    try folder.keep(next)
    state.withLock { [next] in $0.standing = next }
    return reply
  }

  private func body(_ standing: CollectorFolder.Standing) async throws -> JSONValue {
    let (running, failure, ended) = state.withLock { state in
      (state.running.mapValues(\.progress), state.lastFailure, state.ended)
    }
    var health: JSONObject = [
      "started_at": .string("\(begun)"), "free_bytes": .integer(folder.room),
      "jobs_ended": .integer(Int64(ended)),
    ]
    if !failure.isEmpty { health["last_failure"] = .string(failure) }
    return [
      "poll": .string(standing.poll), "ticket": .string(standing.ticket),
      "version": .string(Plumb.configuration.version), "backlog": .integer(Int64(running.count)),
      "health": .object(health), "room": .integer(Int64(settings.jobs)),
      "credentials": .array(await settings.credentials()),
      "running": .array(
        running.sorted { $0.key < $1.key }.map { ["job": .integer($0.key), "progress": $0.value] }
      ),
    ]
  }

  /// Does what a reply says.
  private func follow(_ reply: JSONValue) throws {
    let name = state.withLock { $0.standing.name }
    switch reply["state"]?.string.flatMap(CollectorState.init) {
    case .approved: say("collector \(name) works")
    case .requested: say("collector \(name) waits for approval: plumb collectors approve \(name)")
    case let other:
      say(
        "collector \(name) is \(other?.rawValue ?? "in no known state"): "
          + (reply["reason"]?.string ?? "no reason was told")
      )
    }
    for case .integer(let job) in reply["cancel"]?.array ?? [] {
      state.withLock { $0.running[job] }?.task.cancel()
      folder.forget(job)
    }
    for command in reply["commands"]?.array ?? [] {
      guard case .integer(let job)? = command["job"] else { continue }
      guard state.withLock({ $0.running[job] == nil }) else { continue }
      let assignment = CollectorFolder.Assignment(
        job: job,
        provider: command["provider"]?.string ?? "",
        credential: command["credential"]?.string ?? "",
        account: command["account"]?.string ?? ""
      )
      try folder.keep(assignment)
      begin(assignment)
    }
  }

  private func begin(_ assignment: CollectorFolder.Assignment) {
    let id = assignment.job
    let job = CollectorJob(
      assignment: assignment,
      folder: folder,
      link: link,
      pause: settings.pause,
      piece: settings.piece
    ) { [weak self] progress in self?.state.withLock { $0.running[id]?.progress = progress } }
    let place = "job \(id), \(assignment.provider) with \(assignment.credential)"
    tell("\(place): begun")
    state.withLock { state in
      let task = Task {
        let ending = await job.run()
        end(id, place, ending)
      }
      state.running[id] = (task, ["phase": "beginning"])
    }
  }

  private func end(_ id: Int64, _ place: String, _ ending: CollectorJob.Ending) {
    state.withLock { state in
      state.running[id] = nil
      if case .stopped = ending { return }
      state.ended += 1
      if case .failed(let reason) = ending {
        state.lastFailure = String("\(place): \(reason)".prefix(500))
      }
    }
    switch ending {
    case .stopped: return
    case .done(let scan): tell("\(place): kept as scan \(scan)")
    case .failed(let reason): complain("\(place): \(reason)")
    case .lost: complain("\(place): was cancelled, or is no more with this collector")
    }
    folder.forget(id)
  }

  /// Says something that was not said just before.
  private func say(_ text: String) {
    let isNew = state.withLock { state in
      defer { state.lastSaid = text }
      return state.lastSaid != text
    }
    if isNew { tell(text) }
  }
}

/// How a collector works.
struct CollectorSettings: Sendable {
  /// Between polls; nil for what the server says.
  var interval: Duration?
  /// After something went wrong on the way.
  var pause: Duration
  /// How many bytes a piece of an inventory has.
  var piece: Int
  /// How many jobs at a time.
  var jobs: Int
  /// Whether it ends when there is nothing to do.
  var isOnce: Bool
  /// What it can sign in with.
  var credentials: @Sendable () async -> [JSONValue]
}

/// Says something on standard output at once, though that may be a file or a pipe.
func tell(_ text: String) {
  try? OutputFile.standardOutput.write(Array((text.withoutControls + "\n").utf8))
}
