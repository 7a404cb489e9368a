import Collectors
import Content
import Engine
import HTTP
import JSON
import Model
import Operations
import Synchronization
import TestSupport
import Testing

/// Every operation that the AWS collector calls is made to fail in every way, one at a time: nothing
/// may pass then that does not pass when all is read.
@Suite(.enabled(if: MotoServer.isExpected))
struct FaultMatrixTests {
  @Test func `no fault makes anything pass`() async throws {
    let server = try MotoServer.required()
    let matrix = try await FaultMatrix(server)
    var (runs, falsePasses) = (0, 0)
    var unreached: Set<String> = []
    for operation in matrix.operations {
      for fault in Fault.allCases {
        let (faults, hits) = try await matrix.falsePasses(operation, fault)
        if hits == 0 { unreached.insert(operation) }
        #expect(faults.isEmpty, "\(operation) \(fault): \(faults.prefix(3))")
        falsePasses += faults.count
        runs += hits == 0 ? 0 : 1
      }
    }
    print(
      "fault matrix: \(runs) faults of \(matrix.operations.count) operations, "
        + "\(matrix.goals) goals, \(falsePasses) false passes"
    )
    print("fault matrix: never called in this account: \(unreached.sorted())")
    #expect(runs > 400)
  }
}

/// What happens to a call.
private enum Fault: String, CaseIterable {
  case denied, throttled, timedOut, truncated, empty

  func answer(_ recorded: HTTPResponse, _ request: HTTPRequest) throws -> HTTPResponse {
    let isJSON = request[header: "X-Amz-Target"] != nil || recorded.body.first == 0x7B
    func refusal(_ status: Int, _ code: String) -> HTTPResponse {
      let text =
        isJSON
        ? #"{"__type":"\#(code)","message":"by the test"}"#
        : "<ErrorResponse><Error><Code>\(code)</Code><Message>by the test</Message></Error></ErrorResponse>"
      return HTTPResponse(status, body: Array(text.utf8))
    }
    switch self {
    case .denied: return refusal(403, "AccessDenied")
    case .throttled: return refusal(400, "Throttling")
    case .timedOut: throw HTTPError.timedOut(host: "aws.test", seconds: 30)
    case .truncated:
      var cut = recorded
      cut.body.removeLast(min(cut.body.count, max(2, cut.body.count / 3)))
      return cut
    case .empty:
      var bare = recorded
      bare.body = []
      return bare
    }
  }
}

/// Which operation a task is calling, for the client below it.
private enum Calling { @TaskLocal static var operation = "" }

/// Notes the operation that is called.
private struct NotingCaller: APICaller {
  let inner: AWSCaller

  func call(
    _ operation: String,
    of service: String,
    _ input: JSONObject,
    in region: String
  ) async throws -> JSONValue {
    try await Calling.$operation.withValue("\(service):\(operation)") {
      try await inner.call(operation, of: service, input, in: region)
    }
  }

  func page(of operation: String, service: String) throws -> APIPage? {
    try inner.page(of: operation, service: service)
  }

  var calls: Int { inner.calls }

  func pause(_ seconds: Double) async throws {}
}

/// Answers from a recording, except for one operation.
private final class Recording: HTTPClient {
  private let answers = Mutex<[String: HTTPResponse]>([:])
  private let broken = Mutex<(operation: String, fault: Fault)?>(nil)
  private let hits = Mutex(0)
  private let server: any HTTPClient

  init(_ server: any HTTPClient) { self.server = server }

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let target = request[header: "X-Amz-Target"] ?? ""
    let key = "\(request.method) \(request.url) \(target) \(Digest.sha256(request.body))"
    var answer = answers.withLock { $0[key] }
    if answer == nil {
      answer = try await server.send(request)
      answers.withLock { $0[key] = answer }
    }
    guard let answer else { throw HTTPError.invalid(reason: "nothing was recorded") }
    if let (operation, fault) = broken.withLock({ $0 }), operation == Calling.operation {
      hits.withLock { $0 += 1 }
      return try fault.answer(answer, request)
    }
    return answer
  }

  /// How many calls failed since this was asked last.
  func takeHits() -> Int {
    hits.withLock { hits in
      defer { hits = 0 }
      return hits
    }
  }

  func fail(_ operation: String, _ fault: Fault?) {
    broken.withLock { $0 = fault.map { (operation, $0) } }
  }
}

