import ArgumentParser
import Collectors
import Foundation
import HTTP
import Model

/// An IBM Cloud account that was signed in to, and what is to be read of it.
struct IBMSession: LiveSession {
  let caller: any APICaller
  let rates: APIRates
  let plan: APICollector.Plan
  let options: CollectorOptions
  let identityName: String

  /// The region of what exists once for the account.
  private static let home = "us-south"

  /// Signs in and finds out what to read.
  ///
  /// - Parameters:
  ///   - options: who signs in, and what was asked for.
  ///   - catalog: the kinds and how they are asked for.
  ///   - needs: the kinds that are needed, and the members of each; nil for all.
  ///   - credential: who signs in instead of the options' key.
  /// - Throws: errors for a key that is not accepted, and for regions or services that are not there.
  init(
    _ options: IBMOptions,
    _ catalog: IBMCatalog,
    needs: [ResourceKind: Set<String>]?,
    credential: OpenedCredential? = nil
  ) async throws {
    self.options = options.collector
    let (regions, gap) = try Self.regions(options.collector, catalog)
    let kinds = try options.collector.chosen(catalog.kinds, needs)
    let client = try CurlClient(
      authorities: options.collector.authorities.file(for: .ibm),
      connections: options.collector.concurrency
    )
    let endpoint = options.collector.endpointURL ?? credential?[.endpoint]
    let address = try IBMAddress(override: endpoint)
    let tokens = IBMTokens(
      key: try credential?.secret(.apiKey) ?? options.key(),
      remedy: credential?.remedy ?? IBMOptions.remedy,
      address: address,
      client: client,
      timeout: options.collector.timeout,
      clock: timeOfDay
    )
    let token = try await tokens.token()
    try credential?.check(account: token.account)
    rates = APIRates(ceiling: options.collector.maximumRate)
    let caller = IBMCaller(
      facts: catalog.facts,
      address: address,
      tokens: tokens,
      client: client,
      rates: rates,
      timeout: options.collector.timeout,
      clock: timeOfDay
    )
    var gaps: [ResourceKind: String] = [:]
    if kinds.contains(where: \.isSilent) {
      let sight = try await IBMSight(of: token.identity, in: token.account, caller, home: Self.home)
      gaps = sight.gaps(of: kinds)
    }
    self.caller = caller
    identityName = token.identity
    plan = APICollector.Plan(
      provider: "ibm",
      kinds: kinds,
      account: token.account,
      home: Self.home,
      regions: regions,
      regionGap: gap,
      leftOut: needs.map { Set($0.keys) } ?? Set(catalog.kinds.map(\.kind)),
      places: catalog.facts.places,
      gaps: gaps,
      details: needs ?? [:]
    )
  }

  /// The regions to read, and why others are left out.
  private static func regions(
    _ options: CollectorOptions,
    _ catalog: IBMCatalog
  ) throws -> (names: [String], gap: String?) {
    let known = catalog.facts.regions
    for name in options.region where !known.contains(name) {
      throw ValidationError("--region \"\(name)\" is none of \(known.joined(separator: ", "))")
    }
    return options.chosenRegions ?? (known, nil)
  }

  var subject: String { "IBM Cloud account \(plan.account)" }

  var policyName: String { "the commands that give the rights to read all of it" }
}
