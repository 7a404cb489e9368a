import Collectors
import Foundation
import HTTP
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// Keys of AWS's Key Management Service, with moto as the service.
struct AWSKeyTests {
  private static let now = Instant(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000))
  private static let arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-5555"

  private func key(_ arn: String, at endpoint: String) throws -> AWSKey {
    let facts = try AWSCatalog().facts
    let keys = AWSCredentials(
      accessKeyID: "AKIATEST",
      secretAccessKey: Secret("test"),
      origin: "the test"
    )
    return AWSKey(
      try AWSKeyService(
        try #require(AWSKeyName(arn)),
        facts,
        AWSEndpoints(facts, AWSAccessOptions(endpointURL: endpoint)),
        credentials: AWSFixedCredentials(keys),
        client: CurlClient(),
        clock: { Self.now }
      )
    )
  }

  /// Makes a key, as its administrator would.
  private func made(at endpoint: String) async throws -> String {
    let headers = [
      ("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "TrentService.CreateKey"),
      ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20260101/eu-west-1/kms/aws4_request"),
    ]
    let request = HTTPRequest("POST", endpoint + "/", headers: headers, body: Array("{}".utf8))
    let answer = try JSONParser().parse(try await CurlClient().send(request).body)
    return try #require(answer["KeyMetadata"]?["Arn"]?.string)
  }

  @Test(.enabled(if: MotoServer.isExpected))
  func `a key of the service keeps to what every key keeps to`() async throws {
    try await MotoServer.with { server in
      let arns = try await (made(at: server.endpoint), made(at: server.endpoint))
      let key = try key(arns.0, at: server.endpoint)
      let other = try self.key(arns.1, at: server.endpoint)
      try await #expect(KeyKit(key, other: other).faults() == [])
      #expect(key.id == arns.0)
    }
  }

  @Test func `a call names key and context, is signed, and is one of two`() async throws {
    let server = try ReplayServer { _ in
      ReplayServer.Answer(json: ["KeyId": .string(Self.arn), "CiphertextBlob": "AAECAw=="])
    }
    defer { server.stop() }
    let wrapped = try await key(Self.arn, at: server.url).wrap([1, 2, 3], context: [9])
    #expect(wrapped == [0, 1, 2, 3])
    let request = try #require(server.requests.first)
    #expect(server.requests.count == 1)
    #expect(request[header: "X-Amz-Target"] == "TrentService.Encrypt")
    let signature = request[header: "Authorization"] ?? ""
    #expect(signature.contains("Credential=AKIATEST/") && signature.contains("/eu-west-1/kms/"))
    let body = try JSONParser().parse(request.body)
    #expect(body["KeyId"]?.string == Self.arn)
    #expect(body["EncryptionContext"]?["plumb"]?.string == Digest.sha256([9]))
  }

  @Test(arguments: [
    ("DisabledException", 400, "is disabled", "aws kms enable-key --key-id arn:"),
    ("KMSInvalidStateException", 400, "pending deletion", "aws kms cancel-key-deletion"),
    ("NotFoundException", 400, "does not exist", "there is no such key in eu-west-1"),
    ("AccessDeniedException", 400, "is not authorized", "kms:Encrypt and kms:Decrypt"),
    ("UnrecognizedClientException", 400, "token is invalid", "the access key is not known"),
    ("InternalFailure", 500, "try later", "Decrypt with the test: InternalFailure"),
  ])
  func `what the service refuses is told with the way out`(
    code: String,
    status: Int,
    message: String,
    advice: String
  ) async throws {
    let server = try ReplayServer { _ in
      ReplayServer.Answer(status, json: ["__type": .string(code), "message": .string(message)])
    }
    defer { server.stop() }
    let refusal = await #expect(throws: VaultError.self) {
      try await key(Self.arn, at: server.url).unwrap([1], context: [])
    }
    let text = "\(refusal, default: "")"
    #expect(text.contains("the key aws-kms:\(Self.arn) cannot be used") && text.contains(code))
    #expect(text.contains(message) && text.contains(advice), "\(text)")
    #expect(server.requests.count == (status == 500 ? 3 : 1))
  }

  @Test(arguments: ["InvalidCiphertextException", "IncorrectKeyException"])
  func `bytes of another key or context are changed bytes`(code: String) async throws {
    let server = try ReplayServer { _ in
      ReplayServer.Answer(400, json: ["__type": .string(code)])
    }
    defer { server.stop() }
    await #expect(throws: VaultError.changed) {
      try await key(Self.arn, at: server.url).unwrap([1], context: [])
    }
  }

  @Test func `an answer of another key is not taken, and no data key is told`() async throws {
    let plain = Data("thirty-two bytes of a data key!!".utf8).base64EncodedString()
    let server = try ReplayServer { request in
      let body = try? JSONParser().parse(request.body)
      guard body?["Plaintext"] != nil else {
        return ReplayServer.Answer(json: ["KeyId": "arn:other", "Plaintext": "AAAA"])
      }
      let message: JSONValue = .string("no: \(String(decoding: request.body, as: UTF8.self))")
      return ReplayServer.Answer(400, json: ["__type": "ValidationException", "message": message])
    }
    defer { server.stop() }
    let key = try key(Self.arn, at: server.url)
    let other = await #expect(throws: VaultError.self) { try await key.unwrap([1], context: []) }
    #expect("\(other, default: "")".contains("the answer is of another key, arn:other"))
    let echo = await #expect(throws: VaultError.self) {
      try await key.wrap(Array(Data(base64Encoded: plain) ?? Data()), context: [])
    }
    #expect("\(echo, default: "")".contains("[secret]"))
    #expect(!"\(echo, default: "")".contains(plain))
  }

  @Test func `a service that is not there is told`() async throws {
    let server = try ReplayServer { _ in ReplayServer.Answer(500, json: [:]) }
    server.stop()
    let refusal = await #expect(throws: VaultError.self) {
      try await key(Self.arn, at: server.url).unwrap([1], context: [])
    }
    #expect("\(refusal, default: "")".contains("cannot be reached"))
  }

  @Test(arguments: [
    "arn:aws:kms:eu-west-1:123456789012:alias/plumb", "alias/plumb", "",
    "arn:aws:kms:eu-west-1:1:key/x",
    "arn:aws:s3:eu-west-1:123456789012:key/x", "arn:aws:kms::123456789012:key/x",
    "arn:aws:kms:eu-west-1:123456789012:key/x y",
  ])
  func `only the ARN of a key names one`(text: String) {
    #expect(AWSKeyName(text) == nil)
    #expect(AWSKeyName(Self.arn)?.region == "eu-west-1")
    #expect(AWSKeyName("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-0a")?.arn != nil)
  }
}
