import ArgumentParser
import Collectors
import Foundation
import HTTP
import JSON
import Model

/// An AWS account that was signed in to, and what is to be read of it.
struct AWSSession {
  let catalog: AWSCatalog
  let identity: AWSIdentity
  let caller: AWSCaller
  let rates: APIRates
  var plan: APICollector.Plan
  private let options: AWSOptions

  /// Signs in and finds out what to read.
  ///
  /// - Parameter needs: the kinds that are needed, and the members of each; nil for all.
  /// - Throws: errors for credentials, regions or services that are not there.
  init(
    _ options: AWSOptions,
    _ catalog: AWSCatalog,
    needs: [ResourceKind: Set<String>]?
  ) async throws {
    self.options = options
    self.catalog = catalog
    let access = AWSAccessOptions(
      profile: options.awsProfile,
      role: options.roleARN.map { AWSRole(arn: $0, externalID: options.externalID) },
      endpointURL: options.endpointURL,
      runsPrograms: options.allowCredentialProcess
    )
    let environment = ProcessInfo.processInfo.environment
    let configuration = try AWSConfiguration(variables: environment, profile: options.awsProfile)
    let endpoints = try AWSEndpoints(catalog.facts, access, configuration)
    if let file = options.authorities { _ = try textFile(file) }
    let client = try CurlClient(
      authorities: options.authorities ?? environment["AWS_CA_BUNDLE"],
      connections: options.concurrency
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
    rates = APIRates(ceiling: options.maximumRate)
    caller = AWSCaller(
      facts: catalog.facts,
      endpoints: endpoints,
      credentials: credentials,
      client: client,
      rates: rates,
      timeout: options.timeout,
      clock: timeOfDay
    )
    let start = try configuration.region() ?? options.region.first ?? "us-east-1"
    identity = try await AWSIdentity(of: credentials.credentials(), tokens, region: start)
    caller.setAccount(identity.account)
    let (regions, gap) = try await Self.regions(options, caller, from: start)
    plan = APICollector.Plan(
      provider: "aws",
      kinds: try Self.kinds(options, catalog, needs),
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
    if !options.region.isEmpty {
      let names = Set(options.region).sorted()
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

  /// The kinds to read.
  private static func kinds(
    _ options: AWSOptions,
    _ catalog: AWSCatalog,
    _ needs: [ResourceKind: Set<String>]?
  ) throws -> [APIKind] {
    let services = Set(catalog.kinds.map(\.kind.service))
    for name in options.service where !services.contains(name) {
      throw ValidationError(
        "--service \"\(name)\" is none of \(services.sorted().joined(separator: ", "))"
      )
    }
    return catalog.kinds.filter { kind in
      (options.service.isEmpty || options.service.contains(kind.kind.service))
        && (needs == nil || needs?[kind.kind] != nil)
    }
  }

  /// The collector of what is to be read, without lists that were read before.
  func collector(without done: Set<String> = []) -> APICollector {
    var plan = plan
    plan.done = done
    return APICollector(plan, caller, rates: rates, concurrency: options.concurrency)
  }

  /// What an interrupted scan of the same has read, and what this one will have.
  func journal(_ output: ScanOptions, isFresh: Bool) throws -> CollectionJournal {
    let details = plan.details.map { "\($0.key) \($0.value.sorted().joined(separator: " "))" }
    let journal = try CollectionJournal(
      folder: output.saving.store.spoolFolder,
      name: "aws-\(identity.account)",
      contents: [options.endpointURL ?? ""] + plan.units.map(\.name) + details.sorted(),
      isFresh: isFresh,
      now: timeOfDay()
    )
    if !journal.done.isEmpty {
      complain(
        "going on with what was read since \(journal.begun): \(journal.done.count) of "
          + "\(plan.units.count) lists; --fresh begins anew"
      )
    }
    return journal
  }

  /// The account in words.
  var subject: String { "AWS account \(identity.account)" }
}
