import Collectors
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing
import YAML

@testable import Web

/// Configurations whose verdict a person read out of the rules' meaning, through every gate.
struct HandCheckedTests {
  /// A line of the file.
  private struct Line {
    var rule: String
    var verdict: Verdict
    var because: String
    var resource: Resource
    /// What a cluster is asked to take; nil for another provider.
    var object: JSONValue?
  }

  /// What came of a rule and a resource, by both.
  private typealias Verdicts = [String: Verdict]

  private static func key(_ rule: String, _ resource: String) -> String { "\(rule) \(resource)" }

  private static func lines() throws -> [Line] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("hand-checked.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let written = try YAMLReader().document(text, file: file.lastPathComponent).json.array ?? []
    return try written.enumerated().map { index, value in
      let rule = try #require(value["rule"]?.string)
      let configuration = try #require(value["configuration"])
      let verdict = try #require(value["verdict"]?.string.flatMap { Verdict(rawValue: $0) })
      let because = try #require(value["because"]?.string)
      let kind = try #require(value["kind"]?.string).split(separator: "/").map(String.init)
      if rule.hasPrefix("k8s.") {
        let object = named(configuration, "case-\(index)")
        let parts = KubernetesRequest.parts(of: object, cluster: "a").parts
        let resource = try #require(
          parts.first { "\($0.resource.kind)" == "\(kind[0])/\(kind[1])" }
        )
        return Line(
          rule: rule,
          verdict: verdict,
          because: because,
          resource: resource.resource,
          object: object
        )
      }
      let resource = Resource(
        provider: value["provider"]?.string ?? String(rule.prefix { $0 != "." }),
        account: "a",
        kind: ResourceKind(service: kind[0], kind: kind[1]),
        id: "case-\(index)",
        configuration: configuration,
        unread: (value["unread"]?.object?.members ?? []).map {
          (path: $0.key, reason: $0.value.string ?? "")
        }
      )
      return Line(rule: rule, verdict: verdict, because: because, resource: resource)
    }
  }

  /// An object with a name of its own, unless its name matters to a rule.
  private static func named(_ object: JSONValue, _ name: String) -> JSONValue {
    guard object["metadata"]?["name"] == "a", var metadata = object["metadata"]?.object,
      var whole = object.object
    else { return object }
    metadata["name"] = .string(name)
    whole["metadata"] = .object(metadata)
    return .object(whole)
  }

  private static func verdicts(_ decisions: [Decision]) -> Verdicts {
    var found: Verdicts = [:]
    for decision in decisions {
      let id = decision.resource.id
      for ruling in decision.rulings { found[key(ruling.rule.id, id)] = ruling.verdict }
      for rule in decision.quiet.rules(QuietRules.passed) { found[key(rule, id)] = .pass }
      for rule in decision.quiet.rules(QuietRules.notApplicable) {
        found[key(rule, id)] = .notApplicable
      }
    }
    return found
  }

  private static func verdicts(_ logged: [LoggedDecision]) -> Verdicts {
    var found: Verdicts = [:]
    for decision in logged {
      for ruling in decision.rulings { found[key(ruling.rule, decision.place.id)] = ruling.verdict }
    }
    return found
  }

  private static func check(_ lines: [Line], _ found: Verdicts, _ gate: String) {
    for line in lines {
      #expect(
        found[key(line.rule, line.resource.id)] == line.verdict,
        "\(gate): \(line.rule), \(line.because): \(line.resource.configuration.text)"
      )
    }
  }

  @Test func `every gate gives the verdict that a person reads out of the rule`() async throws {
    let lines = try Self.lines()
    #expect(lines.count >= 200)
    let names = Set(lines.map(\.rule))
    let folder = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/Content")
    let rules = try ContentLibrary(folder: folder).rules().filter { names.contains($0.id) }
    #expect(Set(rules.map(\.id)) == names)
    let content = ServedContent(
      rules: rules,
      profiles: [],
      stamp: ContentStamp(version: "test", digest: "0")
    )
    try await TestServer.with(content: content) { server in
      let person = try await server.person("cluster", .viewer)
      let caller = try await server.key(of: person, .viewer)
      let key = try #require(caller.secret)
      try await server.change { transaction in
        for rule in rules {
          _ = try transaction.lay(Guardrail(.rule(rule.id), enforcement: .disallow))
        }
      }
      let now = server.clock.now
      // A scan.
      let resources = lines.map(\.resource)
      let judge = Judge(try RuleSet(try RuleIndex(rules)), JudgeOptions(now: "\(now)"))
      let first = judge.judge(resources.map(\.inventoryLine))
      // What related resources may decide is judged last, when all were seen.
      let last = judge.judge(first.deferred, population: Population())
      var scanned: Verdicts = [:]
      for line in (first.lines + last.lines).split(separator: 0x0A) {
        let record = try #require(ResultRecord(try JSONParser().parse(line)))
        scanned[Self.key(record.goal.rule, record.resource.id)] = record.verdict
      }
      Self.check(lines, scanned, "scan")
      // A gate over many resources together.
      let set = try await server.store.read {
        try GuardrailSet($0, rules: rules, profiles: [], at: now)
      }
      let gate = try await Gate(set, exceptions: []).decisions(
        of: resources.map { .resource($0) },
        at: now,
        account: "",
        subject: "hand-checked",
        toolVersion: "test"
      )
      Self.check(lines, Self.verdicts(gate.decisions), "gate")
      // The decision API, whose log has the verdict of every rule.
      let asked = try await server.send(
        "POST",
        "/api/v1/decisions",
        as: caller,
        ["resources": .array(resources.map(\.inventoryLine))]
      )
      #expect(asked.status == 200, "\(asked.text.prefix(300))")
      let decisions = try #require(asked.json["decisions"]?.array)
      #expect(decisions.count == lines.count)
      for (line, decision) in zip(lines, decisions) {
        let ruling = decision["rulings"]?.array?.first { $0["rule"]?.string == line.rule }
        let isHeld = [.fail, .unknown].contains(line.verdict)
        #expect((ruling != nil) == isHeld, "api: \(line.rule), \(line.because)")
        if isHeld { #expect(ruling?["verdict"]?.string == line.verdict.rawValue) }
      }
      func logged(_ gate: String) async throws -> [LoggedDecision] {
        _ = try await server.send("GET", "/api/v1/decisions?limit=1", as: caller)
        var filter = DecisionFilter()
        filter.gate = gate
        let wanted = filter
        return try await server.store.read { try $0.decisions(wanted, limit: 1000) }
      }
      Self.check(lines, Self.verdicts(try await logged("api")), "decision API")
      // A cluster that asks whether it may take an object.
      let objects = lines.filter { $0.object != nil }
      #expect(objects.count >= 40)
      for line in objects {
        let answer = try await server.send(
          "POST",
          "/admission/a/\(GateKey.admission.derived(from: key))/validate?timeout=30s",
          AdmissionTests.review(line.object ?? .null, "CREATE")
        )
        let causes = answer.json["response"]?["status"]?["details"]?["causes"]?.array ?? []
        let isRefused = causes.contains { $0["reason"]?.string == line.rule }
        #expect(isRefused == (line.verdict == .fail), "admission: \(line.rule), \(line.because)")
      }
      Self.check(objects, Self.verdicts(try await logged("kubernetes")), "admission")
    }
  }
}
