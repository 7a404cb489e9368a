import Foundation
import Insights
import JSON
import Model
import Testing

struct FlowStateTests {
  @Test func `what is learnt is kept, and logs are read on where an earlier run stopped`()
    async throws
  {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let log = folder.appendingPathComponent("flows.log")
    let state = folder.appendingPathComponent("state").path
    var scene = FlowScene()
    for hour in 0..<20 {
      let bytes = hour == 19 ? 2_000_000_000 : 30_000_000
      scene.connect(
        "10.0.0.5",
        "198.51.100.9",
        443,
        at: hour * 3600 + hour * 17,
        sent: (90_000, bytes),
        received: (9000, 400_000)
      )
    }
    let input = LogInput(name: log.path, path: log.path)
    func run() async throws -> Flowed {
      try await flows([input]) { $0.state = state }
    }
    let whole = try await flows(scene.text)
    #expect(whole.kinds == ["exfiltration"])
    // A part, then the same file grown, the last line unfinished in between.
    let text = Data(scene.text.utf8)
    try text.prefix(1500).write(to: log)
    let first = try await run()
    #expect(first.kinds == [])
    #expect(first.faults.count <= 1)
    try text.write(to: log)
    let second = try await run()
    #expect(second.findings.map(\.id) == whole.findings.map(\.id))
    #expect(second.totals.records < 40)
    let third = try await run()
    #expect(third.totals.records == 0)
    #expect(third.totals.skipped == 1)
    // Another file of the same name is read from its beginning.
    try FileManager.default.removeItem(at: log)
    try Data(scene.text.replacing("eni-1", with: "eni-2").utf8).write(to: log)
    let fourth = try await run()
    #expect(fourth.totals.records == 40)
  }

  @Test func `columns that an option names hold where reading goes on`() async throws {
    try await FlowPlace.with { place in
      let log = place.folder.appendingPathComponent("flows.log")
      func run() async throws -> Flowed {
        try await flows([LogInput(name: log.path, path: log.path)]) {
          $0.state = place.state
          $0.columns = try FlowColumns(fields: "dstaddr srcaddr dstport srcport start bytes")
        }
      }
      let line = { "198.51.100.9 10.0.0.5 443 \(33_000 + $0) \(FlowScene.zero + $0) 900\n" }
      try Data((0..<10).map(line).joined().utf8).write(to: log)
      #expect(try await run().totals.records == 10)
      try Data((0..<14).map(line).joined().utf8).write(to: log)
      let second = try await run()
      #expect(second.totals.records == 4)
      #expect(second.faults == [])
    }
  }

  @Test func `gzip that has grown is read again as a whole, one that broke off is tried again`()
    async throws
  {
    try await FlowPlace.with { place in
      var scene = FlowScene()
      for second in 0..<50 { scene.connect("10.0.0.5", "198.51.100.9", 443, at: second) }
      let lines = scene.text.split(separator: "\n", omittingEmptySubsequences: true)
      let half = try place.gzip(lines.prefix(51).joined(separator: "\n") + "\n")
      let whole = try place.gzip(scene.text)
      let log = place.folder.appendingPathComponent("flows.log.gz")
      func run() async throws -> Flowed {
        try await flows([LogInput(name: log.path, path: log.path)]) { $0.state = place.state }
      }
      try half.write(to: log)
      #expect(try await run().totals.records == 50)
      #expect(try await run().totals.skipped == 1)
      try place.overwrite(log, with: whole)
      let grown = try await run()
      #expect(grown.totals.skipped == 0)
      #expect(grown.totals.records + grown.totals.twice >= 100)
      // What breaks off is no whole log, however often it is looked at.
      try place.overwrite(log, with: whole.dropLast(20))
      for _ in 0..<2 {
        let broken = try await run()
        #expect(broken.faults.map { $0.contains("gzip breaks off") } == [true])
        #expect(broken.totals.skipped == 0)
      }
    }
  }

