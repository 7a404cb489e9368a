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
}
