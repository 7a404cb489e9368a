import Foundation
import Hummingbird
import JSON
import Model
import ServiceLifecycle
import Store
import Synchronization

/// Something that changes until it has ended, such as a job.
struct Watched: Sendable {
  var state: JSONValue
  var hasEnded: Bool

  /// What a client that saw this state names in Last-Event-ID; the same on every server.
  var id: String { String(Digest.sha256(of: state).prefix(16)) }
}

/// Streams of server-sent events: how many there are of each caller, and one look a second at each
/// thing however many watch it.
package final class EventStreams: Sendable {
  /// What bounds a stream.
  package struct Limits: Sendable {
    /// How many streams of one caller are open at most.
    package var perCaller = 10
    /// How long a stream is open; a client comes again with the id of the last event, and who may
    /// not any more is refused then.
    package var longest = Duration.seconds(600)
    /// After how long without an event a comment says that there is still somebody.
    package var keepAlive = Duration.seconds(15)
    /// How long a look at something counts.
    package var pause = Duration.seconds(1)

    package init() {}
  }

  /// A look at something that is under way, or was a moment ago.
  private struct Look {
    var began: ContinuousClock.Instant
    var outcome: Task<Watched, any Error>
  }

  private struct State {
    var open: [String: Int] = [:]
    var looks: [String: Look] = [:]
  }

  private let state = Mutex(State())
  let limits: Limits

  package init(_ limits: Limits = Limits()) { self.limits = limits }

  /// A stream of a caller, which counts as open for as long as somebody holds it.
  final class Slot: Sendable {
    private let close: @Sendable () -> Void

    fileprivate init(_ close: @escaping @Sendable () -> Void) { self.close = close }

    deinit { close() }
  }

  /// Opens a stream of a caller.
  ///
  /// - Throws: a problem where the caller has as many as one may have.
  func open(for caller: String) throws -> Slot {
    let isFree = state.withLock { state in
      guard state.open[caller, default: 0] < limits.perCaller else { return false }
      state.open[caller, default: 0] += 1
      return true
    }
    guard isFree else {
      throw Problem(
        429,
        "too-many",
        "Too many streams",
        "\(limits.perCaller) streams of events are open already; close one"
      )
    }
    return Slot { [weak self] in
      self?.state.withLock { state in
        let left = (state.open[caller] ?? 1) - 1
        state.open[caller] = left > 0 ? left : nil
      }
    }
  }

  /// How something is, as it was read at most a moment ago for whoever watches it.
  func look(
    at subject: String,
    _ read: @escaping @Sendable () async throws -> Watched
  ) async throws -> Watched {
    let outcome = state.withLock { state in
      let now = ContinuousClock.now
      if let look = state.looks[subject], now - look.began < limits.pause { return look.outcome }
      if state.looks.count > 100 {
        state.looks = state.looks.filter { now - $0.value.began < limits.pause }
      }
      // A task of its own: it is for all who watch, and one who goes away does not end it.
      let outcome = Task { try await read() }
      state.looks[subject] = Look(began: now, outcome: outcome)
      return outcome
    }
    return try await outcome.value
  }
}

/// One stream of events, as an answer.
struct EventStream: Sendable {
  let subject: String
  /// The id of the event up to which the client knows everything; empty where it knows nothing.
  let after: String
  let streams: EventStreams
  let slot: EventStreams.Slot
  let read: @Sendable () async throws -> Watched

  /// Writes events until there are no more, the client goes away, or the server is to stop.
  @concurrent
  func write(_ writer: inout any ResponseBodyWriter, _ body: RequestBody) async throws {
    let isGone = Atomic(false)
    try await body.consumeWithInboundCloseHandler { _ in
      let limits = streams.limits
      let end = ContinuousClock.now + limits.longest
      var (known, wrote) = (after, ContinuousClock.now)
      try await writer.write(ByteBuffer(string: "retry: 2000\n\n"))
      while !isGone.load(ordering: .relaxed), !Task.isShuttingDownGracefully {
        let seen = try await streams.look(at: subject, read)
        if seen.id != known {
          try await writer.write(Self.event("progress", seen))
          (known, wrote) = (seen.id, .now)
        }
        if seen.hasEnded {
          try await writer.write(Self.event("end", seen))
          break
        }
        if .now - wrote >= limits.keepAlive {
          try await writer.write(ByteBuffer(string: ": nothing new\n\n"))
          wrote = .now
        }
        guard .now < end else { break }
        try await Task.sleep(for: limits.pause)
      }
    } onInboundClosed: {
      isGone.store(true, ordering: .relaxed)
    }
    try await writer.finish(nil)
  }

  private static func event(_ name: String, _ seen: Watched) -> ByteBuffer {
    ByteBuffer(string: "id: \(seen.id)\nevent: \(name)\ndata: \(seen.state.text)\n\n")
  }
}

extension APICall {
  /// Answers by events that tell of something until it has ended.
  ///
  /// `subject` is what it is called, the same for everybody who may see it.
  func events(
    _ subject: String,
    _ read: @escaping @Sendable (StoreTransaction) throws -> Watched
  ) throws -> APIReply {
    let (store, streams) = (services.store, services.streams)
    return APIReply(
      headers: [("X-Accel-Buffering", "no"), ("Connection", "close")],
      events: EventStream(
        subject: subject,
        after: text("Last-Event-ID"),
        streams: streams,
        slot: try streams.open(for: principal.name),
        read: { try await store.read(read) }
      )
    )
  }
}
