import Collectors
import Foundation
import HTTP
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// A client that a closure answers for, and that remembers what was sent.
final class AccessClient: HTTPClient {
  private let answer: @Sendable (HTTPRequest) throws -> HTTPResponse
  private let sent = Mutex<[HTTPRequest]>([])

  init(_ answer: @escaping @Sendable (HTTPRequest) throws -> HTTPResponse) { self.answer = answer }

  /// A client for a machine without a network.
  static var alone: AccessClient {
    AccessClient { throw HTTPError.unreachable(host: $0.url, reason: "no route to host") }
  }

  var requests: [HTTPRequest] { sent.withLock { $0 } }

  func send(_ request: HTTPRequest) throws -> HTTPResponse {
    sent.withLock { $0.append(request) }
    return try answer(request)
  }
}

extension HTTPRequest {
  /// The fields of a form.
  var form: [String: String] {
    var fields: [String: String] = [:]
    for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
      let parts = pair.split(separator: "=", omittingEmptySubsequences: false)
      fields[String(parts[0])] = String(parts[1]).removingPercentEncoding
    }
    return fields
  }
}

/// A machine with files, variables and a network, for one test.
final class AccessScene {
  static let now = Instant("2026-01-01T12:00:00Z") ?? .never

  let folder: URL
  let client: AccessClient
  private let variables: [String: String]
  private let options: AWSAccessOptions

  init(
    config: String = "",
    credentials: String = "",
    _ variables: [String: String] = [:],
    _ options: AWSAccessOptions = AWSAccessOptions(),
    client: AccessClient = .alone
  ) throws {
    folder = try Fixtures.temporaryFolder()
    let aws = folder.appendingPathComponent(".aws")
    try FileManager.default.createDirectory(at: aws, withIntermediateDirectories: true)
    for (name, text) in [("config", config), ("credentials", credentials)] where !text.isEmpty {
      try Data(text.utf8).write(to: aws.appendingPathComponent(name))
    }
    self.variables = variables.merging(["HOME": folder.path]) { given, _ in given }
    self.options = options
    self.client = client
  }

  deinit { Fixtures.remove(folder) }

  /// A file of the scene, which is written.
  func file(_ name: String, _ text: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  func configuration() throws -> AWSConfiguration {
    try AWSConfiguration(variables: variables, profile: options.profile)
  }

  private static let parsedFacts = Result {
    let file = Fixtures.root.appendingPathComponent("Sources/Collectors/AWS/facts.json")
    return try AWSFacts(parsing: Data(contentsOf: file))
  }

  static func facts() throws -> AWSFacts { try parsedFacts.get() }

  func chain() throws -> AWSCredentialChain {
    let facts = try Self.facts()
    let configuration = try configuration()
    let endpoints = try AWSEndpoints(facts, options, configuration)
    return AWSCredentialChain(
      options,
      configuration,
      client: client,
      tokens: AWSSecurityTokens(facts, endpoints, client: client) { Self.now },
      homeRegion: { endpoints.homeRegion($0) }
    )
  }

  func credentials() async throws -> AWSCredentials { try await chain().credentials() }

  /// What is said where there are no credentials.
  func failure() async throws -> String {
    do {
      let found = try await credentials()
      Issue.record("there are credentials: \(found.origin)")
      return ""
    } catch let error as AWSCredentialError {
      return "\(error)".replacing(folder.path, with: "~")
    }
  }
}

/// Answers as AWS gives them.
enum AccessAnswer {
  static let soon = "2026-01-01T13:00:00Z"

  static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status, body: Array(text.utf8))
  }

  /// A session of the Security Token Service, whose key has a name.
  static func session(_ operation: String, key: String) -> HTTPResponse {
    text(
      """
      <\(operation)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <\(operation)Result><Credentials>
          <AccessKeyId>\(key)</AccessKeyId><SecretAccessKey>hidden</SecretAccessKey>
          <SessionToken>tok+en/=</SessionToken><Expiration>\(soon)</Expiration>
        </Credentials></\(operation)Result>
        <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>
      </\(operation)Response>
      """
    )
  }

  static func fault(_ code: String, _ message: String, status: Int = 403) -> HTTPResponse {
    text(
      """
      <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error>
        <RequestId>r</RequestId>
      </ErrorResponse>
      """,
      status: status
    )
  }

  /// What metadata services hand out.
  static func metadata(key: String) -> HTTPResponse {
    text(
      """
      {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "\(key)",
       "SecretAccessKey": "hidden", "Token": "token", "Expiration": "\(soon)"}
      """
    )
  }
}
