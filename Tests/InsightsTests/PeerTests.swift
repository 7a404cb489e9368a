import Content
import Foundation
import Insights
import JSON
import Model
import TestSupport
import Testing

/// Data that stands beside the package, and others' tools, where they are.
enum Beside {
  static let data = Fixtures.shared.appendingPathComponent("data/insights")

  /// Where `script/prepare --tests` puts pySigma.
  static let python = Fixtures.root.appendingPathComponent(".build/tools/bin/python").path

  /// SigmaHQ's cloud rules, unpacked into a folder that the caller removes.
  static func rules() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-sigma-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let archive = data.appendingPathComponent("sigma-cloud-rules/rules.tar.xz")
    _ = try run("/bin/tar", ["xf", archive.path, "-C", folder.path])
    return folder
  }

  static func run(_ program: String, _ arguments: [String]) throws -> Data {
    let process = Process()
    let output = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-out-\(UUID().uuidString)")
    try Data().write(to: output)
    defer { try? FileManager.default.removeItem(at: output) }
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = try FileHandle(forWritingTo: output)
    try process.start()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments)")
    return try Data(contentsOf: output)
  }
}

struct PeerTests {
  @Test
  func `SigmaHQ's rules for clouds and clusters load unchanged`() throws {
    let folder = try Beside.rules()
    defer { try? FileManager.default.removeItem(at: folder) }
    var count = 0
    for part in ["cloud", "application/kubernetes", "identity", "network"] {
      let path = folder.appendingPathComponent("rules/\(part)").path
      let documents = try ContentLibrary.detections(under: path).map {
        try SigmaReader().document($0)
      }
      count += documents.count
      let set = try DetectionSet(documents, for: Shipped.sources())
      if part == "cloud" || part.hasPrefix("app") { #expect(set.unread.isEmpty) }
    }
    #expect(count == 318)
  }

  @Test(arguments: ["cloud/aws", "application/kubernetes"])
  func `matching equals pySigma's conversion to SQLite, rule by rule`(_ part: String) async throws {
    let folder = try Beside.rules()
    defer { try? FileManager.default.removeItem(at: folder) }
    let rules = folder.appendingPathComponent("rules/\(part)").path
    let sources = try Shipped.sources()
    let isAWS = part.hasSuffix("aws")
    let source = try #require(
      sources.first { $0.id == (isAWS ? "aws.cloudtrail" : "kubernetes.audit") }
    )
    let log = try isAWS ? cloudTrail() : cluster()
    let events = folder.appendingPathComponent("events.ndjson")
    try log.write(to: events)
    let names = JSONValue.object(
      JSONObject(source.fields.map { (key: $0.key, value: .string($0.value[0])) })
    )
    let answer = try Beside.run(
      Beside.python,
      [
        Fixtures.root.appendingPathComponent("Tests/InsightsTests/pysigma.py").path, rules,
        events.path, names.text,
      ]
    )
    let expected = try #require(try JSONParser().parse(answer).object)
    let yaml = try ContentLibrary.detections(under: rules).map { try SigmaReader().document($0) }
    let set = try DetectionSet(yaml, for: [source])
    nonisolated(unsafe) var found: [String: Set<Int>] = [:]
    var options = DetectionRun.Options()
    options.logSource = source.id
    _ = try await DetectionRun(set, options).run(
      [LogInput(name: "log", path: events.path)],
      to: DetectionRun.Sinks(finding: { finding in
        unsafe found[finding.note.id, default: []].insert(finding.evidence.events[0].position)
      })
    )
    var compared = 0
    var hits = 0
    for (id, positions) in expected.members {
      // pySigma refuses rules with keywords.
      guard let positions = positions.array else { continue }
      compared += 1
      hits += positions.count
      let ours = unsafe found[id] ?? []
      #expect(ours == Set(positions.compactMap(\.whole)), "\(id)")
    }
    #expect(compared >= (isAWS ? 57 : 15))
    #expect(hits > (isAWS ? 150 : 20))
  }

  private func cloudTrail() throws -> Data {
    var lines: [String] = []
    let data = Beside.data
    let folder = data.appendingPathComponent("cloudtrail-attacks")
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    where file.hasSuffix(".json") {
      let value = try JSONParser().parse(Data(contentsOf: folder.appendingPathComponent(file)))
      lines += (value.array ?? []).map(\.text)
    }
    lines += try unitTests("AWS.CloudTrail").filter {
      $0["eventName"] != nil && $0["eventSource"] != nil
    }
    .map(\.text)
    return Data(lines.joined(separator: "\n").utf8)
  }

  private func cluster() throws -> Data {
    Data(
      try unitTests("Amazon.EKS.Audit").filter { $0["kind"] != nil }.map(\.text).joined(
        separator: "\n"
      ).utf8
    )
  }

  private func unitTests(_ name: String) throws -> [JSONValue] {
    let file = Beside.data.appendingPathComponent(
      "detection-unit-tests/\(name).jsonl"
    )
    return try Data(contentsOf: file).split(separator: 0x0A).compactMap {
      try JSONParser().parse($0)["event"]
    }
  }
}