  @Test func `detectors that are not chosen keep what they have learnt`() async throws {
    try await FlowPlace.with { place in
      var (usual, other, sudden) = (FlowScene(), FlowScene(), FlowScene())
      func send(_ scene: inout FlowScene, _ hour: Int, _ bytes: Int) {
        scene.connect(
          "10.0.0.5",
          "198.51.100.9",
          443,
          at: hour * 3600 + hour * 17,
          sent: (90_000, bytes),
          received: (9000, 400_000)
        )
      }
      for hour in 0..<19 { send(&usual, hour, 30_000_000) }
      other.connect("10.0.0.6", "198.51.100.8", 443, at: 18 * 3600 + 900)
      send(&sudden, 19, 2_000_000_000)
      func run(_ name: String, _ scene: FlowScene, _ detectors: Set<String>?) async throws -> Flowed
      {
        let log = place.folder.appendingPathComponent(name)
        try Data(scene.text.utf8).write(to: log)
        return try await flows([LogInput(name: log.path, path: log.path)]) {
          $0.state = place.state
          if let detectors { $0.detectors = detectors }
        }
      }
      let first = try await run("a.log", usual, nil)
      #expect(first.kinds == [])
      let second = try await run("b.log", other, ["scan"])
      #expect(second.totals.records == 2)
      let third = try await run("c.log", sudden, nil)
      #expect(third.kinds == ["exfiltration"])
    }
  }

  @Test func `what was left out is told by the run that left it out, and by no other`() async throws
  {
    try await FlowPlace.with { place in
      var (first, second) = (FlowScene(), FlowScene())
      first.connect("10.0.0.5", "198.51.100.9", 443, at: 0)
      first.connect("10.0.0.5", "198.51.100.9", 443, at: -40_000_000, received: nil)
      for number in 1...9 { first.connect("10.0.0.5", "198.51.100.9", 443, at: number) }
      second.connect("10.0.0.5", "198.51.100.9", 443, at: 60)
      func run(_ name: String, _ scene: FlowScene) async throws -> Flowed {
        let log = place.folder.appendingPathComponent(name)
        try Data(scene.text.utf8).write(to: log)
        return try await flows([LogInput(name: log.path, path: log.path)]) {
          $0.state = place.state
        }
      }
      let one = try await run("a.log", first)
      let two = try await run("b.log", second)
      #expect(one.totals.outOfTime == 1)
      #expect(two.totals.outOfTime == 0)
    }
  }

  @Test func `a log that was set aside is read on under its new name`() async throws {
    try await FlowPlace.with { place in
      var scene = FlowScene()
      for second in 0..<50 { scene.connect("10.0.0.5", "198.51.100.9", 443, at: second) }
      let log = place.folder.appendingPathComponent("flows.log")
      func run() async throws -> Flowed {
        try await flows(LogNames.flows.at(place.folder.path).inputs) { $0.state = place.state }
      }
      let lines = scene.text.split(separator: "\n").map { $0 + "\n" }
      try Data(lines.prefix(41).joined().utf8).write(to: log)
      #expect(try await run().totals.records == 40)
      // Ten more come before it is set aside, and fifty in the new one.
      try place.overwrite(log, with: Data(lines.prefix(51).joined().utf8))
      let former = place.folder.appendingPathComponent("flows.log.1")
      try FileManager.default.moveItem(at: log, to: former)
      try Data(([lines[0]] + lines.dropFirst(51)).joined().utf8).write(to: log)
      #expect(try await run().totals.records == 60)
      let third = try await run()
      #expect(third.totals.records == 0 && third.totals.skipped == 2)
    }
  }

  @Test func `objects are read once under each version, and again after one that failed`()
    async throws
  {
    try await FlowPlace.with { place in
      var scene = FlowScene()
      for second in 0..<2000 {
        scene.connect("10.0.\(second / 200).5", "198.51.100.9", 443, at: second)
      }
      let text = Array(scene.text.utf8)
      func run(_ objects: [String: HeldObject]) async throws -> Flowed {
        let inputs = objects.map { LogInput(name: "s3://b/\($0.key)", object: $0.value) }
        return try await flows(inputs) { $0.state = place.state }
      }
      let good = HeldObject(text, version: "1")
      let failing = HeldObject(text, version: "2", failsAt: 1)
      let first = try await run(["a": good, "b": failing])
      #expect(first.totals.records + first.totals.twice == 4000)
      #expect(first.faults.map { $0.contains("is gone") } == [true])
      let second = try await run(["a": good, "b": HeldObject(text, version: "2")])
      #expect(second.totals.skipped == 1 && second.totals.records == 4000)
      let third = try await run(["a": HeldObject(text, version: "3"), "b": failing])
      #expect(third.totals.skipped == 1 && third.totals.records == 4000)
      #expect(third.faults == [])
      // Nothing at all is asked for where nothing is in it.
      let empty = try await run(["c": HeldObject([], version: "4", failsAt: 0)])
      #expect(empty.faults == [] && empty.totals.records == 0)
    }
  }

