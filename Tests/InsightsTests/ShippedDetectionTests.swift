import Content
import Foundation
import Insights
import JSON
import Model
import Testing

/// What is shipped, read once.
enum Shipped {
  static let content = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/Content")

  private static let read = Result {
    try ContentLibrary(folder: content).logSources().map { try LogSource($0) }
  }

  static func sources() throws -> [LogSource] { try read.get() }

  static func documents() throws -> [SigmaDocument] {
    try ContentLibrary(folder: content).detections().map { try SigmaReader().document($0) }
  }

  static func set() throws -> DetectionSet { try DetectionSet(documents(), for: sources()) }
}

struct ShippedDetectionTests {
  @Test func `every case of a detection comes out as it says`() throws {
    let set = try Shipped.set()
    let sources = try Shipped.sources()
    var count = 0
    let folder = Shipped.content.appendingPathComponent("detections").path
    for node in try ContentLibrary.detectionCases(under: folder) {
      let (detection, cases) = try DetectionCase.read(node)
      for example in cases {
        count += 1
        let found = DetectionRun.found(in: example, set, sources)
        #expect(
          found.contains(detection) == example.matches,
          "\(example.location): \(detection): \(example.name)"
        )
        #expect(!found.contains("unread"), "\(example.location): a record is not recognised")
      }
    }
    #expect(count > 300)
  }

  @Test func `every detection has a case that matches and one that does not`() throws {
    let set = try Shipped.set()
    let folder = Shipped.content.appendingPathComponent("detections").path
    var covered: [String: Set<Bool>] = [:]
    for node in try ContentLibrary.detectionCases(under: folder) {
      let (detection, cases) = try DetectionCase.read(node)
      covered[detection, default: []].formUnion(cases.map(\.matches))
    }
    let reported =
      zip(set.rules.map(\.facts), set.isReported).filter(\.1).map(\.0)
      + zip(set.correlations.map(\.facts), set.isCorrelationReported).filter(\.1).map(\.0)
    #expect(reported.count >= 80)
    for facts in reported {
      let name = try #require(facts.name, "\(facts.source)")
      #expect(covered[name] == [true, false], "\(facts.source): \(name)")
    }
    let names = Set(reported.compactMap(\.name))
    for name in covered.keys { #expect(names.contains(name), "cases of nothing: \(name)") }
  }

  @Test func `every detection is for a log source that is known`() throws {
    #expect(try Shipped.set().unread.isEmpty)
  }

  @Test func `an overlay adds detections and replaces those of the same id`() throws {
    let shipped = ContentLibrary(folder: Shipped.content)
    let before = try shipped.detections()
    let id = try #require(before.first?.json["id"]?.string)
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-overlay-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let inner = folder.appendingPathComponent("detections")
    try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
    let text = "title: Mine\nid: \(id)\n---\ntitle: More\nid: more\n"
    try Data(text.utf8).write(to: inner.appendingPathComponent("own.yaml"))
    let after = try shipped.with(overlays: [folder.path]).detections()
    #expect(after.count == before.count + 1)
    #expect(after.filter { $0.json["id"]?.string == id }.map { $0.json["title"] } == ["Mine"])
  }
}
