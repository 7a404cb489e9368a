import Collectors
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import TestSupport
import Testing
import YAML

/// What ships, read once.
private enum Shipped {
  static let mappings = Result {
    try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
  }
  static let rules = Result { try RuleSet(try RuleIndex(ContentLibrary.shipped().rules())) }
}

private func scan(_ path: String) async throws -> ScanReport {
  let scan = Scan(
    TerraformCollector(files: [path], mappings: try Shipped.mappings.get()),
    try Shipped.rules.get(),
    now: "2026-01-01T00:00:00Z",
    subject: "acceptance"
  )
  return try await scan.run(toolVersion: "test")
}

struct SourceAcceptanceTests {
  @Test func `verdicts and lines of a module worked out by hand come out`() async throws {
    let folder = Fixtures.acceptance("sources/shop")
    let report = try await scan(folder.path)
    #expect(report.diagnostics == [])
    let text = try String(
      contentsOf: Fixtures.acceptance("sources/expected-shop.yaml"),
      encoding: .utf8
    )
    let expected = try YAMLReader().document(text, file: "expected").json.array ?? []
    #expect(expected.count > 20)
    for entry in expected {
      let address = entry["address"]?.string ?? ""
      let rule = entry["rule"]?.string ?? ""
      let found = report.results.first { $0.resource.id == address && $0.goal.rule == rule }
      #expect(
        found?.verdict.rawValue == entry["verdict"]?.string,
        "\(address) \(rule): \(found?.reason ?? "no result") (\(entry["why"]?.string ?? ""))"
      )
      if let line = entry["line"]?.whole {
        let place = "\(entry["file"]?.string ?? ""):\(line)"
        let own = "\(found?.resource.file ?? ""):\(found?.resource.line ?? 0)"
        #expect(own.hasSuffix("shop/" + place), "\(address) \(rule): \(own), not \(place)")
      }
    }
    let lines = report.results.map { $0.json.text }.joined()
    #expect(!lines.contains("\"places\""))
  }

  @Test func `the security group beside the package is judged by its source`() async throws {
    let file = Fixtures.shared.appendingPathComponent("data/security-group.tf")
    guard FileManager.default.fileExists(atPath: file.path) else { return }
    let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
    let open = lines.indices.filter { lines[$0].contains("0.0.0.0/0") }.map { $0 + 1 }
    try #require(open.count == 3)
    let mappings = try Shipped.mappings.get()
    var resources: [Resource] = []
    try TerraformCollector(files: [file.path], mappings: mappings).collect { item in
      if case .resource(let resource) = item { resources.append(resource) }
    }
    let group = try #require(resources.first)
    let ingress = group.configuration["IpPermissions"]?.array ?? []
    #expect(ingress.map { $0["FromPort"] } == [80, 443])
    #expect(ingress.allSatisfy { $0["IpRanges"] == [["CidrIp": "0.0.0.0/0"]] })
    let egress = group.configuration["IpPermissionsEgress"]?.array ?? []
    #expect(egress.map { $0["IpProtocol"] } == ["-1"])
    #expect(group.tags.map { "\($0.key)=\($0.value)" } == ["Name=web_security_group"])
    let report = try await scan(file.path)
    func result(_ rule: String) -> ResultRecord? {
      report.results.first { $0.goal.rule == rule }
    }
    let inside = result("aws.ec2.sg-internet-ingress-allowed-ports")
    #expect(inside?.verdict == .fail)
    #expect(inside?.resource.line == open[0])
    let outside = result("aws.ec2.sg-egress-restricted")
    #expect(outside?.verdict == .fail)
    #expect(outside?.resource.line == open[2])
    #expect(result("aws.ec2.sg-no-ssh-from-internet")?.verdict == .pass)
  }

  @Test(arguments: [
    "terraform/web-platform.json", "terraform/data-lake.json", "terraform/ibm-and-azure.json",
    "cloudformation/parity-plan.json",
  ])
  func `sources and the plan that they make agree`(file: String) async throws {
    let comparison = try await Comparison(Fixtures.acceptance(file))
    #expect(comparison.opposite == [])
    // What a source cannot know is unknown.
    let share = Double(comparison.unknown.count) / Double(comparison.count)
    #expect(
      share < 0.2,
      "\(comparison.unknown.count) of \(comparison.count)\n\(comparison.unknown.joined(separator: "\n"))"
    )
  }

  @Test func `sources never say the opposite of any mapping's plan`() async throws {
    let folder = Fixtures.acceptance("mappings")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    var compared = 0
    for name in names.sorted() where name.hasSuffix(".plan.json") {
      let comparison = try await Comparison(folder.appendingPathComponent(name))
      #expect(comparison.opposite == [], "\(name)")
      compared += comparison.count
    }
    #expect(compared > 100)
  }
}

/// The verdicts of a plan beside those of the sources that its configuration tells of.
private struct Comparison {
  var count = 0
  /// Results that the plan decides and the sources do not.
  var unknown: [String] = []
  /// Results that contradict each other.
  var opposite: [String] = []

