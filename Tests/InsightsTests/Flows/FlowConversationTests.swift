import Foundation
import Insights
import JSON
import Model
import Testing

/// What a run tells of conversations to whoever keeps them.
struct FlowConversationTests {
  /// Runs over a log in a file, and returns what it told.
  private func told(
    _ text: String,
    counted: [LogMark] = [],
    name: String = "a.log",
    in folder: URL,
    _ change: (inout FlowRun.Options) throws -> Void = { _ in }
  ) async throws -> [LoggedConversations] {
    let file = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: file)
    var options = FlowRun.Options(own: try OwnNetworks(OwnNetworks.privateNetworks))
    options.tellsConversations = true
    options.counted = Dictionary(grouping: counted, by: \.log)
    try change(&options)
    // Filled by one task after another, in this one.
    nonisolated(unsafe) var told: [LoggedConversations] = []
    _ = try await FlowRun(options).run(
      { [LogInput(name: name, path: file.path)] },
      to: FlowRun.Sinks(conversations: { unsafe told.append($0) })
    )
    return unsafe told
  }

  private func scene(_ seconds: Range<Int>) -> FlowScene {
    var scene = FlowScene()
    for second in seconds {
      scene.connect("10.0.0.5", "192.0.2.1", 443, at: second * 600, from: 40_000 + second)
    }
    return scene
  }

  @Test func `a log is told of once it is read, by day and account`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    // Ten minutes apart, over two days.
    let found = try await told(scene(0..<200).text, in: folder)
    #expect(found.count == 1)
    let rows = found[0].rows.sorted { $0.day < $1.day }
    #expect(rows.map(\.day.day) == ["2026-01-01", "2026-01-02"])
    #expect(rows.map(\.flows) == [144, 56])
    #expect(rows.map(\.sent) == [144 * 900, 56 * 900])
    #expect(rows.allSatisfy { $0.account == "123456789012" && $0.isOutbound && $0.port == 443 })
    #expect(found[0].mark.log == folder.appendingPathComponent("a.log").path)
    #expect(found[0].mark.bytes == scene(0..<200).text.utf8.count)
    #expect(found[0].former == nil)
  }

  @Test func `what an earlier run counted of a log that has grown is left out`() async throws {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let first = try await told(scene(0..<30).text, in: folder)
    let grown = scene(0..<30).text + scene(30..<50).body.joined(separator: "\n") + "\n"
    let rest = try await told(grown, counted: first.map(\.mark), in: folder)
    #expect(rest.flatMap(\.rows).map(\.flows) == [20])
    let none = try await told(grown, counted: (first + rest).map(\.mark), in: folder)
    #expect(none.map(\.rows.count) == [0])
    // Another log of the same length, where the first was, is counted from its beginning.
    let other = scene(0..<30).text.replacing("192.0.2.1", with: "192.0.2.9")
    let whole = try await told(other, counted: first.map(\.mark), in: folder)
    #expect(whole.flatMap(\.rows).map(\.flows) == [30])
    // A run that reads on by its state and has lost none.
    let state = folder.appendingPathComponent("state").path
    _ = try await told(scene(0..<30).text, name: "b.log", in: folder) { $0.state = state }
    let on = try await told(grown, name: "b.log", in: folder) { $0.state = state }
    #expect(on.flatMap(\.rows).map(\.flows) == [20])
    #expect(on.map(\.mark.digest) == rest.map(\.mark.digest))
  }

  @Test func `of many conversations of a day the largest are told, and the sum of the others`()
    async throws
  {
    let folder = try FlowScene.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var scene = FlowScene()
    for number in 0..<1500 {
      scene.connect(
        "10.0.0.5",
        "198.18.\(number / 250).\(number % 250)",
        443,
        at: number,
        sent: (8, 1000 + number),
        received: nil
      )
    }
    // Delivered twice, as a log's last lines may be.
    scene.reorder { $0 += $0.suffix(40) }
    let rows = try await told(scene.text, in: folder).flatMap(\.rows)
    let single = rows.filter { $0.others == 0 }
    #expect(single.count == FlowConversations.dayLimit)
    #expect(single.map(\.sent).min() == 1500)
    let others = try #require(rows.first { $0.others > 0 })
    #expect(others.others == 500)
    #expect(others.external == "" && others.own == "")
    let sent = rows.map(\.sent).reduce(0, +)
    #expect(sent == 1500 * 1000 + 1499 * 1500 / 2)
  }
}
