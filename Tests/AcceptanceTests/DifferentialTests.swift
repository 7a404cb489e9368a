import Collectors
import Content
import Engine
import Foundation
import HTTP
import JSON
import Model
import Operations
import TestSupport
import Testing

/// The same rule gives the same verdict for the Terraform plan of a resource and for the live one.
///
/// Tests/Acceptance/differential writes each configuration as a plan and makes it in moto; what
/// moto lacks, and where it is not as AWS, stands there with the reason.
@Suite(.enabled(if: MotoServer.isExpected))
struct DifferentialTests {
  @Test func `a plan is judged as what it makes`() async throws {
    let outcome = try await MotoServer.with { server in
      let folder = try Fixtures.temporaryFolder()
      defer { Fixtures.remove(folder) }
      let pairs = try Pairs(server, folder)
      var outcome = Outcome()
      for account in pairs.accounts {
        let judge = try AccountJudge(account, pairs)
        let planned = try await judge.planned(folder)
        let live = try await judge.live(server)
        try await judge.compare(planned, live, into: &outcome)
      }
      try outcome.close(pairs)
      return outcome
    }
    print("plan and live: \(outcome.figures)")
    for fault in outcome.faults.prefix(60) { Issue.record("\(fault)") }
    #expect(outcome.faults.count == 0)
    #expect(outcome.kinds.count >= 40)
    #expect(outcome.configurations >= 300)
    #expect(outcome.equal >= 1000)
  }
}

/// What `pairs.py` made and wrote.
private struct Pairs {
  let accounts: [JSONValue]
  /// The kind that each Terraform type is mapped to.
  let kinds: [String: ResourceKind]
  /// Mapped types that no plan has, with the reason.
  let leftOut: Set<String>
  /// Kinds that moto cannot list.
  let unreadable: Set<ResourceKind>
  /// Why a plan may leave a verdict open.
  let open: [String]

  init(_ server: MotoServer, _ folder: URL) throws {
    let run = try CommandRun(
      Fixtures.root.appendingPathComponent(".build/moto/bin/python"),
      [
        Fixtures.acceptance("differential/pairs.py").path,
        "--endpoint", server.endpoint, "--output", folder.path,
      ],
      environment: server.environment.merging(["PYTHONDONTWRITEBYTECODE": "1"]) { $1 }
    )
    try #require(run.exitCode == 0, "\(run.errors.suffix(2000))")
    let file = folder.appendingPathComponent("pairs.json")
    let told = try JSONParser().parse(Data(contentsOf: file))
    func members(_ key: String) -> [(key: String, value: JSONValue)] {
      told[key]?.object?.members.map { ($0.key, $0.value) } ?? []
    }
    accounts = told["accounts"]?.array ?? []
    kinds = Dictionary(
      members("kinds").map { ($0.key, Self.kind($0.value.string ?? "")) },
      uniquingKeysWith: { $1 }
    )
    leftOut = Set(members("left_out").map(\.key))
    unreadable = Set(members("unreadable").map { Self.kind($0.key) })
    open = told["open"]?.array?.compactMap(\.string) ?? []
  }

  /// A kind written as `service/kind`.
  static func kind(_ text: String) -> ResourceKind {
    let parts = text.split(separator: "/", maxSplits: 1)
    return ResourceKind(service: String(parts[0]), kind: String(parts.last ?? ""))
  }

  /// Why a verdict is unknown may stand in a plan.
  func allows(_ reason: String) -> Bool {
    reason.components(separatedBy: "; ").allSatisfy { part in
      open.contains { part.contains($0) }
    }
  }
}

/// What was compared, and what came of it.
private struct Outcome {
  var kinds: Set<String> = []
  var types: Set<String> = []
  var configurations = 0
  var equal = 0
  /// Pairs that differ because moto is not as AWS.
  var excused = 0
  var unknownInPlan = 0
  /// Verdicts that need what moto cannot list.
  var withoutLive = 0
  var faults: [String] = []

  var figures: String {
    "\(kinds.count) kinds from \(types.count) Terraform types, \(configurations) configurations, "
      + "\(equal + excused) pairs of verdicts compared, \(equal) equal, "
      + "\(excused) unlike because moto is not as AWS, \(unknownInPlan) unknown in the plan, "
      + "\(withoutLive) that moto cannot tell, \(faults.count) faults"
  }

  /// Every type that a mapping names is in some plan, or left out for a reason.
  mutating func close(_ pairs: Pairs) throws {
    var mapped: Set<String> = []
    for node in try ContentLibrary.shipped().nodes("terraform/aws") {
      let mapping = node.json
      let parts = mapping["parts"]?.array ?? []
      mapped.formUnion(([mapping] + parts).compactMap { $0["terraform"]?.string })
    }
    for type in mapped.subtracting(types).subtracting(pairs.leftOut).sorted() {
      faults.append("\(type) is mapped, and no plan has it")
    }
    for type in pairs.leftOut where types.contains(type) || !mapped.contains(type) {
      faults.append("\(type) need not be left out")
    }
  }
}

/// One account of moto's, and the plan of all that is in it.
private struct AccountJudge {
  /// What rules about the account stand on; no plan holds it.
  private static let anchor = ResourceKind(service: "iam", kind: "account_summary")

  private let account: JSONValue
  private let pairs: Pairs
  private let catalog: AWSCatalog
  private let rules: RuleIndex
  private let now = Date().formatted(.iso8601)