  @Test func `a state that is none, is damaged or cut off is refused`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state")
    var scene = FlowScene()
    scene.connect("10.0.0.5", "198.51.100.9", 443, at: 0)
    _ = try await flows(scene.text) { $0.state = state.path }
    let good = try Data(contentsOf: state)
    var wrong = good
    wrong[wrong.count / 2] ^= 1
    for bytes in [Data("hello".utf8), good.dropLast(9), wrong] {
      try bytes.write(to: state)
      let text = scene.text
      await #expect(throws: LogError.self) {
        _ = try await flows(text) { $0.state = state.path }
      }
    }
  }

  @Test func `a last line that breaks off waits for its rest where another run reads on`()
    async throws
  {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state").path
    let file = folder.appendingPathComponent("log")
    var scene = FlowScene()
    for number in 0..<30 {
      scene.connect("10.0.0.5", "198.51.100.7", 443, at: number, from: 40_000 + number)
    }
    let whole = Array(scene.text.utf8)
    func run(_ bytes: ArraySlice<UInt8>) async throws -> Flowed {
      try Data(bytes).write(to: file)
      return try await flows([LogInput(name: "log", path: file.path)]) { $0.state = state }
    }
    // Forty bytes into a line in the middle.
    let lines = whole.indices.filter { whole[$0] == 0x0A }
    let first = try await run(whole[...(lines[20] + 40)])
    let second = try await run(whole[...])
    #expect(first.faults == [] && second.faults == [])
    #expect(first.totals.records == 20 && second.totals.records == 40)
    // A whole line without its end is read at once.
    let third = try await run(whole + Array(scene.body[0].utf8)[...])
    #expect(third.totals.records + third.totals.twice >= 1 && third.faults == [])
  }

  @Test func `a connection over the end of a run counts once among conversations`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let state = folder.appendingPathComponent("state").path
    var scene = FlowScene()
    for number in 0..<10 {
      scene.connect("10.0.0.5", "198.51.100.7", 443, at: number, from: 40_000 + number)
    }
    // What began beyond any time is left out.
    scene.connect("10.0.0.5", "198.51.100.7", 443, at: 90_000_000_000, from: 50_000)
    var connections = 0
    for (name, part) in [("one", scene.body[..<7]), ("two", scene.body[7...])] {
      let file = folder.appendingPathComponent(name)
      let text = ([FlowScene.header] + part).joined(separator: "\n") + "\n"
      try Data(text.utf8).write(to: file)
      var options = FlowRun.Options(own: try OwnNetworks(OwnNetworks.privateNetworks))
      (options.state, options.tellsConversations) = (state, true)
      nonisolated(unsafe) var told = 0
      let sinks = FlowRun.Sinks(conversations: { logged in
        unsafe told += logged.rows.map(\.flows).reduce(0, +)
      })
      _ = try await FlowRun(options).run({ [LogInput(name: name, path: file.path)] }, to: sinks)
      connections += unsafe told
    }
    #expect(connections == 10)
  }
}

/// A folder for logs and a state beside it.
private struct FlowPlace {
  let folder: URL
  var state: String { folder.path + "-state" }

  static func with(_ body: (FlowPlace) async throws -> Void) async throws {
    let place = FlowPlace(folder: try FlowScene.folder())
    defer {
      try? FileManager.default.removeItem(at: place.folder)
      try? FileManager.default.removeItem(atPath: place.state)
    }
    try await body(place)
  }

  func gzip(_ text: String) throws -> Data {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-gzip-\(UUID().uuidString)")
    try Data(text.utf8).write(to: file)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/gzip")
    process.arguments = ["-n", file.path]
    try process.run()
    process.waitUntilExit()
    defer { try? FileManager.default.removeItem(atPath: file.path + ".gz") }
    return try Data(contentsOf: URL(fileURLWithPath: file.path + ".gz"))
  }

  /// Writes other bytes into the same file.
  func overwrite(_ file: URL, with bytes: Data) throws {
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: bytes)
    try handle.close()
  }
}

/// An object whose bytes are held; from one byte on it may be gone.
private struct HeldObject: LogObject {
  private let bytes: [UInt8]
  let version: String
  private let failsAt: Int64?

  init(_ bytes: [UInt8], version: String, failsAt: Int64? = nil) {
    (self.bytes, self.version, self.failsAt) = (bytes, version, failsAt)
  }

  var size: Int64 { Int64(bytes.count) }

  func bytes(from start: Int64, count: Int) async throws -> [UInt8] {
    if let failsAt, start + Int64(count) > failsAt {
      throw LogError.unreadable("s3://b/x", "is gone")
    }
    return Array(bytes[Int(start)..<(Int(start) + count)])
  }
}
