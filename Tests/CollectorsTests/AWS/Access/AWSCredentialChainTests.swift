import Collectors
import Foundation
import HTTP
import Model
import Testing

private let keys = "aws_access_key_id = ID\naws_secret_access_key = hidden\n"

private func named(_ key: String) -> String {
  "aws_access_key_id = \(key)\naws_secret_access_key = hidden\n"
}

/// Answers as a cloud would in which every way to credentials is open.
private func cloud(_ request: HTTPRequest) throws -> HTTPResponse {
  switch (request.method, request.url) {
  case ("POST", _):
    let operation = request.form["Action"] ?? ""
    return AccessAnswer.session(operation, key: operation)
  case ("GET", "http://169.254.170.2/task"): return AccessAnswer.metadata(key: "container")
  case ("PUT", "http://169.254.169.254/latest/api/token"): return AccessAnswer.text("imds")
  case ("GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/"):
    return AccessAnswer.text("auditor\n")
  case ("GET", "http://169.254.169.254/latest/meta-data/iam/security-credentials/auditor"):
    return AccessAnswer.metadata(key: "instance")
  default: throw HTTPError.unreachable(host: request.url, reason: "not part of the cloud")
  }
}

struct AWSCredentialChainTests {
  /// Every way to credentials, in the order in which they are taken.
  private static let ways = [
    "option", "environment", "AssumeRole", "AssumeRoleWithWebIdentity", "file", "config",
    "container", "instance",
  ]

  @Test(arguments: 0..<ways.count)
  func `what comes first is taken`(first: Int) async throws {
    let open = Set(Self.ways[first...])
    var variables: [String: String] = [:]
    if open.contains("environment") {
      variables["AWS_ACCESS_KEY_ID"] = "environment"
      variables["AWS_SECRET_ACCESS_KEY"] = "hidden"
    }
    if open.contains("AssumeRoleWithWebIdentity") {
      variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = AccessCases.folder.path + "/version"
      variables["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/web"
    }
    if open.contains("container") {
      variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/task"
    }
    let role = "role_arn = arn:aws:iam::1:role/r\nsource_profile = default\n"
    let scene = try AccessScene(
      config: "[default]\n" + (open.contains("config") ? named("config") : "")
        + (open.contains("AssumeRole") ? role : ""),
      credentials: open.contains("file") ? "[default]\n\(named("file"))" : "",
      variables,
      AWSAccessOptions(keys: open.contains("option") ? Self.given : nil),
      client: AccessClient(cloud)
    )
    #expect(try await scene.credentials().accessKeyID == Self.ways[first])
  }

  private static let given = AWSCredentials(
    accessKeyID: "option",
    secretAccessKey: Secret("hidden"),
    origin: "the options"
  )

  @Test func `nothing anywhere says what was looked at`() async throws {
    let scene = try AccessScene(config: "[default]\nregion = eu-west-1\n")
    #expect(
      try await scene.failure()
        == "no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
        + "AWS_SECRET_ACCESS_KEY, or give the machine a role (AWS_ACCESS_KEY_ID is not set; profile "
        + "\"default\": nothing in ~/.aws/config, ~/.aws/credentials is not there; "
        + "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set; "
        + "the EC2 instance's metadata: http://169.254.169.254/latest/api/token cannot be reached: "
        + "no route to host)"
    )
    #expect(scene.client.requests.map(\.timeout) == [1])
  }

  @Test func `the surroundings can be left out`() async throws {
    let options = AWSAccessOptions(usesSurroundings: false)
    let scene = try AccessScene(credentials: "[default]\n\(keys)", [:], options)
    #expect(try await scene.failure().contains("the surroundings may not be used"))
    #expect(scene.client.requests.isEmpty)
  }

  @Test func `a profile that an option names is used alone`() async throws {
    let variables = [
      "AWS_ACCESS_KEY_ID": "environment", "AWS_SECRET_ACCESS_KEY": "hidden",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/task",
    ]
    let options = AWSAccessOptions(profile: "p")
    let full = try AccessScene(credentials: "[p]\n\(named("p"))", variables, options)
    #expect(try await full.credentials().accessKeyID == "p")
    let empty = try AccessScene(
      config: "[profile p]\nregion = r\n",
      variables,
      options,
      client: AccessClient(cloud)
    )
    #expect(try await empty.failure().contains("profile \"p\": nothing in ~/.aws/config"))
    #expect(empty.client.requests.isEmpty)
  }

  @Test func `the environment's session is taken whole`() async throws {
    let scene = try AccessScene([
      "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": "t",
      "AWS_CREDENTIAL_EXPIRATION": AccessAnswer.soon,
    ])
    let found = try await scene.credentials()
    #expect(found.sessionToken == Secret("t"))
    #expect(found.expires == Instant(AccessAnswer.soon))
    #expect(found.origin == "the environment (AWS_ACCESS_KEY_ID)")
  }

