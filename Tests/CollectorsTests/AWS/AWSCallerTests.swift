import Collectors
import HTTP
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// Answers requests in the order of a list, and keeps what was asked.
private final class Script: HTTPClient {
  private let state: Mutex<(answers: [Result<HTTPResponse, HTTPError>], asked: [HTTPRequest])>

  init(_ answers: [Result<HTTPResponse, HTTPError>]) { state = Mutex((answers, [])) }

  var asked: [HTTPRequest] { state.withLock { $0.asked } }

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let answer = state.withLock { state in
      state.asked.append(request)
      return state.answers.isEmpty ? nil : state.answers.removeFirst()
    }
    return try (answer ?? .failure(.invalid(reason: "the script is at its end"))).get()
  }
}

private let good = HTTPResponse(
  200,
  headers: [("Content-Type", "application/x-amz-json-1.1")],
  body: Array(#"{"Keys":[{"KeyId":"k"}],"Truncated":false}"#.utf8)
)

private func refused(_ code: String, _ status: Int = 400, _ message: String = "") -> HTTPResponse {
  HTTPResponse(
    status,
    headers: [("Date", "Sat, 21 Nov 2026 13:00:00 GMT")],
    body: Array(#"{"__type":"\#(code)","message":"\#(message)"}"#.utf8)
  )
}

struct AWSCallerTests {
  private func listKeys(
    _ answers: [Result<HTTPResponse, HTTPError>]
  ) async throws -> (Script, Result<JSONValue, APIRefusal>, slept: [Double]) {
    let script = Script(answers)
    let pauses = SleepLog()
    let account = try AWSAccount(script, slept: { pauses.add($0) })
    do {
      let output = try await account.caller.call("ListKeys", of: "kms", [:], in: "eu-west-1")
      return (script, .success(output), pauses.all)
    } catch let refusal as APIRefusal {
      return (script, .failure(refusal), pauses.all)
    }
  }

  @Test func `an answer is read, and the request was signed for the region`() async throws {
    let (script, output, _) = try await listKeys([.success(good)])
    #expect(try output.get()["Keys"]?.array?.count == 1)
    let authorization = script.asked[0][header: "Authorization"] ?? ""
    #expect(authorization.contains("/20261121/eu-west-1/kms/aws4_request"))
  }

  @Test func `throttling and passing failures are tried again, the former after longer`()
    async throws
  {
    let (script, output, slept) = try await listKeys([
      .success(refused("ThrottlingException")), .success(refused("InternalError", 500)),
      .failure(.unreachable(host: "aws.test", reason: "reset")), .success(good),
    ])
    #expect(try output.get()["Keys"]?.array?.count == 1)
    #expect(script.asked.count == 4)
    #expect(slept.count >= 3)
  }

  @Test(arguments: [
    ("AccessDeniedException", 400, APIRefusal.Cause.denied), ("AccessDenied", 403, .denied),
    ("UnauthorizedOperation", 403, .denied), ("InvalidClientTokenId", 403, .credentials),
    ("SignatureDoesNotMatch", 403, .credentials), ("ValidationException", 400, .failed),
  ])
  func `what does not pass is told at once`(
    code: String,
    status: Int,
    cause: APIRefusal.Cause
  ) async throws {
    let (script, output, _) = try await listKeys([.success(refused(code, status, "so it is"))])
    #expect(throws: APIRefusal.self) { try output.get() }
    guard case .failure(let refusal) = output else { return }
    #expect(refusal.cause == cause)
    #expect(refusal.description.contains("kms:ListKeys in eu-west-1 (\(code)): so it is"))
    #expect(script.asked.count == 1)
  }

  @Test func `the service's wish to wait is kept to`() async throws {
    var busy = refused("Throttling")
    busy.headers.append(("Retry-After", "7"))
    var down = refused("InternalError", 503)
    down.headers.append(("Retry-After", "Sat, 21 Nov 2026 12:00:11 GMT"))
    let (_, output, slept) = try await listKeys([.success(busy), .success(down), .success(good)])
    #expect(try output.get()["Keys"]?.array?.count == 1)
    #expect(slept == [7, 11])
  }

  @Test(arguments: [
    (HTTPError.timedOut(host: "h", seconds: 1), APIRefusal.Cause.timedOut, 4),
    (.unreachable(host: "h", reason: "r"), .unreachable, 4),
    (.tls(host: "h", reason: "r"), .unreachable, 4),
    (.tooLarge(host: "h", limit: 1), .malformed, 4),
    (.invalid(reason: "r"), .failed, 1),
  ])
  func `a call without an answer is made again where that helps`(
    error: HTTPError,
    cause: APIRefusal.Cause,
    calls: Int
  ) async throws {
    let (script, output, _) = try await listKeys(Array(repeating: .failure(error), count: 9))
    guard case .failure(let refusal) = output else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.cause == cause)
    #expect(script.asked.count == calls)
  }

  @Test func `what is not implemented is asked for once`() async throws {
    let (script, output, _) = try await listKeys([.success(refused("NotImplemented", 501))])
    #expect(throws: APIRefusal.self) { try output.get() }
    #expect(script.asked.count == 1)
  }

  @Test func `endless throttling ends as throttled`() async throws {
    let endless = Array(repeating: Result<_, HTTPError>.success(refused("Throttling")), count: 50)
    let (script, output, _) = try await listKeys(endless)
    guard case .failure(let refusal) = output else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.cause == .throttled)
    #expect(script.asked.count <= 8)
  }

  @Test func `a cut off answer is tried again and then an error, never an empty list`() async throws
  {
    var cut = good
    cut.body.removeLast(12)
    let (script, output, _) = try await listKeys(Array(repeating: .success(cut), count: 9))
    guard case .failure(let refusal) = output else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.cause == .malformed)
    #expect(script.asked.count > 1)
  }

  @Test func `a clock that differs is set by the provider's, once`() async throws {
    let skewed = refused("InvalidSignatureException", 403, "Signature expired: 20261121T120000Z")
    let (script, output, _) = try await listKeys([.success(skewed), .success(good)])
    #expect(try output.get()["Keys"]?.array?.count == 1)
    #expect(script.asked[1][header: "X-Amz-Date"] == "20261121T130000Z")
    let (again, never, _) = try await listKeys(Array(repeating: .success(skewed), count: 5))
    #expect(throws: APIRefusal.self) { try never.get() }
    #expect(again.asked.count == 2)
  }

  @Test func `a token that expires in the middle is renewed, once for each call`() async throws {
    let expired = HTTPResponse(
      403,
      body: Array(#"{"__type":"ExpiredTokenException","message":"it is over"}"#.utf8)
    )
    let script = Script([.success(good), .success(expired), .success(good)])
    let account = try AWSAccount(script, credentials: Renewing())
    for _ in 0..<2 {
      let output = try await account.caller.call("ListKeys", of: "kms", [:], in: "eu-west-1")
      #expect(output["Keys"]?.array?.count == 1)
    }
    let keys = script.asked.map { request in
      ["key-0/", "key-1/"].first { (request[header: "Authorization"] ?? "").contains($0) }
    }
    #expect(keys == ["key-0/", "key-0/", "key-1/"])
    let stuck = try AWSAccount(
      Script(Array(repeating: .success(expired), count: 9)),
      credentials: Renewing()
    )
    let error = await #expect(throws: APIRefusal.self) {
      try await stuck.caller.call("ListKeys", of: "kms", [:], in: "eu-west-1")
    }
    #expect(error?.cause == .credentials)
  }

  @Test func `credentials that cannot be renewed refuse the call, and end nothing else`()
    async throws
  {
    let expired = HTTPResponse(403, body: Array(#"{"__type":"ExpiredToken"}"#.utf8))
    let account = try AWSAccount(
      Script([.success(expired)]),
      credentials: Renewing(isEmpty: true)
    )
    let error = await #expect(throws: APIRefusal.self) {
      try await account.caller.call("ListKeys", of: "kms", [:], in: "eu-west-1")
    }
    #expect(error?.cause == .credentials)
    #expect(error?.message.contains("nothing is left") == true)
  }

  @Test func `a bucket that lives elsewhere is asked there, and remembered`() async throws {
    let moved = HTTPResponse(301, headers: [("x-amz-bucket-region", "eu-central-1")])
    let status = HTTPResponse(
      200,
      body: Array(
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>".utf8
      )
    )
    let script = Script([.success(moved), .success(status), .success(status)])
    let account = try AWSAccount(script)
    for _ in 0..<2 {
      let input: JSONObject = ["Bucket": "b"]
      let output = try await account.caller.call(
        "GetBucketVersioning",
        of: "s3",
        input,
        in: "us-east-1"
      )
      #expect(output["Status"] == "Enabled")
    }
    let regions = script.asked.map { request in
      ["us-east-1", "eu-central-1"].first { (request[header: "Authorization"] ?? "").contains($0) }
    }
    #expect(regions == ["us-east-1", "eu-central-1", "eu-central-1"])
  }

  @Test func `only operations of the data can be called`() async throws {
    let account = try AWSAccount(Script([]))
    await #expect(throws: APIRefusal.self) {
      try await account.caller.call("DeleteBucket", of: "s3", ["Bucket": "b"], in: "us-east-1")
    }
    let reads = ["Get", "List", "Describe", "BatchGet", "Generate", "Assume"]
    for id in account.catalog.facts.serviceIDs {
      for name in try account.catalog.facts.service(id)?.operations.keys ?? [:].keys {
        #expect(reads.contains { name.hasPrefix($0) }, "\(id):\(name)")
      }
    }
  }
}

/// Credentials that are new after each refresh, or cannot be renewed.
private actor Renewing: AWSCredentialProvider {
  private var number = 0
  private let isEmpty: Bool

  init(isEmpty: Bool = false) { self.isEmpty = isEmpty }

  func credentials() -> AWSCredentials {
    AWSCredentials(
      accessKeyID: "key-\(number)",
      secretAccessKey: Secret("s"),
      origin: "the test"
    )
  }

  func refresh() throws {
    if isEmpty { throw AWSCredentialError.none(["nothing is left"]) }
    number += 1
  }
}

/// How long somebody would have waited.
private final class SleepLog: Sendable {
  private let log = Mutex<[Double]>([])

  var all: [Double] { log.withLock { $0 } }

  func add(_ seconds: Double) { log.withLock { $0.append(seconds) } }
}
