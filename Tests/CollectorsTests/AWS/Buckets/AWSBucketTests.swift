import Collectors
import Foundation
import HTTP
import Model
import Synchronization
import TestSupport
import Testing

/// A bucket of one object, whose server misbehaves first.
struct AWSBucketTests {
  private static let object = AWSBucket.Object(key: "a b/ü+c.log", size: 10, tag: "\"1\"")
  private static let body = Array("0123456789".utf8)

  private static func bucket(_ endpoint: String) throws -> AWSBucket {
    let facts = try AWSCatalog().facts
    let keys = AWSCredentials(
      accessKeyID: "AKIATEST",
      secretAccessKey: Secret("test"),
      origin: "the test"
    )
    return try AWSBucket(
      "logs",
      facts,
      AWSEndpoints(facts, AWSAccessOptions(endpointURL: endpoint)),
      region: "eu-de",
      credentials: AWSFixedCredentials(keys),
      client: CurlClient(),
      clock: { Instant("2026-11-22T12:00:00Z") ?? .never },
      pause: { _ in }
    )
  }

  private static func error(_ status: Int, _ code: String) -> ReplayServer.Answer {
    let text = "<Error><Code>\(code)</Code><Message>said so</Message></Error>"
    return ReplayServer.Answer(status, body: Array(text.utf8))
  }

  /// Serves answers one after another, the last one for ever.
  private static func serve(
    _ answers: [ReplayServer.Answer],
    _ body: (AWSBucket, ReplayServer) async throws -> Void
  ) async throws {
    let count = Mutex(0)
    let server = try ReplayServer { _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      return answers[min(number, answers.count) - 1]
    }
    defer { server.stop() }
    try await body(bucket(server.url), server)
  }

  private static func list(_ keys: [String], next: String? = nil) -> ReplayServer.Answer {
    let entries = keys.map {
      "<Contents><Key>\($0)</Key><Size>10</Size><ETag>&quot;1&quot;</ETag></Contents>"
    }
    let more = next.map { "<NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
    let text =
      "<ListBucketResult><IsTruncated>\(next != nil)</IsTruncated><EncodingType>url</EncodingType>"
      + entries.joined() + more + "</ListBucketResult>"
    return ReplayServer.Answer(body: Array(text.utf8))
  }

  @Test func `a list goes on page by page, with keys as they are`() async throws {
    try await Self.serve([
      Self.list(["a+b/%C3%BC%2Bc.log"], next: "t/1+2="), Self.list(["z"]),
    ]) { bucket, server in
      let first = try await bucket.objects("a b/")
      #expect(first.objects == [Self.object])
      let second = try await bucket.objects("a b/", from: first.next)
      #expect(second.objects.map(\.key) == ["z"] && second.next == nil)
      #expect(server.requests.map(\.path) == ["/logs/", "/logs/"])
      let asked = server.requests[1].query.map { "\($0.name)=\($0.value)" }
      #expect(asked.contains("continuation-token=t/1+2=") && asked.contains("prefix=a b/"))
      let signature = server.requests[0][header: "Authorization"] ?? ""
      #expect(signature.contains("AKIATEST/20261122/eu-de/s3/aws4_request"))
    }
  }

  @Test func `a list that is cut off without saying where it goes on is no list`() async throws {
    let text = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>"
    try await Self.serve([ReplayServer.Answer(body: Array(text.utf8))]) { bucket, _ in
      let error = await #expect(throws: AWSBucketError.self) { try await bucket.objects("") }
      #expect(error?.description.contains("does not say where the list goes on") == true)
    }
  }

  @Test func `a part is asked for by range and version, and taken as it is stored`() async throws {
    var part = ReplayServer.Answer(206, body: Array("2345".utf8))
    part.headers = [("Content-Encoding", "gzip")]
    try await Self.serve([part, ReplayServer.Answer(body: Self.body)]) { bucket, server in
      let part = try await bucket.bytes(of: Self.object, from: 2, count: 4)
      #expect(part == Array("2345".utf8))
      let asked = server.requests[0]
      #expect(asked[header: "Range"] == "bytes=2-5" && asked[header: "If-Match"] == "\"1\"")
      #expect(asked[header: "Accept-Encoding"] == nil)
      // A server without ranges answers with all.
      let rest = try await bucket.bytes(of: Self.object, from: 7, count: 4)
      #expect(rest == Array("789".utf8))
      let none = try await bucket.bytes(of: Self.object, from: 10, count: 4)
      #expect(none.isEmpty)
    }
  }

  @Test func `what is throttled, fails or breaks off is asked for again`() async throws {
    var broken = ReplayServer.Answer(206, body: Self.body)
    broken.cutOff = 4
    let short = ReplayServer.Answer(206, body: Array("0123".utf8))
    for fault in [Self.error(503, "SlowDown"), Self.error(500, "InternalError"), broken, short] {
      try await Self.serve([fault, fault, ReplayServer.Answer(206, body: Self.body)]) {
        bucket,
        server in
        let bytes = try await bucket.bytes(of: Self.object, from: 0, count: 10)
        #expect(bytes == Self.body)
        #expect(server.requests.count == 3)
      }
      try await Self.serve([fault]) { bucket, server in
        await #expect(throws: AWSBucketError.self) {
          try await bucket.bytes(of: Self.object, from: 0, count: 10)
        }
        #expect((4...6).contains(server.requests.count))
      }
    }
  }

  @Test(arguments: [
    (404, "NoSuchKey", "s3://logs/a b/ü+c.log: is gone since the bucket was listed"),
    (412, "PreconditionFailed", "was replaced since the bucket was listed"),
    (403, "AccessDenied", "s3:GetObject for its objects"),
    (403, "InvalidObjectState", "is archived"), (404, "NoSuchBucket", "there is no such bucket"),
    (403, "SignatureDoesNotMatch", "credentials refused: s3:GetObject in eu-de"),
  ])
  func `a refusal is not repeated, and says what it means`(
    status: Int,
    code: String,
    message: String
  ) async throws {
    try await Self.serve([Self.error(status, code)]) { bucket, server in
      let error = await #expect(throws: AWSBucketError.self) {
        try await bucket.bytes(of: Self.object, from: 0, count: 10)
      }
      #expect(error?.description.contains(message) == true, "\(String(describing: error))")
      #expect(server.requests.count == 1)
    }
  }

  @Test func `a bucket in another region is asked there`() async throws {
    var elsewhere = Self.error(400, "AuthorizationHeaderMalformed")
    elsewhere.headers = [("x-amz-bucket-region", "eu-gb")]
    try await Self.serve([elsewhere, Self.list([])]) { bucket, server in
      let page = try await bucket.objects("")
      #expect(page.objects.isEmpty)
      #expect(server.requests[1][header: "Authorization"]?.contains("/eu-gb/s3/") == true)
    }
  }

  @Test func `a key that a client would change on its way is refused`() async throws {
    try await Self.serve([Self.list([])]) { bucket, server in
      let object = AWSBucket.Object(key: "a/../b", size: 1, tag: "1")
      await #expect(throws: AWSBucketError.self) {
        try await bucket.bytes(of: object, from: 0, count: 1)
      }
      #expect(server.requests.isEmpty)
    }
  }
}
