import JSON

/// Where a service is called, and the region for the signature.
package struct AWSEndpoint: Sendable, Hashable {
  /// Scheme, host and port, without a slash behind.
  package let url: String
  package let signingRegion: String
  /// Whether somebody named the URL: buckets then stay in the path, and no prefix stands before the
  /// host.
  package let isExplicit: Bool

  package init(url: String, signingRegion: String, isExplicit: Bool) {
    self.url = url
    self.signingRegion = signingRegion
    self.isExplicit = isExplicit
  }
}

/// Finds where services are called.
///
/// Endpoints for FIPS 140 and for IPv6 are not chosen on their own; an endpoint URL names one.
package struct AWSEndpoints: Sendable {
  private let partitions: [AWSPartition]
  private let option: String?
  private let configuration: AWSConfiguration?

  /// The endpoints by the facts, unless options or surroundings name endpoint URLs.
  ///
  /// - Throws: ``AWSFactsError``.
  package init(
    _ facts: AWSFacts,
    _ options: AWSAccessOptions = AWSAccessOptions(),
    _ configuration: AWSConfiguration? = nil
  ) throws(AWSFactsError) {
    var partitions: [AWSPartition] = []
    for (id, node) in try AWSFactsNode(facts.json, "").nodes("partitions") {
      partitions.append(try AWSPartition(id, node))
    }
    self.partitions = partitions
    option = options.endpointURL
    self.configuration = options.usesSurroundings ? configuration : nil
  }

  /// The partition of a region; nil where the name looks like none of AWS's.
  package func partition(of region: String) -> AWSPartition? {
    partitions.first { $0.regions.contains(region) } ?? partitions.first { $0.contains(region) }
  }

  /// The partition with an id, such as an ARN has it.
  package func partition(_ id: String) -> AWSPartition? { partitions.first { $0.id == id } }

  /// The region of a partition that answers where none is named.
  package func homeRegion(_ partition: String) -> String {
    self.partition(partition)?.homeRegion ?? "us-east-1"
  }

  /// Where a service is called for a region.
  ///
  /// - Throws: ``AWSCredentialError`` for a region that AWS does not have, and for an endpoint URL
  ///   that is none.
  package func endpoint(_ service: AWSService, region: String) throws -> AWSEndpoint {
    let partition = partition(of: region)
    let global = partition.flatMap { service.json["global"]?[$0.id] }
    let signingRegion = global?["region"]?.string ?? region
    if let url = try explicitURL(service) {
      return AWSEndpoint(url: url, signingRegion: signingRegion, isExplicit: true)
    }
    guard let partition else { throw AWSCredentialError.region(region) }
    let host =
      global?["host"]?.string ?? service.json["hosts"]?[region]?.string
      ?? "\(service.endpointPrefix).\(region).\(partition.dnsSuffix)"
    return AWSEndpoint(url: "https://\(host)", signingRegion: signingRegion, isExplicit: false)
  }

  private func explicitURL(_ service: AWSService) throws(AWSCredentialError) -> String? {
    let serviceID = service.json["serviceId"]?.string ?? service.id
    var named = option
    if named == nil { named = try configuration?.endpointURL(serviceID: serviceID) }
    guard var url = named else { return nil }
    guard let parts = AWSURL(url), parts.scheme == "https" || parts.scheme == "http",
      parts.query.isEmpty
    else {
      throw .variable(
        "the endpoint URL \"\(url)\" for \(service.id)",
        reason: "is none; it is like https://host:port"
      )
    }
    while url.hasSuffix("/") { url.removeLast() }
    return url
  }
}