  init(_ account: JSONValue, _ pairs: Pairs) throws {
    self.account = account
    self.pairs = pairs
    catalog = try AWSCatalog()
    rules = try RuleIndex(ContentLibrary.shipped().rules().filter { $0.id.hasPrefix("aws.") })
  }

  private var name: String { account["name"]?.string ?? "" }
  private var number: String { account["account"]?.string ?? "" }
  private var types: [String] { account["types"]?.array?.compactMap(\.string) ?? [] }

  /// The resources of the plan.
  func planned(_ folder: URL) async throws -> [Resource] {
    let collector = TerraformCollector(
      files: [folder.appendingPathComponent("\(name).plan.json").path],
      mappings: try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
    )
    var resources: [Resource] = []
    try collector.collect { item in
      guard case .resource(var resource) = item else { return }
      resource.account = number
      resources.append(resource)
    }
    return resources
  }

  /// The resources of the account, of every kind that the plan makes.
  func live(_ server: MotoServer) async throws -> [Resource] {
    let keys = account["credentials"]
    let real = try AWSAccount(
      CurlClient(),
      endpoint: server.endpoint,
      number: number,
      credentials: AWSFixedCredentials(
        AWSCredentials(
          accessKeyID: keys?["AccessKeyId"]?.string ?? "",
          secretAccessKey: Secret(keys?["SecretAccessKey"]?.string ?? ""),
          sessionToken: Secret(keys?["SessionToken"]?.string ?? ""),
          origin: "the test"
        )
      )
    )
    let made = Set(types.compactMap { pairs.kinds[$0] } + [Self.anchor])
    let collector = real.collector(
      Set(made.subtracting(pairs.unreadable).map { "\($0)" }),
      regions: account["regions"]?.array?.compactMap(\.string) ?? []
    )
    var resources: [Resource] = []
    try await collector.collect { item in
      switch item {
      case .resource(let resource): resources.append(resource)
      case .coverage(let read): #expect(read.gap == nil, "\(name): \(read.kind)")
      default: break
      }
    }
    return resources
  }

  /// The results of resources that are all there is in the account, by kind, id and rule.
  private func results(_ resources: [Resource]) async throws -> [String: [String: ResultRecord]] {
    let read = catalog.kinds.filter { !pairs.unreadable.contains($0.kind) }
      .map { Collected.coverage(Coverage(account: number, kind: $0.kind)) }
    let scan = Scan(
      HeldCollector(resources.map { .resource($0) } + read),
      try RuleSet(rules),
      now: now,
      subject: name,
      account: number
    )
    var results: [String: [String: ResultRecord]] = [:]
    for result in try await scan.run(toolVersion: "test").results {
      results["\(result.resource.kind) \(result.resource.id)", default: [:]][result.goal.rule] =
        result
    }
    return results
  }

  /// Judges both sides and compares what is said of each pair.
  func compare(
    _ planned: [Resource],
    _ live: [Resource],
    into outcome: inout Outcome
  ) async throws {
    let anchors = live.filter { $0.kind == Self.anchor }
    let planResults = try await results(planned + anchors)
    let liveResults = try await results(live)
    let read = Set(live.map { "\($0.kind) \($0.id)" })
    outcome.types.formUnion(types)
    for pair in account["pairs"]?.array ?? [] {
      let kind = pair["kind"]?.string ?? ""
      let address = pair["address"]?.string ?? ""
      let id = pair["live"]?.string ?? ""
      outcome.kinds.insert(kind)
      outcome.configurations += 1
      if !pairs.unreadable.contains(Pairs.kind(kind)), !read.contains("\(kind) \(id)") {
        outcome.faults.append("\(name) \(address): the account does not hold \(id)")
      }
      compare(
        address,
        planResults["\(kind) \(address)"] ?? [:],
        liveResults["\(kind) \(id)"] ?? [:],
        excused: pair["excused"],
        &outcome
      )
    }
    for anchor in anchors {
      let key = "\(anchor.kind) \(anchor.id)"
      compare(
        "the account",
        planResults[key] ?? [:],
        liveResults[key] ?? [:],
        excused: nil,
        &outcome
      )
    }
  }

  private func compare(
    _ address: String,
    _ planned: [String: ResultRecord],
    _ live: [String: ResultRecord],
    excused: JSONValue?,
    _ outcome: inout Outcome
  ) {
    func told(_ result: ResultRecord?) -> String {
      result.map { "\($0.verdict.rawValue) (\($0.reason))" } ?? "not judged"
    }
    for rule in Set(planned.keys).union(live.keys).sorted() {
      let (one, other) = (planned[rule], live[rule])
      let what =
        "\(rule) on \(name) \(address): \(told(one)) in the plan, \(told(other)) in the account"
      let isExcused = excused?[rule] != nil
      if other?.verdict == .unknown {
        let kinds = rules[rule].map { Set($0.reads.keys) } ?? []
        if kinds.isDisjoint(with: pairs.unreadable) {
          outcome.faults.append(what)
        } else {
          outcome.withoutLive += 1
        }
      } else if let one, one.verdict == .unknown {
        if pairs.allows(one.reason) {
          outcome.unknownInPlan += 1
        } else {
          outcome.faults.append(what)
        }
      } else if isExcused {
        outcome.excused += 1
        if one?.verdict == other?.verdict { outcome.faults.append("no longer unlike: \(what)") }
      } else if one?.verdict == other?.verdict {
        outcome.equal += 1
      } else {
        outcome.faults.append(what)
      }
    }
  }
}
