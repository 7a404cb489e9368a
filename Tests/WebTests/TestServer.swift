import Collectors
import Dispatch
import Engine
import Foundation
import HTTP
import JSON
import Logging
import Model
import NIOSSL
import Operations
import ServiceLifecycle
import Store
import Synchronization
import TestSupport
import Testing
import Vault
import YAML

@testable import Web

/// A time of day that a test moves.
final class TestClock: Sendable {
  private let state = Mutex(Instant(milliseconds: 1_780_272_000_000))

  /// The present instant; at first 2026-06-01T00:00:00Z.
  var now: Instant { state.withLock { $0 } }

  func wait(seconds: Int64) {
    state.withLock { $0 = $0.advanced(milliseconds: seconds * 1000) }
  }
}

/// A log that nobody reads; unlike one that does nothing it knows the number of its request.
struct SilentLog: LogHandler {
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {}
}

/// What came back.
struct Answer {
  let status: Int
  let response: HTTPResponse

  /// The body as text.
  var text: String { String(decoding: response.body, as: UTF8.self) }
  /// The body as JSON; null where it is none.
  var json: JSONValue { (try? JSONParser().parse(response.body)) ?? .null }
  /// The end of a problem's type.
  var kind: String? { json["type"]?.string?.split(separator: ":").last.map(String.init) }

  subscript(header name: String) -> String? { response[header: name] }
}

/// A server in this process over a store of its own, on a free port.
struct TestServer: Sendable {
  /// Asks it to stop, as a signal does.
  let stop: @Sendable () async -> Void
  let url: String
  let store: DataStore
  let clock: TestClock
  private let client: CurlClient

  /// Runs a test against a server, and stops it afterwards.
  ///
  /// `certificate` is the files of a chain and its key, to serve over TLS.
  static func with(
    requestsPerSecond: Double = 0,
    certificate: (chain: String, key: String)? = nil,
    proxies: [IPNetwork] = [],
    clock: TestClock = TestClock(),
    streams: EventStreams.Limits = EventStreams.Limits(),
    assets: Assets = Assets(),
    content: ServedContent? = nil,
    over: (any SQLDatabase) -> any SQLDatabase = { $0 },
    _ body: (TestServer) async throws -> Void
  ) async throws {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    try await TestDatabase.sqlite.with { database in
      let store = try await DataStore(over(database))
      var settings = ServerSettings(
        host: "127.0.0.1",
        port: 0,
        requestsPerSecond: requestsPerSecond
      )
      settings.proxies = TrustedProxies(proxies)
      settings.assets = assets
      if let certificate {
        settings.tls = .makeServerConfiguration(
          certificateChain: try NIOSSLCertificate.fromPEMFile(certificate.chain).map {
            .certificate($0)
          },
          privateKey: .privateKey(try NIOSSLPrivateKey(file: certificate.key, format: .pem))
        )
      }
      let logger = Logger(label: "test") { _ in SilentLog() }
      let (ports, continuation) = AsyncStream<Int>.makeStream()
      var services = try services(store, clock, folder, content ?? TestContent.served())
      services.streams = EventStreams(streams)
      let web = try WebServer(services, settings, logger: logger)
      let application = try web.application { continuation.yield($0) }
      let group = ServiceGroup(services: [application], logger: logger)
      let running = Task { try await group.run() }
      var port: Int?
      for await found in ports {
        port = found
        break
      }
      let scheme = certificate == nil ? "http" : "https"
      let server = TestServer(
        stop: { await group.triggerGracefulShutdown() },
        url: "\(scheme)://127.0.0.1:\(try #require(port))",
        store: store,
        clock: clock,
        client: try CurlClient(authorities: certificate?.chain)
      )
      let result: Result<Void, any Error>
      do {
        result = .success(try await body(server))
      } catch {
        result = .failure(error)
      }
      await group.triggerGracefulShutdown()
      try await running.value
      try result.get()
    }
  }

