import Collectors
import Content
import HTTP
import JSON
import Model
import TestSupport
import Testing

@Suite(.enabled(if: MotoServer.isExpected))
struct AWSPreflightTests {
  /// Refuses what an operation asks, as AWS does.
  private struct Refusing: HTTPClient {
    let server: CurlClient
    let mark: String

    func send(_ request: HTTPRequest) async throws -> HTTPResponse {
      guard request.url.contains(mark) else { return try await server.send(request) }
      return HTTPResponse(403, body: Array("<Error><Code>AccessDenied</Code></Error>".utf8))
    }
  }

  @Test func `the number of calls is told before they are made`() async throws {
    let server = try MotoServer.required()
    let kinds: Set = ["s3/bucket", "iam/user", "kms/key", "sns/topic", "dynamodb/table"]
    let before = try AWSAccount(CurlClient(), endpoint: server.endpoint)
    let preflight = try await APIPreflight(before.collector(kinds))
    let account = try AWSAccount(CurlClient(), endpoint: server.endpoint)
    _ = try await account.collector(kinds).resources()
    let made = Double(account.caller.calls)
    #expect(made > 400)
    #expect(abs(Double(preflight.calls) - made) / made < 0.15, "\(preflight.calls) of \(made)")
    #expect(before.caller.calls * 3 < account.caller.calls)
    #expect(preflight.refusals.isEmpty)
  }

  @Test func `a refused call is an obstacle of the rules that need it, and of no other`()
    async throws
  {
    let server = try MotoServer.required()
    let client = Refusing(server: try CurlClient(), mark: "?policyStatus")
    let account = try AWSAccount(client, endpoint: server.endpoint)
    let preflight = try await APIPreflight(account.collector(["s3/bucket"]))
    #expect(preflight.refusals.values.map(\.keys.count) == [1])
    let rules = try ContentLibrary.shipped().rules().filter { $0.id.hasPrefix("aws.s3.") }
    let stopped = rules.filter { !preflight.obstacles(of: $0).isEmpty }.map(\.id)
    #expect(stopped.contains("aws.s3.bucket-not-public"))
    #expect(!stopped.contains("aws.s3.versioning"))
    let reason = rules.flatMap { preflight.obstacles(of: $0) }.first?.reason
    #expect(reason == "denied: s3:GetBucketPolicyStatus in us-east-1 (AccessDenied)")
  }

  @Test func `what a profile needs is less than everything, and enough for its goals`() throws {
    let catalog = try AWSCatalog()
    let rule = try #require(
      ContentLibrary.shipped().rules().first { $0.id == "aws.s3.bucket-not-public" }
    )
    let needs = catalog.needs(of: [rule])
    let kinds = catalog.kinds.filter { needs[$0.kind] != nil }
    let policy = try AWSPolicy(kinds, details: needs, catalog.facts)
    #expect(policy.actions.contains("s3:GetBucketPolicyStatus"))
    #expect(policy.actions.contains("s3:ListAllMyBuckets"))
    #expect(!policy.actions.contains("s3:GetBucketVersioning"))
    #expect(!policy.actions.contains("iam:GetAccountSummary"))
  }
}