/// An account that was recorded once, and what comes of it when calls fail.
private struct FaultMatrix {
  private let account: AWSAccount
  private let recording: Recording
  private let rules: RuleIndex
  /// What is collected when nothing fails, by kind.
  private var whole: [ResourceKind: [Collected]] = [:]
  private var verdicts: [Key: Verdict] = [:]
  private var states: [String: ControlState] = [:]

  private struct Key: Hashable {
    let rule: String
    let resource: String
  }

  init(_ server: MotoServer) async throws {
    recording = Recording(try CurlClient())
    account = try AWSAccount(recording, endpoint: server.endpoint)
    rules = try RuleIndex(
      ContentLibrary.shipped().rules().filter { $0.id.hasPrefix("aws.") }
    )
    whole = try await collect(account.catalog.kinds)
    let report = try await judge(whole, rules.rules)
    for result in report.results { verdicts[Self.key(result)] = result.verdict }
    states = Self.states(report)
  }

  /// The operations that goals depend on.
  var operations: [String] {
    let kinds = Set(rules.rules.flatMap(\.reads.keys))
    return Set(account.catalog.kinds.filter { kinds.contains($0.kind) }.flatMap(\.operations))
      .sorted()
  }

  var goals: Int { rules.rules.count }

  /// What passes, or does not apply, only because an operation fails.
  func falsePasses(
    _ operation: String,
    _ fault: Fault
  ) async throws -> (faults: [String], hits: Int) {
    let kinds = account.catalog.kinds.filter { $0.operations.contains(operation) }
    let names = Set(kinds.map(\.kind))
    let concerned = rules.rules.filter { !names.isDisjoint(with: $0.reads.keys) }
    recording.fail(operation, fault)
    let broken = try await collect(kinds)
    recording.fail(operation, nil)
    var found = whole.filter { kind, _ in concerned.contains { $0.reads[kind] != nil } }
    for (kind, items) in broken { found[kind] = items }
    let report = try await judge(found, concerned)
    var faults: [String] = []
    for result in report.results
    where result.verdict == .pass || result.verdict == .notApplicable {
      if verdicts[Self.key(result)] != result.verdict {
        faults.append("\(result.goal.rule) is \(result.verdict) on \(result.resource.id)")
      }
    }
    let lists = Set(kinds.filter { $0.operations.first == operation }.map(\.kind))
    for (rule, state) in Self.states(report) {
      if state == .pass, states[rule] != .pass { faults.append("\(rule) passes") }
      // A rule that only counts others stands on its target without reading it.
      let reads = rules[rule]?.reads ?? [:]
      let target = Set(rules[rule]?.target.kinds ?? []).filter { reads[$0]?.isEmpty == false }
      if !target.isEmpty, target.isSubset(of: lists), state == .pass || state == .notApplicable {
        faults.append("\(rule) is \(state) although nothing was listed")
      }
    }
    return (faults, recording.takeHits())
  }

  private func collect(_ kinds: [APIKind]) async throws -> [ResourceKind: [Collected]] {
    let collector = account.collector(
      Set(kinds.map { "\($0.kind)" }),
      regions: ["us-east-1"],
      through: NotingCaller(inner: account.caller)
    )
    var found: [ResourceKind: [Collected]] = [:]
    try await collector.collect { item in
      switch item {
      case .resource(let resource): found[resource.kind, default: []].append(item)
      case .coverage(let coverage): found[coverage.kind, default: []].append(item)
      default: break
      }
    }
    return found
  }

  private func judge(
    _ found: [ResourceKind: [Collected]],
    _ rules: [Rule]
  ) async throws -> ScanReport {
    let scan = Scan(
      HeldCollector(found.values.flatMap(\.self)),
      try RuleSet(goals: rules.map { Goal(rule: $0.id) }, rules: self.rules),
      now: "2026-11-21T12:00:00Z",
      subject: "the account"
    )
    return try await scan.run(toolVersion: "test")
  }

  private static func key(_ result: ResultRecord) -> Key {
    Key(rule: result.goal.rule, resource: "\(result.resource.region) \(result.resource.id)")
  }

  /// The state of a control that each rule alone would meet.
  private static func states(_ report: ScanReport) -> [String: ControlState] {
    var states: [String: ControlState] = [:]
    for (goal, score) in report.summary.goals {
      let control = Profile.Control(id: goal.rule, title: goal.rule, goals: [goal])
      states[goal.rule] = ControlState(control, counts: score.counts)
    }
    return states
  }
}