  @Test(arguments: [
    (["AWS_ACCESS_KEY_ID": "x"], "AWS_SECRET_ACCESS_KEY is not set, and AWS_ACCESS_KEY_ID is"),
    (["AWS_SECRET_ACCESS_KEY": "x"], "AWS_ACCESS_KEY_ID is not set, and AWS_SECRET_ACCESS_KEY is"),
    (
      ["AWS_WEB_IDENTITY_TOKEN_FILE": "x"],
      "AWS_ROLE_ARN is not set, and AWS_WEB_IDENTITY_TOKEN_FILE is"
    ),
    (
      ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "@elsewhere/"],
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI has to begin with /"
    ),
    (["AWS_EC2_METADATA_SERVICE_ENDPOINT": "x"], "AWS_EC2_METADATA_SERVICE_ENDPOINT is no URL"),
    (["AWS_PROFILE": "x"], "there is no profile \"x\", which AWS_PROFILE names; there are none"),
  ])
  func `half of what is needed is an error`(
    variables: [String: String],
    message: String
  ) async throws {
    #expect(try await AccessScene(variables).failure().hasPrefix(message))
  }

  @Test(arguments: [
    ("aws_access_key_id = ID\n", 2, "aws_secret_access_key is missing"),
    ("aws_secret_access_key = hidden\n", 2, "aws_access_key_id is missing"),
    ("role_arn = r\n", 2, "role_arn needs source_profile or credential_source beside it"),
    (
      "role_arn = r\nsource_profile = x\ncredential_source = Environment\n", 3,
      "source_profile and credential_source exclude each other"
    ),
    ("role_arn = r\ncredential_source = Moon\n", 3, "credential_source Moon: it is Environment, "),
    (
      "role_arn = r\ncredential_source = EcsContainer\n", 3,
      "credential_source EcsContainer: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and "
    ),
    ("role_arn = r\nsource_profile = x\nduration_seconds = 1h\n", 4, "duration_seconds is a "),
    ("web_identity_token_file = /x\n", 2, "web_identity_token_file needs role_arn beside it"),
    ("credential_process = /bin/true\n", 2, "credential_process runs a program, which is not "),
    (
      "role_arn = r\nsource_profile = q\n[profile q]\nregion = r\n", 3,
      "source_profile \"q\" has no credentials"
    ),
  ])
  func `a profile's fault names the profile, the file and the line`(
    settings: String,
    line: Int,
    reason: String
  ) async throws {
    let scene = try AccessScene(config: "[profile p]\n\(settings)", [:], .init(profile: "p"))
    let message = try await scene.failure()
    #expect(message.hasPrefix("profile \"p\" (~/.aws/config, line \(line)): \(reason)"))
    #expect(!message.contains("hidden"))
  }

  @Test(arguments: [
    ("role_arn = r\nsource_profile = x\nmfa_serial = s\n", "line 4): mfa_serial asks for a "),
    ("sso_session = s\nsso_account_id = 1\n", "line 2): it uses single sign-on"),
    ("sso_start_url = https://s\n", "line 2): it uses single sign-on"),
    ("login_session = arn\n", "line 2): it signs in with aws login"),
  ])
  func `what needs a person says what to do`(settings: String, reason: String) async throws {
    let scene = try AccessScene(config: "[profile my team]\n", [:], .init(profile: "p"))
    _ = try scene.file(".aws/config", "[profile p]\n\(settings)")
    let message = try await scene.failure()
    #expect(message.contains(reason))
    #expect(message.hasSuffix("aws configure export-credentials --profile p --format env"))
  }

  @Test func `keys that somebody put beside single sign-on are used`() async throws {
    let scene = try AccessScene(
      config: "[profile p]\nsso_session = s\n\(named("config"))",
      credentials: "[p]\n\(named("credentials"))",
      [:],
      .init(profile: "p")
    )
    #expect(try await scene.credentials().accessKeyID == "credentials")
  }
}

struct AWSProcessCredentialsTests {
  private func scene(_ command: String) throws -> AccessScene {
    let path = ["PATH": "/usr/bin:/bin"]
    let options = AWSAccessOptions(profile: "p", runsPrograms: true)
    return try AccessScene(config: "[profile p]\ncredential_process = \(command)\n", path, options)
  }

  @Test func `a program's answer is taken, and no shell runs it`() async throws {
    let json =
      #"{"Version": 1, "AccessKeyId": "$HOME", "SecretAccessKey": "a b", "SessionToken": "t"}"#
    let found = try await scene("printf %s '\(json)'").credentials()
    #expect(found.accessKeyID == "$HOME")
    #expect(found.secretAccessKey == Secret("a b"))
    #expect(found.expires == .never)
    #expect(found.origin.hasPrefix("the credential_process of profile \"p\" ("))
  }

  @Test(arguments: [
    ("printf '{\"Version\": 2}'", "the answer's Version is not 1"),
    ("printf '{\"Version\": 1, \"SecretAccessKey\": \"hidden\"}'", "has no AccessKeyId"),
    ("printf hidden", "the answer is no JSON object"),
    ("false", "credential_process: false ended with status 1"),
    ("no-such-program", "credential_process: no-such-program is not in PATH"),
    ("/no/such/program x", "credential_process: /no/such/program cannot be started"),
    ("printf 'open", "credential_process has a quote that is not closed"),
  ])
  func `a program that gives nothing is named`(command: String, reason: String) async throws {
    let message = try await scene(command).failure()
    #expect(message.contains(reason))
    #expect(message.contains("~/.aws/config, line 2"))
    #expect(!message.contains("hidden"))
  }
}
