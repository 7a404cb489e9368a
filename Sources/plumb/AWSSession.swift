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
  /// - Throws: errors for credentials, regions or services that are not there.
  init(
    _ options: AWSOptions,
    _ catalog: AWSCatalog,
    needs: [ResourceKind: Set<String>]?
  ) async throws {
    self.options = options.collector
    self.catalog = catalog
    let access = AWSAccessOptions(
      profile: options.awsProfile,
      role: options.roleARN.map { AWSRole(arn: $0, externalID: options.externalID) },
      endpointURL: options.collector.endpointURL,
      runsPrograms: options.allowCredentialProcess
    )
    let environment = ProcessInfo.processInfo.environment
    let configuration = try AWSConfiguration(variables: environment, profile: options.awsProfile)
    let endpoints = try AWSEndpoints(catalog.facts, access, configuration)
    if let file = options.collector.authorities { _ = try textFile(file) }
    let client = try CurlClient(
      authorities: options.collector.authorities ?? environment["AWS_CA_BUNDLE"],
      connections: options.collector.concurrency
    )
    let tokens = AWSSecurityTokens(catalog.facts, endpoints, client: client, clock: timeOfDay)
    let chain = AWSCredentialChain(
      access,
      configuration,
      client: client,
      tokens: tokens,
      homeRegion: { endpoints.homeRegion($0) }
    )
    let credentials = AWSCredentialCache(chain, clock: timeOfDay)
    rates = APIRates(ceiling: options.collector.maximumRate)
    let caller = AWSCaller(
      facts: catalog.facts,
      endpoints: endpoints,
      credentials: credentials,
      client: client,
      rates: rates,
      timeout: options.collector.timeout,
      clock: timeOfDay
    )
    let home = endpoints.homeRegion(access.role?.partition ?? "aws")
    let start = try configuration.region() ?? options.collector.region.first ?? home
    identity = try await AWSIdentity(of: credentials.credentials(), tokens, region: start)
    caller.setAccount(identity.account)
    self.caller = caller
    let (regions, gap) = try await Self.regions(options, caller, from: start)
    plan = APICollector.Plan(
      provider: "aws",
      kinds: try options.collector.chosen(catalog.kinds, needs),
      account: identity.account,
      partition: identity.partition,
      home: endpoints.homeRegion(identity.partition),
      regions: regions,
      regionGap: gap,
      details: needs ?? [:]
    )
  }

  /// The regions to read, and why others are left out.
  private static func regions(
    _ options: AWSOptions,
    _ caller: AWSCaller,
    from start: String
  ) async throws -> (names: [String], gap: String?) {
    if !options.collector.region.isEmpty {
      let names = Set(options.collector.region).sorted()
      return (names, "only \(names.joined(separator: ", ")) were asked for")
    }
    do {
      let output = try await caller.call("DescribeRegions", of: "ec2", JSONObject(), in: start)
      let names = (output["Regions"]?.array ?? []).compactMap { $0["RegionName"]?.string }
      if !names.isEmpty { return (names.sorted(), nil) }
      return ([start], "AWS names no enabled region")
    } catch let refusal as APIRefusal {
      complain("only \(start) is read, because the enabled regions cannot be listed: \(refusal)")
      return ([start], "the enabled regions could not be listed: \(refusal.reason)")
    }
  }

  /// The account in words.
  var subject: String { "AWS account \(identity.account)" }

  var identityName: String { identity.arn }

  var policyName: String { "the IAM policy that allows all that is read" }
}
