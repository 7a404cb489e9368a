import Collectors
import HTTP
import JSON
import Model
import TestSupport

/// The account of the tests' AWS API, read through a client of the test's choice.
struct AWSAccount {
  let catalog: AWSCatalog
  let caller: AWSCaller
  let rates = APIRates(ceiling: 10_000, pause: { _ in })

  /// An account that answers through `client`.
  ///
  /// - Parameters:
  ///   - client: answers.
  ///   - endpoint: where every service answers.
  ///   - timeout: how long to wait, in seconds.
  ///   - credentials: who calls.
  ///   - slept: told how long the caller would have waited; it does not wait.
  /// - Throws: errors for a catalogue that cannot be read.
  init(
    _ client: any HTTPClient,
    endpoint: String = "http://aws.test",
    timeout: Double = 30,
    credentials: any AWSCredentialProvider = AWSFixedCredentials(
      AWSCredentials(accessKeyID: "test", secretAccessKey: Secret("test"), origin: "the test")
    ),
    slept: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws {
    catalog = try AWSCatalog()
    caller = AWSCaller(
      facts: catalog.facts,
      endpoints: try AWSEndpoints(catalog.facts, AWSAccessOptions(endpointURL: endpoint)),
      credentials: credentials,
      client: client,
      rates: rates,
      timeout: timeout,
      clock: { Instant("2026-11-21T12:00:00Z") ?? .never },
      pause: { slept($0) }
    )
    caller.setAccount(MotoServer.account)
  }

  /// A collector of some kinds, all by default.
  func collector(
    _ kinds: Set<String>? = nil,
    regions: [String] = MotoServer.regions,
    details: [ResourceKind: Set<String>] = [:],
    done: Set<String> = []
  ) -> APICollector {
    APICollector(
      APICollector.Plan(
        provider: "aws",
        kinds: catalog.kinds.filter { kinds?.contains("\($0.kind)") ?? true },
        account: MotoServer.account,
        partition: "aws",
        home: "us-east-1",
        regions: regions,
        details: details,
        done: done
      ),
      caller,
      rates: rates
    )
  }
}

extension APICollector {
  /// Everything that the collector emits.
  func emitted() async throws -> [Collected] {
    var items: [Collected] = []
    try await collect { items.append($0) }
    return items
  }

  /// The resources that the collector emits.
  func resources() async throws -> [Resource] {
    try await emitted().compactMap { item in
      if case .resource(let resource) = item { resource } else { nil }
    }
  }
}
