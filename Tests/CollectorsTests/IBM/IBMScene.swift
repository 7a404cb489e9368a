import Collectors
import Content
import Engine
import Foundation
import HTTP
import JSON
import Model
import Operations
import Synchronization
import TestSupport
import Testing
import YAML

/// An IBM Cloud that a book of recorded answers stands for, and the collector that reads it.
final class IBMScene: Sendable {
  static let now = Instant("2026-01-01T12:00:00Z") ?? .never
  static let key = "good-key"
  static let catalog = Result { try IBMCatalog() }
  static let library = Result { try RuleIndex(ContentLibrary.shipped().rules()) }

  let server: ReplayServer
  private let state: IBMStand
  private let client: CurlClient

  /// A scene of accounts; each book's answers go before those of the books left of it.
  init(_ accounts: String..., changes: JSONValue = []) throws {
    var book = ReplayBook([])
    for account in accounts { book = book.adding(try Self.document("accounts/\(account).yaml")) }
    book = book.adding(changes)
    let state = IBMStand()
    self.state = state
    server = try ReplayServer { [book] in state.answer($0, book) }
    client = try CurlClient()
  }

  deinit { server.stop() }

  private static func document(_ name: String) throws -> JSONValue {
    let url = Fixtures.root.appendingPathComponent("Tests/CollectorsTests/IBM/\(name)")
    let text = try String(contentsOf: url, encoding: .utf8)
    return try YAMLReader().document(text, file: name).json
  }

  /// Does something to the requests from now on.
  func fail(_ fault: IBMStand.Fault?) { state.value.withLock { $0.fault = fault } }

  /// Ends the tokens that were given out so far.
  func endTokens() {
    state.value.withLock { state in
      for number in 0...state.tokens { state.ended.insert("\(number)") }
    }
  }

  /// Lets time pass.
  func pass(seconds: Int64) {
    state.value.withLock { $0.clock = $0.clock.advanced(milliseconds: seconds * 1000) }
  }

  /// How many tokens were given out.
  var tokens: Int { state.value.withLock { $0.tokens } }

  /// The lines of what was asked, without tokens.
  var asked: [String] { server.requests.map(\.line).filter { !$0.hasSuffix("/identity/token") } }

  func tokens(key: String = IBMScene.key, timeout: Double = 60) throws -> IBMTokens {
    IBMTokens(
      key: Secret(key),
      remedy: "give it in IBMCLOUD_API_KEY",
      address: try IBMAddress(override: server.url),
      client: client,
      timeout: timeout,
      clock: { [state] in state.value.withLock { $0.clock } },
      pause: { _ in }
    )
  }

  func caller(timeout: Double = 60) throws -> IBMCaller {
    let state = state
    return IBMCaller(
      facts: try Self.catalog.get().facts,
      address: try IBMAddress(override: server.url),
      tokens: try tokens(timeout: timeout),
      client: client,
      rates: APIRates(ceiling: 100_000),
      timeout: timeout,
      clock: { state.value.withLock { $0.clock } },
      pause: { seconds in state.waited.withLock { $0.append(seconds) } }
    )
  }

  /// How long callers waited between attempts, in seconds.
  var waited: [Double] { state.waited.withLock { $0 } }

  /// The collector of what some rules need, or of everything.
  func collector(
    for rules: [Rule]? = nil,
    regions: [String] = ["us-south", "eu-de"],
    timeout: Double = 60
  ) async throws -> APICollector {
    let catalog = try Self.catalog.get()
    let needs = rules.map(catalog.needs(of:))
    let caller = try caller(timeout: timeout)
    let kinds = catalog.kinds.filter { needs?[$0.kind] != nil || needs == nil }
    let sight = try await IBMSight(
      of: "iam-ServiceId-audit",
      in: "acc1",
      caller,
      home: "us-south"
    )
    let plan = APICollector.Plan(
      provider: "ibm",
      kinds: kinds,
      account: "acc1",
      home: "us-south",
      regions: regions,
      places: catalog.facts.places,
      gaps: sight.gaps(of: kinds),
      details: needs ?? [:]
    )
    return APICollector(plan, caller, rates: APIRates(ceiling: 100_000))
  }

  /// Everything that is collected.
  func inventory(timeout: Double = 60) async throws -> IBMInventory {
    var inventory = IBMInventory()
    try await collector(timeout: timeout).collect { item in
      switch item {
      case .resource(let resource): inventory.resources.append(resource)
      case .coverage(let coverage): inventory.coverage[coverage.kind] = coverage
      default: break
      }
    }
    return inventory
  }

  /// Reads what goals need and judges them.
  func judge(_ goals: [Goal], timeout: Double = 60) async throws -> IBMVerdicts {
    let index = try Self.library.get()
    let rules = goals.compactMap { index[$0.rule] }
    try #require(rules.count == goals.count)
    return try await judge(try RuleSet(goals: goals, rules: index), rules, timeout: timeout)
  }

  /// Reads what a rule set needs and judges it.
  func judge(_ set: RuleSet, _ rules: [Rule], timeout: Double = 60) async throws -> IBMVerdicts {
    let scan = Scan(
      try await collector(for: rules, timeout: timeout),
      set,
      now: "\(Self.now)",
      subject: "scene"
    )
    return IBMVerdicts(try await scan.run(toolVersion: "test"))
  }
}
