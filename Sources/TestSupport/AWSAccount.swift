package import Collectors
package import HTTP
package import Model

/// The account of the tests' AWS API, read through a client of the test's choice.
package struct AWSAccount {
  package let catalog: AWSCatalog
  package let caller: AWSCaller
  package let rates = APIRates(ceiling: 10_000, pause: { _ in })
  private let number: String

  /// An account that answers through `client`.
  ///
  /// - Parameters:
  ///   - client: answers.
  ///   - endpoint: where every service answers.
  ///   - number: the account's number.
  ///   - timeout: how long to wait, in seconds.
  ///   - credentials: who calls.
  ///   - slept: told how long the caller would have waited; it does not wait.
  /// - Throws: errors for a catalogue that cannot be read.
  package init(
    _ client: any HTTPClient,
    endpoint: String = "http://aws.test",
    number: String = MotoServer.account,
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
    caller.setAccount(number)
    self.number = number
  }

  /// A collector of some kinds, all by default, through another caller where one is given.
  package func collector(
    _ kinds: Set<String>? = nil,
    regions: [String] = MotoServer.regions,
    regionGap: String? = nil,
    isRegionListRefused: Bool = false,
    leftOut: Set<ResourceKind> = [],
    details: [ResourceKind: Set<String>] = [:],
    done: Set<String> = [],
    through other: (any APICaller)? = nil
  ) -> APICollector {
    APICollector(
      APICollector.Plan(
        provider: "aws",
        kinds: catalog.kinds.filter { kinds?.contains("\($0.kind)") ?? true },
        account: number,
        partition: "aws",
        home: "us-east-1",
        regions: regions,
        regionGap: regionGap,
        isRegionListRefused: isRegionListRefused,
        leftOut: leftOut,
        details: details,
        done: done
      ),
      other ?? caller,
      rates: rates
    )
  }
}
