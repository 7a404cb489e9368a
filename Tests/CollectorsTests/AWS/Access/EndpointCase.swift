import Collectors
import Foundation
import JSON
import Testing

/// One of AWS's own cases of endpoint rules, as botocore ships them.
struct EndpointCase: CustomTestStringConvertible {
  /// Why a case is left out.
  enum Absence: String, CaseIterable {
    case variant = "FIPS or dual stack, which are not chosen"
    case noRegion = "no region, which we always have"
    case pseudoRegion = "a region that is a name for all, or for one machine"
    case resource = "the host follows an ARN, a stream or an endpoint's id, which we never give"
    case kindOfBucket = "an outpost's bucket, S3 Express, acceleration or Object Lambda"
    case oldGlobal = "the global endpoint of old for a service that has regional ones"
    case accountHost = "a host of the account's own"
    case pathOfOurs = "a named endpoint or a wanted path: ours always keep the bucket in the path"
    case operation = "an operation of another kind than ours"
    case refused = "an input that AWS's rules refuse and we never give"
    case unreal = "a bucket name of less than three letters, which none has"
  }

  let service: String
  let title: String
  let parameters: JSONValue
  let url: String?
  let signingRegion: String?

  var testDescription: String { "\(service): \(title)" }
  var region: String? { parameters["Region"]?.string }
  var endpoint: String? { parameters["Endpoint"]?.string }
  var bucket: String? { parameters["Bucket"]?.string }

  private func isOn(_ parameter: String) -> Bool { parameters[parameter]?.bool == true }

  private func has(_ names: String...) -> Bool {
    names.contains { parameters[$0].map { !$0.isNull } ?? false }
  }

  /// Why the case is left out; nil where it applies.
  var absence: Absence? {
    if isOn("UseFIPS") || isOn("UseDualStack") { return .variant }
    if has("ResourceArn", "ResourceArnList", "ResourceARN", "StreamARN", "ConsumerARN", "StreamId")
      || has("ChannelARN", "QueueARN", "EndpointId", "ResourceType", "AccessPointName")
      || bucket?.hasPrefix("arn:") == true
    {
      return .resource
    }
    if isOn("Accelerate") || isOn("UseObjectLambdaEndpoint") || has("OutpostId", "CopySource")
      || has("UseS3ExpressControlEndpoint") || bucket?.contains("--") == true
    {
      return .kindOfBucket
    }
    if region == nil, endpoint == nil { return .noRegion }
    if let region, region.hasSuffix("-global") || region == "local" || region == "snow" {
      return .pseudoRegion
    }
    if isOn("UseGlobalEndpoint"), endpoint == nil { return .oldGlobal }
    if has("AccountId"), service != "s3control", endpoint == nil { return .accountHost }
    if parameters["AccountIdEndpointMode"]?.string == "required", endpoint == nil {
      return .accountHost
    }
    if endpoint != nil, bucket != nil || has("AccountId") { return .pathOfOurs }
    if isOn("ForcePathStyle") { return .pathOfOurs }
    if bucket?.count == 2 { return .unreal }
    if isOn("IsSearchOperation") || parameters["ServiceType"]?.string == "ACM-ACME" {
      return .operation
    }
    if url == nil, region?.contains(/^[a-z]+(-[a-z]+)+-[0-9]$/) == true { return .refused }
    return nil
  }

  /// The cases of a service.
  static func all(_ service: String) throws -> [EndpointCase] {
    let path = "endpoints/\(service)/endpoint-tests-1.json"
    let file = try JSONParser().parse(AccessCases.bytes(path))
    return (file["testCases"]?.array ?? []).map { json in
      let endpoint = json["expect"]?["endpoint"]
      let schemes = endpoint?["properties"]?["authSchemes"]?.array ?? []
      return EndpointCase(
        service: service,
        title: json["documentation"]?.string ?? "",
        parameters: json["params"] ?? .null,
        url: endpoint?["url"]?.string,
        signingRegion: schemes.lazy.compactMap { $0["signingRegion"]?.string }.first
      )
    }
  }
}
