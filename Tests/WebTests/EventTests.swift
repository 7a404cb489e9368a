import Foundation
import HTTP
import JSON
import Model
import Store
import Synchronization
import TestSupport
import Testing

@testable import Web

/// Server-sent events about jobs and scans, over a socket.
struct EventTests {
  /// What a stream sent so far.
  private final class Heard: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    private let isOver = Atomic(false)

    func add(_ more: [UInt8]) { bytes.withLock { $0 += more } }

    func end() { isOver.store(true, ordering: .releasing) }

    /// Whether nothing more comes.
    var hasEnded: Bool { isOver.load(ordering: .acquiring) }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    /// The events in order, each as its name, id and data.
    var events: [(name: String, id: String, data: JSONValue)] {
      text.components(separatedBy: "\n\n").compactMap { block in
        var fields: [String: String] = [:]
        for line in block.split(separator: "\n") {
          let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
          if parts.count == 2 { fields[String(parts[0])] = String(parts[1].dropFirst()) }
        }
        guard let name = fields["event"], let id = fields["id"], let data = fields["data"],
          let value = try? JSONParser().parse(Array(data.utf8))
        else { return nil }
        return (name, id, value)
      }
    }

    /// Waits until something was heard.
    func wait(_ comment: Comment, _ isHeard: (Heard) -> Bool) async throws {
      #expect(try await eventually { isHeard(self) }, "\(comment): \(text)")
    }
  }

  /// Opens a stream; the task ends when the stream does.
  private func follow(
    _ server: TestServer,
    _ path: String,
    _ caller: Caller,
    after: String = ""
  ) -> (Heard, Task<Answer, any Error>) {
    let heard = Heard()
    var request = HTTPRequest("GET", server.url + "/api/v1" + path, headers: caller.headers)
    if !after.isEmpty { request.headers.append(("Last-Event-ID", after)) }
    request.receive = { heard.add($0) }
    let sent = request
    let stream = Task {
      defer { heard.end() }
      return try await server.send(sent)
    }
    return (heard, stream)
  }

  private static var quick: EventStreams.Limits {
    var limits = EventStreams.Limits()
    limits.pause = .milliseconds(50)
    return limits
  }

  /// A job that a worker has.
  private func leased(_ server: TestServer, account: String = "a") async throws -> Job {
    let target = JobTarget(provider: "aws", account: account, credential: "c")
    let until = server.clock.now.advanced(days: 1)
    let leased = try await server.change { transaction in
      _ = try transaction.enqueue(target)
      return try transaction.leaseJob(to: "worker", until: until)
    }
    return try #require(leased)
  }

  private func beat(_ server: TestServer, _ job: Job, calls: Int64) async throws {
    let until = server.clock.now.advanced(milliseconds: calls * 1000)
    let progress: JSONValue = ["phase": "collecting", "calls": .integer(calls)]
    let isHeld = try await server.change {
      try $0.heartbeat(job, until: until, progress: progress, scan: nil)
    }
    #expect(isHeld)
  }

  @Test func `a job is told of each time that it changes, and the stream ends with it`()
    async throws
  {
    try await TestServer.with(streams: Self.quick) { server in
      let viewer = try await server.caller(.viewer)
      let job = try await leased(server)
      let (heard, stream) = follow(server, "/jobs/\(job.id)/events", viewer)
      try await heard.wait("no first event") { $0.events.count == 1 }
      for calls in [7, 9] as [Int64] {
        try await beat(server, job, calls: calls)
        try await heard.wait("no event of \(calls) calls") {
          $0.events.last?.data["progress"]?["calls"] == .integer(calls)
        }
      }
      // A lease that is prolonged is nothing new.
      try await beat(server, job, calls: 9)
      try await Task.sleep(for: .milliseconds(200))
      #expect(heard.events.count == 3)
      let isDone = try await server.change {
        try $0.finish(job, progress: ["phase": "kept"], scan: 3)
      }
      #expect(isDone)
      let answer = try await stream.value
      #expect(answer.status == 200 && answer[header: "Content-Type"] == "text/event-stream")
      let events = heard.events
      #expect(events.map(\.name) == ["progress", "progress", "progress", "progress", "end"])
      #expect(events.last?.data["state"] == "done" && events.last?.data["scan"] == 3)
      #expect(Set(events.map(\.id)).count == 4 && events[3].id == events[4].id)
      // Who saw it all hears the end only.
      let (again, over) = follow(server, "/jobs/\(job.id)/events", viewer, after: events[4].id)
      _ = try await over.value
      #expect(again.events.map(\.name) == ["end"])
    }
  }

  @Test func `who comes again hears what is new, and of what is not there nothing`() async throws {
    try await TestServer.with(streams: Self.quick) { server in
      let viewer = try await server.caller(.viewer)
      let job = try await leased(server)
      let path = "/jobs/\(job.id)/events"
      let (first, one) = follow(server, path, viewer)
      try await first.wait("no first event") { $0.events.count == 1 }
      one.cancel()
      let known = try #require(first.events.last?.id)
      let (second, other) = follow(server, path, viewer, after: known)
      try await second.wait("no stream") { $0.text.contains("retry: ") }
      try await beat(server, job, calls: 5)
      try await second.wait("no new event") { $0.events.count == 1 }
      #expect(second.events.first?.data["progress"]?["calls"] == 5)
      other.cancel()
      let part = Extent.account("b")
      let stranger = try await server.key(
        of: server.person("s", .viewer, on: [part]),
        .viewer,
        on: part
      )
      for path in [path, "/jobs/99/events", "/scans/99/events"] {
        #expect(try await server.send("GET", "/api/v1" + path, as: stranger).status == 404)
      }
    }
  }

  @Test func `a scan is told of with its job`() async throws {
    try await TestServer.with(streams: Self.quick) { server in
      let viewer = try await server.caller(.viewer)
      let job = try await leased(server)
      let now = server.clock.now
      let scan = try await server.store.write(as: "worker/job-\(job.id)", at: now) {
        try $0.beginScan(subject: "s", account: "a", instruction: [:], instant: now, content: "")
      }
      let (heard, stream) = follow(server, "/scans/\(scan)/events", viewer)
      try await heard.wait("no first event") { $0.events.count == 1 }
      #expect(heard.events.first?.data["status"] == "collecting")
      try await beat(server, job, calls: 4)
      try await heard.wait("no event of the job") {
        $0.events.last?.data["job"]?["progress"]?["calls"] == 4
      }
      try await server.change { try $0.move(scan, to: .cancelled, report: [:]) }
      _ = try await stream.value
      #expect(heard.events.last?.name == "end")
      #expect(heard.events.last?.data["status"] == "cancelled")
    }
  }

  @Test func `streams end when the server is to stop`() async throws {
    try await TestServer.with { server in
      let viewer = try await server.caller(.viewer)
      let job = try await leased(server)
      let (heard, stream) = follow(server, "/jobs/\(job.id)/events", viewer)
      try await heard.wait("no first event") { $0.events.count == 1 }
      let start = ContinuousClock.now
      await server.stop()
      _ = try await stream.value
      // Long before the stream would have ended by itself, however busy the machine is.
      #expect(ContinuousClock.now - start < .seconds(120))
      #expect(heard.events.map(\.name) == ["progress"])
    }
  }

  @Test func `a caller has a bounded number of streams, and one that is closed makes room`()
    async throws
  {
    var limits = Self.quick
    limits.perCaller = 2
    limits.keepAlive = .milliseconds(100)
    try await TestServer.with(streams: limits) { server in
      let (viewer, other) = (try await server.caller(.viewer), try await server.caller(.editor))
      let path = "/jobs/\(try await leased(server).id)/events"
      let streams = [follow(server, path, viewer), follow(server, path, viewer)]
      for (heard, _) in streams {
        try await heard.wait("no comment") { $0.text.contains("\n: nothing new\n\n") }
      }
      let third = try await server.send("GET", "/api/v1" + path, as: viewer)
      #expect(third.status == 429 && third.json["detail"]?.string?.hasPrefix("2 streams") == true)
      let (heard, stream) = follow(server, path, other)
      try await heard.wait("others have room") { $0.events.count == 1 }
      stream.cancel()
      streams[0].1.cancel()
      // The server hears of it, and the caller has room again.
      let hasRoom = try await eventually(pause: .milliseconds(100)) {
        let (heard, stream) = follow(server, path, viewer)
        try await heard.wait("no answer") { $0.events.count == 1 || $0.hasEnded }
        stream.cancel()
        return heard.events.count == 1
      }
      #expect(hasRoom)
      streams[1].1.cancel()
    }
  }

  private final class Count: Sendable {
    let reads = Atomic(0)
  }

  @Test func `what many watch is read once a second`() async throws {
    var limits = EventStreams.Limits()
    limits.pause = .milliseconds(200)
    let streams = EventStreams(limits)
    let count = Count()
    let start = ContinuousClock.now
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask {
          for _ in 0..<5 {
            _ = try await streams.look(at: "job 1") {
              count.reads.add(1, ordering: .relaxed)
              return Watched(state: .null, hasEnded: false)
            }
            try await Task.sleep(for: .milliseconds(50))
          }
        }
      }
      try await group.waitForAll()
    }
    let most = (ContinuousClock.now - start) / .milliseconds(200) + 1
    #expect(count.reads.load(ordering: .relaxed) >= 2)
    #expect(Double(count.reads.load(ordering: .relaxed)) <= most)
  }
}