  private static func services(
    _ store: DataStore,
    _ clock: TestClock,
    _ folder: URL,
    _ content: ServedContent
  ) throws -> Services {
    var services = Services(
      store: store,
      content: { content },
      keeper: CredentialKeeper(
        store,
        KeyFile(folder.appendingPathComponent("credentials.key").path)
      ),
      clock: { clock.now },
      random: { try AESGCM.random($0) },
      judge: { upload, body in
        var bytes: [UInt8] = []
        try await body.forEach { bytes += $0 }
        let file = folder.appendingPathComponent("\(UUID().uuidString).ndjson")
        try Data(bytes).write(to: file)
        let scan = SavedScan(
          store,
          try TestContent.plan(),
          account: upload.account,
          isOpenToAccounts: false,
          isComplete: upload.isComplete,
          instant: upload.at,
          actor: upload.actor,
          clock: { clock.now },
          workers: 1
        )
        let number = try await scan.begin(
          Inventory(path: file.path),
          subject: upload.subject,
          instruction: [:]
        )
        _ = try await scan.run(number)
        return number
      },
      test: { record in
        CredentialRecord.Test(
          at: clock.now,
          isAccepted: true,
          outcome: "account \(record.details["account"]?.string ?? "")"
        )
      },
      explain: { $0 is GoalError || $0 is InputError ? "\($0)" : nil }
    )
    services.providers = ["aws", "ibm"]
    services.signature = { KeyedDigest.sha512(key: $0, $1) }
    services.parts = { KubernetesRequest.parts(of: $0, cluster: $1) }
    let access = try TestContent.access()
    services.access = { access }
    let properties = try TestContent.properties()
    services.properties = { properties }
    services.sender = MessageBox()
    services.uploadFolder = folder.appendingPathComponent("uploads").path
    return services
  }

  /// Sends a request.
  func send(
    _ method: String,
    _ path: String,
    as caller: Caller = .nobody,
    _ body: JSONValue? = nil,
    headers: [(name: String, value: String)] = []
  ) async throws -> Answer {
    // All tests share the processors, so that an answer may take long and be right.
    var request = HTTPRequest(method, url + path, headers: caller.headers + headers, timeout: 600)
    if let body {
      request.body = Array(body.text.utf8)
      if request[header: "Content-Type"] == nil {
        request.headers.append(("Content-Type", "application/json"))
      }
    }
    return try await send(request)
  }

  /// Sends a request as it is.
  func send(_ request: HTTPRequest) async throws -> Answer {
    let response = try await client.send(request)
    return Answer(status: response.status, response: response)
  }
}

/// How a request says who asks.
enum Caller: Sendable {
  case nobody
  case key(String)
  /// The token of a session.
  case session(String)

  /// The key; nil for one that has none.
  var secret: String? { if case .key(let key) = self { key } else { nil } }

  var headers: [(name: String, value: String)] {
    switch self {
    case .nobody: []
    case .key(let key): [("Authorization", "Bearer \(key)")]
    case .session(let token):
      [("Cookie", "plumb=\(token)"), ("X-CSRF-Token", Session.antiForgery(token))]
    }
  }
}

extension TestServer {
  /// Changes something as somebody who is not among the callers.
  func change<R: Sendable>(_ body: @Sendable @escaping (StoreTransaction) throws -> R) async throws
    -> R
  {
    try await store.write(as: "founder", at: clock.now, body)
  }

  /// Adds a person with a role on some extents.
  func person(_ name: String, _ role: Role, on extents: [Extent] = [.everything]) async throws
    -> Int64
  {
    let ends = role.isTimeBoxed ? clock.now.advanced(days: 30) : .never
    return try await change { transaction in
      let person = try transaction.addPerson(name)
      for extent in extents {
        _ = try transaction.grant(
          Grant(role: role, extent: extent, expiresAt: ends),
          to: person.id
        )
      }
      return person.id
    }
  }

  /// A new key of a person.
  func key(of person: Int64, _ role: Role, on extent: Extent = .everything, days: Int = 90)
    async throws -> Caller
  {
    let secret = try SignInCode.key { try AESGCM.random($0) }
    let ends = clock.now.advanced(days: days)
    _ = try await change { transaction in
      try transaction.addKey(
        "key of \(person)",
        digest: SignInCode.digest(secret),
        of: person,
        limit: Grant(role: role, extent: extent),
        expiresAt: ends
      )
    }
    return .key(secret)
  }

