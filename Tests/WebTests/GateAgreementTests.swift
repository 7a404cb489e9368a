import Collectors
import Engine
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

@testable import Web

/// Over HTTP the verdicts are those of a scan too: at the decision API, in Open Policy Agent's form, and at
/// admission.
struct WebGateAgreementTests {
  /// The rules that fail and that are unknown, by resource.
  private struct Told: Equatable {
    var failed: [String: Set<String>] = [:]
    var unknown: [String: Set<String>] = [:]

    mutating func note(_ rule: String, _ resource: String, _ verdict: Verdict) {
      if verdict == .fail { failed[resource, default: []].insert(rule) }
      if verdict == .unknown { unknown[resource, default: []].insert(rule) }
    }
  }

  private static func rules(_ generator: inout RuleGenerator) -> [Rule] {
    (0..<20).map { generator.rule(id: "rule-\($0)") }.filter {
      // Related resources are not there for a single decision, which is then unknown.
      !$0.requiredConfig.grammar.text.contains("service_name")
        && !($0.applies?.grammar.text.contains("service_name") ?? false)
    }
  }

  private static func scan(_ rules: [Rule], _ resources: [Resource], at now: Instant) throws -> Told
  {
    let scan = Judge(try RuleSet(try RuleIndex(rules)), JudgeOptions(now: "\(now)"))
      .judge(resources.map(\.inventoryLine))
    var told = Told()
    for line in scan.lines.split(separator: 0x0A) {
      guard let record = ResultRecord(try JSONParser().parse(line)) else { continue }
      told.note(record.goal.rule, record.resource.id, record.verdict)
    }
    return told
  }

  @Test(arguments: 0..<10)
  func `generated configurations get the verdicts of a scan over HTTP and at admission`(
    seed: Int
  ) async throws {
    var generator = RuleGenerator(seed: UInt64(seed + 9_000))
    let rules = Self.rules(&generator)
    let content = ServedContent(
      rules: rules,
      profiles: [],
      stamp: ContentStamp(version: "test", digest: "0")
    )
    let resources = (0..<210).map { generator.resource(id: "resource-\($0)") }
    // The same configurations as objects of a cluster, where everything is read.
    let objects: [JSONValue] = resources.map { resource in
      var object = resource.configuration.object ?? [:]
      object["apiVersion"] = .string("\(resource.kind.service)/v1")
      object["kind"] = .string(resource.kind.kind)
      object["metadata"] = ["name": .string(resource.id), "namespace": "a"]
      return .object(object)
    }
    let parts = objects.flatMap { KubernetesRequest.parts(of: $0, cluster: "a").parts }
    #expect(parts.count == objects.count)
    try await TestServer.with(content: content) { server in
      let person = try await server.person("cluster", .viewer)
      let caller = try await server.key(of: person, .viewer)
      let key = try #require(caller.secret)
      try await server.change { transaction in
        for rule in rules {
          _ = try transaction.lay(Guardrail(.rule(rule.id), enforcement: .disallow))
        }
      }
      let expected = try Self.scan(rules, resources, at: server.clock.now)
      #expect(!expected.failed.isEmpty && !expected.unknown.isEmpty)
      try await Self.ask(resources, server, caller, expected, seed: seed)
      let admitted = try Self.scan(rules, parts.map(\.resource), at: server.clock.now)
      var told = Told()
      for (object, part) in zip(objects, parts) {
        let answer = try await server.send(
          "POST",
          "/admission/a/\(GateKey.admission.derived(from: key))/validate",
          AdmissionTests.review(object, "CREATE")
        )
        let response = answer.json["response"] ?? .null
        let causes = response["status"]?["details"]?["causes"]?.array ?? []
        let failed = Set(causes.compactMap { $0["reason"]?.string })
        let all = response["auditAnnotations"]?["rules"]?.string?.split(separator: ",") ?? []
        for rule in failed { told.note(rule, part.resource.id, .fail) }
        for rule in Set(all.map(String.init)).subtracting(failed) {
          told.note(rule, part.resource.id, .unknown)
        }
        #expect(response["allowed"] == .bool(failed.isEmpty), "\(answer.text)")
      }
      #expect(told == admitted, "admission, seed \(seed)")
    }
  }

  private static func ask(
    _ resources: [Resource],
    _ server: TestServer,
    _ caller: Caller,
    _ expected: Told,
    seed: Int
  ) async throws {
    let lines = JSONValue.array(resources.map(\.inventoryLine))
    let api = try await server.send("POST", "/api/v1/decisions", as: caller, ["resources": lines])
    let opa = try await server.send(
      "POST",
      "/v1/data/plumbline/decision",
      as: caller,
      ["input": ["resources": lines]]
    )
    for (name, decisions) in [("api", api.json["decisions"]), ("opa", opa.json["result"])] {
      var told = Told()
      for decision in decisions?.array ?? [] {
        for ruling in decision["rulings"]?.array ?? [] {
          guard let verdict = ruling["verdict"]?.string.flatMap({ Verdict(rawValue: $0) }) else {
            continue
          }
          let resource = decision["resource"]?["id"]?.string ?? ""
          told.note(ruling["rule"]?.string ?? "", resource, verdict)
        }
      }
      #expect(told == expected, "\(name), seed \(seed)")
    }
  }
}
