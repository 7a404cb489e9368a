import Collectors
import HTTP
import Model
import Testing

private let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
private let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
private let token = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

struct AWSContainerCredentialsTests {
  @Test func `a relative URI is asked of the task's address`() async throws {
    let client = AccessClient { _ in AccessAnswer.metadata(key: "task") }
    let found = try await AccessScene([relative: "/v2/x"], client: client).credentials()
    #expect(found.accessKeyID == "task")
    #expect(found.sessionToken == Secret("token"))
    #expect(found.expires == Instant(AccessAnswer.soon))
    #expect(client.requests.map(\.url) == ["http://169.254.170.2/v2/x"])
    #expect(client.requests[0][header: "Authorization"] == nil)
  }

  @Test(arguments: [
    ("https://anywhere/x", true), ("http://localhost:80/x", true), ("http://127.1.2.3/x", true),
    ("http://[::1]:9/x", true), ("http://169.254.170.2/", true), ("http://169.254.170.23/v1", true),
    ("http://[fd00:ec2::23]/v1", true), ("http://anywhere/x", false),
    ("http://127.0.0.1.evil.example/x", false), ("http://localhost@evil.example/", false),
    ("http://169.254.170.24/", false), ("http://[fd00:ec2::24]/", false),
    ("ftp://localhost/", false), ("localhost", false), ("http://0.0.0.0/0/x", false),
  ])
  func `only some places may be asked`(url: String, isAllowed: Bool) async throws {
    let client = AccessClient { _ in AccessAnswer.metadata(key: "full") }
    let scene = try AccessScene([full: url, token: "t"], client: client)
    if isAllowed {
      #expect(try await scene.credentials().accessKeyID == "full")
      #expect(client.requests.map(\.url) == [url])
    } else {
      #expect(try await scene.failure().hasPrefix("\(full) names a place that may not be asked"))
      #expect(client.requests.isEmpty)
    }
  }

  @Test func `the token of a file wins over the variable's and is read each time`() async throws {
    let client = AccessClient { _ in AccessAnswer.metadata(key: "full") }
    let plain = try AccessScene([full: "http://localhost/", token: "plain"], client: client)
    _ = try await plain.credentials()
    let path = try plain.file("token", "one\n")
    let scene = try AccessScene(
      [full: "http://localhost/", token: "plain", "\(token)_FILE": path],
      client: client
    )
    _ = try await scene.credentials()
    _ = try plain.file("token", "two")
    _ = try await scene.credentials()
    #expect(client.requests.map { $0[header: "Authorization"] } == ["plain", "one", "two"])
    _ = try plain.file("token", "one\ntwo\n")
    #expect(try await scene.failure().contains("does not hold one token"))
    let broken = try AccessScene([full: "http://localhost/", token: "a\nb"], client: client)
    #expect(try await broken.failure() == "\(token) has more than one line")
  }

  @Test(arguments: [
    (404, "", "answered with status 404; see the role of the task or of the service account"),
    (200, "[]", "the answer is no JSON object"),
    (200, "{\"AccessKeyId\": \"a\"}", "the answer has no SecretAccessKey"),
    (200, "{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"hidden\"}", "the answer has no Token"),
    (
      200,
      "{\"AccessKeyId\": \"a\", \"SecretAccessKey\": \"hidden\", \"Token\": \"t\", "
        + "\"Expiration\": \"soon\"}", "the answer's Expiration is no instant"
    ),
  ])
  func `an answer that holds no credentials is named`(
    status: Int,
    body: String,
    reason: String
  ) async throws {
    let client = AccessClient { _ in AccessAnswer.text(body, status: status) }
    let message = try await AccessScene([relative: "/x"], client: client).failure()
    #expect(message == "the container's credentials at http://169.254.170.2/x: \(reason)")
  }
}

struct AWSInstanceCredentialsTests {
  private static let roles = "/latest/meta-data/iam/security-credentials/"

  private static func instance(_ request: HTTPRequest) -> HTTPResponse {
    if request.method == "PUT" { return AccessAnswer.text("a-token") }
    guard request[header: "x-aws-ec2-metadata-token"] == "a-token" else {
      return AccessAnswer.text("", status: 401)
    }
    if request.url.hasSuffix(roles) { return AccessAnswer.text("my role") }
    return AccessAnswer.metadata(key: "instance")
  }

  @Test func `a token is fetched first, then the role, then its credentials`() async throws {
    let client = AccessClient(Self.instance)
    let found = try await AccessScene(client: client).credentials()
    #expect(found.accessKeyID == "instance")
    #expect(found.origin == "the role my role of this EC2 instance")
    let base = "http://169.254.169.254"
    #expect(
      client.requests.map { "\($0.method) \($0.url)" } == [
        "PUT \(base)/latest/api/token", "GET \(base)\(Self.roles)",
        "GET \(base)\(Self.roles)my%20role",
      ]
    )
    #expect(client.requests[0][header: "x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
    #expect(client.requests.allSatisfy { $0.timeout == 1 })
  }

  @Test(arguments: [
    (["AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://host:1338/"], "http://host:1338"),
    (["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv6"], "http://[fd00:ec2::254]"),
  ])
  func `the endpoint may be another`(variables: [String: String], base: String) async throws {
    let client = AccessClient(Self.instance)
    _ = try await AccessScene(variables, client: client).credentials()
    #expect(client.requests[0].url == "\(base)/latest/api/token")
  }

  @Test func `it is not asked where that is forbidden`() async throws {
    let client = AccessClient(Self.instance)
    let scene = try AccessScene(["AWS_EC2_METADATA_DISABLED": "TRUE"], client: client)
    #expect(try await scene.failure().hasSuffix("; AWS_EC2_METADATA_DISABLED is true)"))
    #expect(scene.client.requests.isEmpty)
  }

  @Test(arguments: [403, 404, 405, 500])
  func `without a token the first version is not tried`(status: Int) async throws {
    let client = AccessClient { _ in AccessAnswer.text("x", status: status) }
    let message = try await AccessScene(client: client).failure()
    #expect(message.contains("http://169.254.169.254 answered with status \(status))"))
    #expect(client.requests.count == 1)
  }

  @Test func `an instance without a role has nothing to give`() async throws {
    let client = AccessClient { request in
      request.method == "PUT" ? Self.instance(request) : AccessAnswer.text("", status: 404)
    }
    let message = try await AccessScene(client: client).failure()
    #expect(message.hasSuffix("the EC2 instance's metadata: the instance has no role)"))
    let config = "[profile p]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n"
    let options = AWSAccessOptions(profile: "p")
    let named = try AccessScene(config: config, [:], options, client: client)
    #expect(try await named.failure().contains("give the instance a role, and see that its "))
  }

  @Test func `a role that EC2 may not assume says so`() async throws {
    let client = AccessClient { request in
      if request.url.hasSuffix("role") {
        return AccessAnswer.text(#"{"Code": "AssumeRoleUnauthorizedAccess", "Message": "cannot"}"#)
      }
      return Self.instance(request)
    }
    #expect(
      try await AccessScene(client: client).failure()
        == "the role my role of this EC2 instance: AssumeRoleUnauthorizedAccess: cannot; the role's "
        + "trust policy has to name ec2.amazonaws.com"
    )
  }
}
