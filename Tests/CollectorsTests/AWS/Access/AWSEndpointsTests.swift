import Collectors
import HTTP
import JSON
import Model
import Testing

private func endpoint(
  _ service: String,
  _ region: String,
  url: String? = nil
) throws -> AWSEndpoint {
  let facts = try AccessScene.facts()
  let endpoints = try AWSEndpoints(facts, AWSAccessOptions(endpointURL: url))
  return try endpoints.endpoint(try #require(try facts.service(service)), region: region)
}

struct AWSEndpointsTests {
  private static let services = ((try? AccessScene.facts())?.serviceIDs ?? [])

  @Test(arguments: services)
  func `AWS's own cases come out`(name: String) throws {
    let cases = try EndpointCase.all(name).filter { $0.absence == nil }
    #expect(!cases.isEmpty)
    for one in cases {
      guard let url = one.url else {
        #expect(throws: (any Error).self, "\(one)") { try endpoint(name, one.region ?? "") }
        continue
      }
      let found = try endpoint(name, one.region ?? "us-east-1", url: one.endpoint)
      #expect(found.isExplicit == (one.endpoint != nil))
      #expect(try address(one, found) == url, "\(one)")
      if let region = one.signingRegion { #expect(found.signingRegion == region, "\(one)") }
    }
  }

  /// Where a request goes: to the endpoint, or to a bucket's or an account's own host.
  private func address(_ one: EndpointCase, _ endpoint: AWSEndpoint) throws -> String {
    let facts = try AccessScene.facts()
    guard let service = try facts.service(one.service) else { return "" }
    let input: JSONObject
    let call: (name: String, tail: String)
    if one.service == "s3", let bucket = one.bucket {
      (call, input) = (("GetBucketAcl", "?acl"), ["Bucket": .string(bucket)])
    } else if let account = one.parameters["AccountId"], one.service == "s3control" {
      call = ("GetPublicAccessBlock", "/v20180820/configuration/publicAccessBlock")
      input = ["AccountId": account]
    } else {
      return endpoint.url
    }
    let url = try AWSRequestWriter().request(
      try #require(service.operations[call.name]),
      of: service,
      input: input,
      endpoint: endpoint.url,
      pathStyleBucket: endpoint.isExplicit
    ).url
    let address = url.hasSuffix(call.tail) ? String(url.dropLast(call.tail.count)) : url
    return address.hasSuffix("/") ? String(address.dropLast()) : address
  }

  @Test func `most cases apply, and no exception is idle`() throws {
    let cases = try Self.services.flatMap(EndpointCase.all)
    #expect(cases.count { $0.absence == nil } > 1200)
    let absences = Set(cases.compactMap(\.absence))
    #expect(absences == Set(EndpointCase.Absence.allCases))
  }

  @Test(arguments: [
    ("eu-west-1", "aws"), ("eu-south-9", "aws"), ("cn-north-1", "aws-cn"), ("cn-east-7", "aws-cn"),
    ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc"),
    ("us-isob-east-1", "aws-iso-b"), ("moon-1", nil), ("", nil), ("eu-west-1.example", nil),
    ("aws-global", nil),
  ])
  func `a region tells its partition`(region: String, partition: String?) throws {
    let endpoints = try AWSEndpoints(AccessScene.facts())
    #expect(endpoints.partition(of: region)?.id == partition)
    if partition == nil {
      #expect(throws: AWSCredentialError.region(region)) { try endpoint("ec2", region) }
    }
  }

  @Test(arguments: [
    ("aws", "us-east-1"), ("aws-cn", "cn-northwest-1"), ("aws-us-gov", "us-gov-west-1"),
    ("aws-moon", "us-east-1"),
  ])
  func `a partition has a region for who names none`(partition: String, region: String) throws {
    #expect(try AWSEndpoints(AccessScene.facts()).homeRegion(partition) == region)
  }

  @Test(arguments: [
    ("http://localhost:5551/", "http://localhost:5551"), ("https://h/base//", "https://h/base"),
    ("http://[::1]:80", "http://[::1]:80"),
  ])
  func `an endpoint URL counts for every service and region`(url: String, found: String) throws {
    let ec2 = try endpoint("ec2", "moon-1", url: url)
    #expect(ec2 == AWSEndpoint(url: found, signingRegion: "moon-1", isExplicit: true))
    // What exists once for an account is signed for its own region all the same.
    #expect(try endpoint("iam", "eu-west-1", url: url).signingRegion == "us-east-1")
  }

  @Test(arguments: ["localhost:5551", "ftp://host", "http://", "https://host/?a=b", "http://:80"])
  func `what is no endpoint URL is refused`(url: String) {
    #expect(throws: AWSCredentialError.self) { try endpoint("ec2", "eu-west-1", url: url) }
  }

  @Test func `variables name endpoints, unless the surroundings do not count`() throws {
    let configuration = try AccessScene([
      "AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://q",
      "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": "http://balancers",
    ]).configuration()
    func url(_ service: String, _ options: AWSAccessOptions = AWSAccessOptions()) throws -> String {
      let facts = try AccessScene.facts()
      let known = try #require(try facts.service(service))
      return try AWSEndpoints(facts, options, configuration).endpoint(known, region: "eu-west-1")
        .url
    }
    #expect(try url("sqs") == "http://q")
    #expect(try url("elbv2") == "http://balancers")
    #expect(try url("ec2") == "http://all")
    #expect(try url("sqs", AWSAccessOptions(endpointURL: "http://option")) == "http://option")
    let alone = AWSAccessOptions(usesSurroundings: false)
    #expect(try url("sqs", alone) == "https://sqs.eu-west-1.amazonaws.com")
  }
}