  /// A new person with a key, both with a role on everything.
  func caller(_ role: Role, _ name: String? = nil) async throws -> Caller {
    try await key(of: person(name ?? role.rawValue, role), role)
  }

  /// A new session of a person.
  func session(of person: Int64) async throws -> Caller {
    let token = try SignInCode.make { try AESGCM.random($0) }
    let ends = clock.now.advanced(days: 1)
    try await change {
      try $0.beginSession(digest: SignInCode.digest(token), of: person, expiresAt: ends)
    }
    return .session(token)
  }

  /// A new code by which a person signs in.
  func code(of person: Int64) async throws -> String {
    let code = try SignInCode.make { try AESGCM.random($0) }
    let ends = clock.now.advanced(milliseconds: 3_600_000)
    try await change {
      try $0.addCode(digest: SignInCode.digest(code), for: person, expiresAt: ends)
    }
    return code
  }
}

/// The rules and profiles of these tests.
enum TestContent {
  private static let rules = [
    """
    id: test.bucket.encrypted
    title: Bucket is encrypted
    severity: high
    target: { service_name: store, resource_kind: bucket }
    required_config: { property: encrypted, operator: is_true }
    """,
    """
    {"id": "test.bucket.kept", "severity": "low",
     "target": {"service_name": "store", "resource_kind": "bucket"},
     "parameters": {"days": {"type": "integer", "default": 30, "minimum": 1}},
     "required_config": {"property": "retention", "operator": "num_greater_than_equals",
       "value": "${days}"}}
    """,
  ]

  private static func index() throws -> RuleIndex {
    try RuleIndex(
      rules.map { text in
        try RuleDecoder.rule(YAMLReader().document(text, file: "rule.yaml"), name: "rule")
      }
    )
  }

  /// A profile with a control that rules judge and one for people.
  static let profile = Profile(
    id: "house",
    version: "1",
    effectiveDate: "2026-01-01",
    title: "House rules",
    controls: [
      Profile.Control(
        id: "1",
        title: "Buckets",
        goals: [Goal(rule: "test.bucket.encrypted"), Goal(rule: "test.bucket.kept")]
      ),
      Profile.Control(id: "2", title: "People", goals: [], manualReason: "People are asked"),
    ]
  )

  static func served() throws -> ServedContent {
    ServedContent(
      rules: try index().rules,
      profiles: [profile],
      stamp: ContentStamp(version: "test", digest: "0")
    )
  }

  /// Both rules, for everything and for the scopes of ``World``.
  static func plan() throws -> GoalPlan {
    let index = try index()
    return GoalPlan(
      try RuleSet(index),
      attachments: ["", "own-scope", "other-scope"].map { (scope: $0, profile: profile) }
    )
  }

  /// What means access to an instance.
  static func access() throws -> [ReachFacts] {
    let text = """
      provider: aws
      principals: [iam/user, iam/role]
      kinds: [{ kind: ec2/instance, access: [ssm:StartSession], manage: [ec2:StopInstances] }]
      """
    return [try ReachDecoder.facts(YAMLReader().document(text, file: "access.yaml"))]
  }

  /// What is known of buckets beside what rules ask about.
  static func properties() throws -> [PropertyFacts] {
    let text = """
      provider: test
      kinds:
        - kind: store/bucket
          properties: [{ path: location, type: string, meaning: Where it is }]
      """
    return try PropertyFacts.all(YAMLReader().document(text, file: "properties.yaml"))
  }

  /// A line of an inventory.
  static func bucket(_ id: String, account: String, isEncrypted: Bool, name: String = "") -> String
  {
    Resource(
      provider: "test",
      account: account,
      kind: ResourceKind(service: "store", kind: "bucket"),
      id: id,
      name: name,
      configuration: ["encrypted": .bool(isEncrypted), "retention": 7]
    ).inventoryLine.text
  }
}

/// Does what blocks apart from the threads on which the server answers.
func aside<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
  try await withCheckedThrowingContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
  }
}
