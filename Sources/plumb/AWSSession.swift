import ArgumentParser
import Collectors
import Foundation
import HTTP
import JSON
import Model

/// An AWS account that was signed in to, and what is to be read of it.
struct AWSSession: LiveSession {
  let catalog: AWSCatalog
  let identity: AWSIdentity
  let caller: any APICaller
  let rates: APIRates
  let plan: APICollector.Plan
  let options: CollectorOptions

  /// Signs in and finds out what to read.
  ///
  /// - Parameters:
  ///   - options: who signs in, and what was asked for.
  ///   - catalog: the kinds and the facts.
  ///   - needs: the kinds that are needed, and the members of each; nil for all.
  ///   - credential: who signs in instead of whom options and surroundings name.
  /// - Throws: errors for credentials, regions or services that are not there.
  init(
    _ options: AWSOptions,
    _ catalog: AWSCatalog,
    needs: [ResourceKind: Set<String>]?,
    credential: OpenedCredential? = nil
  ) async throws {
    self.options = options.collector
    self.catalog = catalog
    let signIn = try AWSSignIn(
      options.access(credential),
      catalog.facts,
      authorities: options.collector.authorities.file(for: .aws),
      connections: options.collector.concurrency
    )
    rates = APIRates(ceiling: options.collector.maximumRate)
    let caller = AWSCaller(
      facts: catalog.facts,
      endpoints: signIn.endpoints,
      credentials: signIn.credentials,
      client: signIn.client,
      rates: rates,
      timeout: options.collector.timeout,
      clock: timeOfDay
    )
    let start = try signIn.region(options.collector.region.first)
    identity = try await signIn.identity(start)
    try credential?.check(account: identity.account)
    caller.setAccount(identity.account)
    self.caller = caller
    let (regions, gap, isRefused) = try await Self.regions(options, caller, from: start)
    plan = APICollector.Plan(
      provider: "aws",
      kinds: try options.collector.chosen(catalog.kinds, needs),
      account: identity.account,
      partition: identity.partition,
      home: signIn.endpoints.homeRegion(identity.partition),
      regions: regions,
      regionGap: gap,
      isRegionListRefused: isRefused,
      leftOut: needs.map { Set($0.keys) } ?? Set(catalog.kinds.map(\.kind)),
      details: needs ?? [:]
    )
  }

  /// The regions to read, and why others are left out.
  private static func regions(
    _ options: AWSOptions,
    _ caller: AWSCaller,
    from start: String
  ) async throws -> (names: [String], gap: String?, isRefused: Bool) {
    if let chosen = options.collector.chosenRegions { return (chosen.names, chosen.gap, false) }
    do {
      let output = try await caller.call("DescribeRegions", of: "ec2", JSONObject(), in: start)
      let names = (output["Regions"]?.array ?? []).compactMap { $0["RegionName"]?.string }
      if !names.isEmpty { return (names.sorted(), nil, false) }
      return ([start], "AWS names no enabled region", true)
    } catch let refusal as APIRefusal {
      complain("only \(start) is read, because the enabled regions cannot be listed: \(refusal)")
      return ([start], "the enabled regions could not be listed: \(refusal.reason)", true)
    }
  }

  /// The account in words.
  var subject: String { "AWS account \(identity.account)" }

  var identityName: String { identity.arn }

  var policyName: String { "the IAM policy that allows all that is read" }
}
