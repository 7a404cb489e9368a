import Collectors
import Foundation
import HTTP
import Model
import Testing

private let profiles = """
  [default]
  region = eu-central-1
  [profile audit]
  role_arn = arn:aws:iam::123456789012:role/audit
  source_profile = jump
  external_id = e&x t=1
  role_session_name = night
  duration_seconds = 3600
  [profile jump]
  role_arn = arn:aws:iam::1:role/jump
  source_profile = keys
  [profile keys]
  aws_access_key_id = AKIDKEYS
  aws_secret_access_key = hidden
  """

/// Answers every call of STS with a session whose key is the role's name.
private func sessions(_ request: HTTPRequest) -> HTTPResponse {
  let role = request.form["RoleArn"]?.split(separator: "/").last ?? ""
  return AccessAnswer.session(request.form["Action"] ?? "", key: "\(role)-key")
}

private func caller(_ request: HTTPRequest) -> String? {
  request[header: "Authorization"]?.firstMatch(of: /Credential=([^\/]+)\//).map { String($0.1) }
}

struct AWSRoleTests {
  @Test func `a chain of roles is followed, and each call says what it has to`() async throws {
    let options = AWSAccessOptions(profile: "audit", region: "eu-west-1")
    let client = AccessClient(sessions)
    let found = try await AccessScene(config: profiles, [:], options, client: client).credentials()
    #expect(found.accessKeyID == "audit-key")
    #expect(found.sessionToken == Secret("tok+en/="))
    #expect(found.expires == Instant(AccessAnswer.soon))
    #expect(found.origin.hasPrefix("role arn:aws:iam::123456789012:role/audit, assumed with role "))
    let sent = client.requests
    #expect(sent.map(\.method) == ["POST", "POST"])
    #expect(sent.map(\.url) == Array(repeating: "https://sts.eu-west-1.amazonaws.com/", count: 2))
    #expect(sent.map(caller) == ["AKIDKEYS", "jump-key"])
    #expect(
      sent[0].form == [
        "Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": "arn:aws:iam::1:role/jump",
        "RoleSessionName": "plumb",
      ]
    )
    #expect(
      sent[1].form == [
        "Action": "AssumeRole", "Version": "2011-06-15", "ExternalId": "e&x t=1",
        "RoleArn": "arn:aws:iam::123456789012:role/audit", "RoleSessionName": "night",
        "DurationSeconds": "3600",
      ]
    )
    #expect(sent[0][header: "X-Amz-Security-Token"] == nil)
    #expect(sent[1][header: "X-Amz-Security-Token"] == "tok+en/=")
    #expect(sent[1][header: "Authorization"]?.contains("x-amz-security-token") == true)
  }

  @Test func `a role of the options is assumed with what was found`() async throws {
    let role = AWSRole(arn: "arn:aws-cn:iam::1:role/cn", externalID: "x")
    let client = AccessClient(sessions)
    let scene = try AccessScene(
      credentials: "[default]\naws_access_key_id = A\naws_secret_access_key = hidden\n",
      [:],
      AWSAccessOptions(role: role),
      client: client
    )
    #expect(try await scene.credentials().accessKeyID == "cn-key")
    let sent = try #require(client.requests.first)
    #expect(sent.form["ExternalId"] == "x")
    // No region is configured, so the partition of the role says where to ask.
    #expect(sent.url == "https://sts.cn-northwest-1.amazonaws.com.cn/")
    #expect(sent[header: "Authorization"]?.contains("/cn-northwest-1/sts/aws4_request") == true)
  }

  @Test(arguments: [
    (nil, true, "eu-north-1"), ("eu-west-3", true, "eu-west-3"), (nil, false, "us-east-1"),
  ])
  func `the region to ask is the option's, then the configured one`(
    option: String?,
    usesSurroundings: Bool,
    region: String
  ) async throws {
    let keys = AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("hidden"), origin: "a test")
    let options = AWSAccessOptions(
      keys: keys,
      role: AWSRole(arn: "arn:aws:iam::1:role/r"),
      region: option,
      usesSurroundings: usesSurroundings
    )
    let client = AccessClient(sessions)
    _ = try await AccessScene(["AWS_REGION": "eu-north-1"], options, client: client).credentials()
    #expect(client.requests.map(\.url) == ["https://sts.\(region).amazonaws.com/"])
  }

  @Test func `a web identity is sent unsigned, and its file read each time`() async throws {
    let client = AccessClient(sessions)
    let scene = try AccessScene(
      config: "[profile p]\nrole_arn = arn:aws:iam::1:role/w\nweb_identity_token_file = TOKEN\n",
      [:],
      AWSAccessOptions(profile: "p", region: "us-west-2"),
      client: client
    )
    let token = try scene.file("token", "first\n")
    _ = try scene.file(
      ".aws/config",
      "[profile p]\nrole_arn = arn:aws:iam::1:role/w\nweb_identity_token_file = \(token)\n"
    )
    let chain = try scene.chain()
    #expect(try await chain.credentials().accessKeyID == "w-key")
    _ = try scene.file("token", "second")
    _ = try await chain.credentials()
    #expect(client.requests.map { $0.form["WebIdentityToken"] } == ["first", "second"])
    #expect(client.requests.allSatisfy { $0[header: "Authorization"] == nil })
    #expect(client.requests[0].form["Action"] == "AssumeRoleWithWebIdentity")
    try FileManager.default.removeItem(atPath: token)
    #expect(
      try await scene.failure()
        == "~/token: No such file or directory; the token for role arn:aws:iam::1:role/w should be "
        + "there"
    )
  }

  @Test(arguments: [
    (["a": "a"], "\"a\" → \"a\""), (["a": "b", "b": "a"], "\"a\" → \"b\" → \"a\""),
    (["a": "b", "b": "c", "c": "b"], "\"a\" → \"b\" → \"c\" → \"b\""),
  ])
  func `profiles in a circle are named`(sources: [String: String], circle: String) async throws {
    let config = sources.map { "[profile \($0)]\nrole_arn = r\nsource_profile = \($1)\n" }.joined()
    let scene = try AccessScene(config: config, [:], AWSAccessOptions(profile: "a"))
    #expect(
      try await scene.failure()
        == "the profiles \(circle) take their credentials from each other; one of them needs keys "
        + "or a credential_source"
    )
    #expect(scene.client.requests.isEmpty)
  }

  @Test func `a source profile that is not there is named with its line`() async throws {
    let config = "[profile a]\nrole_arn = r\nsource_profile = gone\n"
    let scene = try AccessScene(config: config, [:], AWSAccessOptions(profile: "a"))
    let start = "there is no profile \"gone\", which source_profile (~/.aws/config, line 3) names; "
    #expect(try await scene.failure().hasPrefix(start + "there are a ("))
  }

  @Test(arguments: [
    ("AccessDenied", "the external id has to be the one that it asks for", 1),
    ("ExpiredToken", "the credentials are too old; renew them", 1),
    ("InvalidClientTokenId", "the access key is not known or its secret is wrong", 1),
    ("RegionDisabledException", "enable the region, or name another one", 1),
    ("ServiceUnavailable", "ServiceUnavailable: no", 3), ("Throttling", "Throttling: no", 3),
  ])
  func `a refusal names the role, the keys and the way out`(
    code: String,
    advice: String,
    attempts: Int
  ) async throws {
    let status = code == "ServiceUnavailable" ? 503 : 403
    let client = AccessClient { _ in AccessAnswer.fault(code, "no", status: status) }
    let options = AWSAccessOptions(profile: "jump")
    let message = try await AccessScene(config: profiles, [:], options, client: client).failure()
    #expect(
      message.hasPrefix(
        "AssumeRole of arn:aws:iam::1:role/jump with profile \"keys\" (~/.aws/config, line 13): \(code)"
      )
    )
    #expect(message.contains(advice))
    #expect(!message.contains("hidden"))
    #expect(client.requests.count == attempts)
  }

  @Test func `a wrong clock is set by the answer's date`() async throws {
    let client = AccessClient { request in
      if request[header: "X-Amz-Date"] == "20260101T150000Z" { return sessions(request) }
      var answer = AccessAnswer.fault("SignatureDoesNotMatch", "Signature expired: …")
      answer.headers = [("Date", "Thu, 01 Jan 2026 15:00:00 GMT")]
      return answer
    }
    let options = AWSAccessOptions(profile: "jump")
    let scene = try AccessScene(config: profiles, [:], options, client: client)
    #expect(try await scene.credentials().accessKeyID == "jump-key")
    let times = client.requests.map { $0[header: "X-Amz-Date"] }
    #expect(times == ["20260101T120000Z", "20260101T150000Z"])
  }

  @Test func `GetCallerIdentity tells whose the credentials are`() async throws {
    let client = AccessClient { _ in
      AccessAnswer.text(
        """
        <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <GetCallerIdentityResult><Arn>arn:aws-us-gov:iam::123456789012:user/a</Arn>
        <UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult>
        </GetCallerIdentityResponse>
        """
      )
    }
    let facts = try AccessScene.facts()
    let endpoints = try AWSEndpoints(facts)
    let tokens = AWSSecurityTokens(facts, endpoints, client: client) { AccessScene.now }
    let keys = AWSCredentials(accessKeyID: "A", secretAccessKey: Secret("hidden"), origin: "a test")
    let identity = try await AWSIdentity(of: keys, tokens, region: "us-gov-west-1")
    #expect(identity.account == "123456789012")
    #expect(identity.partition == "aws-us-gov")
    #expect(client.requests.map(\.url) == ["https://sts.us-gov-west-1.amazonaws.com/"])
  }
}
