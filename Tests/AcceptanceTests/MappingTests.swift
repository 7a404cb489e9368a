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

/// What every case needs, read once.
private struct Shelf: Sendable {
  let ruleSet: RuleSet
  let mappings: [TerraformMapping]

  static let shipped = Result {
    Shelf(
      ruleSet: try RuleSet(RuleIndex(ContentLibrary.shipped().rules())),
      mappings: try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
    )
  }
}

/// Each mapping has a case: a plan of one type, the representation that the provider's API gives for
/// it, and the verdicts that follow, all worked out by hand.
struct MappingTests {
  private static let types =
    (try? FileManager.default.contentsOfDirectory(
      atPath: Fixtures.acceptance("mappings").path
    ))?.filter { $0.hasSuffix(".expected.json") }.map { String($0.dropLast(14)) }.sorted() ?? []

  @Test func `there is a case for each of many types`() {
    #expect(Self.types.count >= 105)
  }

  @Test(arguments: types)
  func `a mapping gives what the provider's API would`(type: String) async throws {
    let shelf = try Shelf.shipped.get()
    let expected = try JSONParser().parse(
      Data(contentsOf: Fixtures.acceptance("mappings/\(type).expected.json"))
    )
    let plan = Fixtures.acceptance("mappings/\(type).plan.json").path
    let collector = TerraformCollector(files: [plan], mappings: shelf.mappings)
    try compare(expected["representation"], collector)
    let report = try await Scan(
      collector,
      shelf.ruleSet,
      now: "2026-01-01T00:00:00Z",
      subject: type
    ).run(toolVersion: "test")
    #expect(report.diagnostics.isEmpty)
    for entry in expected["verdicts"]?.array ?? [] {
      let address = entry["address"]?.string ?? ""
      let rule = entry["rule"]?.string ?? ""
      let found = report.results.first { $0.resource.id == address && $0.goal.rule == rule }
      let verdict = entry["verdict"]?.string ?? ""
      #expect(
        found?.verdict.rawValue ?? "none" == verdict,
        "\(address) \(rule): \(found?.reason ?? "no result")"
      )
    }
  }

  private func compare(_ expected: JSONValue?, _ collector: TerraformCollector) throws {
    guard let expected, let address = expected["address"]?.string else { return }
    var emitted: Resource?
    try collector.collect { item in
      if case .resource(let resource) = item, resource.id == address { emitted = resource }
    }
    let resource = try #require(emitted)
    #expect(resource.configuration == expected["configuration"])
    let unread = Set((expected["unread"]?.array ?? []).compactMap(\.string))
    // What stands beside the configuration, such as the region, is not the mapping's.
    let found = resource.unread.map(\.path).filter { !$0.hasPrefix("$resource.") }
    #expect(Set(found) == unread)
  }
}