  init(_ file: URL) async throws {
    let plan = try JSONParser().parse(Data(contentsOf: file))
    let writer = PlanSourceWriter(plan)
    if writer.text.isEmpty { return }
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try Data(writer.text.utf8).write(to: folder.appendingPathComponent("main.tf"))
    let theirs = try await scan(file.path)
    let ours = try await scan(folder.path)
    opposite = ours.diagnostics.map { "\($0)" }
    var verdicts: [String: ResultRecord] = [:]
    for result in ours.results { verdicts["\(result.resource.id) \(result.goal.rule)"] = result }
    for result in theirs.results {
      guard let name = writer.names[result.resource.id] else { continue }
      count += 1
      let key = "\(name) \(result.goal.rule)"
      guard let own = verdicts[key] else {
        opposite.append("\(key): no result")
        continue
      }
      let pair =
        "\(key): \(result.verdict) in the plan (\(result.reason)), \(own.verdict) (\(own.reason))"
      if own.verdict == .unknown, result.verdict != .unknown {
        unknown.append(pair)
      } else if own.verdict != result.verdict {
        opposite.append(pair)
      }
    }
  }
}

/// Writes sources from what a plan holds of its configuration: what is written there, with the values
/// that the plan gives it, and references where it gives none.
struct PlanSourceWriter {
  private(set) var text = ""
  /// The address in the sources by the address in the plan.
  private(set) var names: [String: String] = [:]
  private var places: [String: [(index: JSONValue?, name: String)]] = [:]

  init(_ plan: JSONValue) {
    var blocks: [String: JSONValue] = [:]
    for block in plan["configuration"]?["root_module"]?["resources"]?.array ?? [] {
      blocks["\(block["type"]?.string ?? "").\(block["name"]?.string ?? "")"] = block
    }
    let changes = (plan["resource_changes"]?.array ?? []).filter { change in
      change["mode"] == "managed" && change["module_address"] == nil
        && change["change"]?["actions"] == ["create"]
    }
    for (number, change) in changes.enumerated() {
      let type = change["type"]?.string ?? ""
      let key = "\(type).\(change["name"]?.string ?? "")"
      places[key, default: []].append((change["index"], "\(type).r\(number)"))
    }
    for (number, change) in changes.enumerated() {
      let type = change["type"]?.string ?? ""
      guard let block = blocks["\(type).\(change["name"]?.string ?? "")"] else { continue }
      names[change["address"]?.string ?? ""] = "\(type).r\(number)"
      text += "resource \"\(type)\" \"r\(number)\" {\n"
      write(
        block["expressions"] ?? .null,
        change["change"]?["after"] ?? .null,
        change["change"]?["after_unknown"],
        change["change"]?["after_sensitive"],
        index: change["index"]
      )
      text += "}\n"
    }
  }

  private mutating func write(
    _ expressions: JSONValue,
    _ value: JSONValue,
    _ unknown: JSONValue?,
    _ sensitive: JSONValue?,
    index: JSONValue?
  ) {
    for (name, expression) in expressions.object?.members ?? [] {
      let own = value[name] ?? .null
      if case .array(let blocks) = expression, own.array != nil || own.isNull {
        for (place, block) in blocks.enumerated() {
          text += "\(name) {\n"
          write(
            block,
            own.array.flatMap { $0.indices.contains(place) ? $0[place] : nil } ?? .null,
            unknown?[name]?.array.flatMap { $0.indices.contains(place) ? $0[place] : nil }
              ?? (unknown?[name]?.bool == true ? true : nil),
            sensitive?[name]?.array.flatMap { $0.indices.contains(place) ? $0[place] : nil },
            index: index
          )
          text += "}\n"
        }
        continue
      }
      let isUnknown = unknown?.bool == true || (unknown?[name]).map(Self.isUnknown) == true
      if isUnknown {
        text += "\(name) = \(reference(expression, index))\n"
      } else {
        text += "\(name) = \(Self.literal(own, sensitive?[name]))\n"
      }
    }
  }

  private static func isUnknown(_ mark: JSONValue) -> Bool {
    switch mark {
    case .bool(let flag): flag
    case .array(let marks): marks.contains(where: isUnknown)
    case .object(let object): object.members.contains { isUnknown($0.value) }
    default: false
    }
  }

  /// What an expression that is not known refers to.
  private func reference(_ expression: JSONValue, _ index: JSONValue?) -> String {
    let texts = expression["references"]?.array?.compactMap(\.string) ?? []
    for text in texts {
      let steps = text.split(separator: ".")
      guard steps.count > 2 else { continue }
      let name = steps[1].prefix { $0 != "[" }
      guard let found = places["\(steps[0]).\(name)"] else { continue }
      let key = steps[1].dropFirst(name.count).dropFirst().dropLast()
      let written = try? JSONValue(parsing: String(key))
      let match =
        found.count == 1
        ? found[0] : found.first { $0.index == written } ?? found.first { $0.index == index }
      if let match { return "\(match.name).\(steps[2].prefix { $0 != "[" })" }
    }
    return "timestamp()"
  }

  private static func literal(_ value: JSONValue, _ sensitive: JSONValue?) -> String {
    if sensitive?.bool == true { return "sensitive(\"x\")" }
    switch value {
    case .array(let elements):
      let marks = sensitive?.array ?? []
      let texts = elements.enumerated().map { place, element in
        literal(element, marks.indices.contains(place) ? marks[place] : nil)
      }
      return "[\(texts.joined(separator: ", "))]"
    case .object(let object):
      let texts = object.members.map { key, member in
        "\(literal(.string(key), nil)) = \(literal(member, sensitive?[key]))"
      }
      return "{\(texts.joined(separator: ", "))}"
    case .string: return value.text.replacing("${", with: "$${").replacing("%{", with: "%%{")
    default: return value.text
    }
  }
}
