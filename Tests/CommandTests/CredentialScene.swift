import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// A place for data, the providers' token services, and a key service; all of them made up.
///
/// The token services accept the first and the second secret.
final class CredentialScene: Sendable {
  /// Secrets that look different in an address; none is anybody's.
  static let first = "f1rst+S3cr3t/a=not-real"
  static let second = "s3cond+S3cr3t/b=not-real"
  static let stranger = "str4nger+S3cr3t/c=not-real"
  /// The key of the key service.
  static let arn = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555"

  let folder: URL
  let server: ReplayServer
  private let data: String
  private let service: FakeKeyService

  /// A scene.
  ///
  /// - Parameter data: where data is kept, if not in the scene's folder.
  /// - Throws: what keeps the servers from starting.
  init(data: String? = nil) throws {
    let service = FakeKeyService(Self.arn)
    folder = try Fixtures.temporaryFolder()
    self.data = data ?? folder.path
    self.service = service
    server = try ReplayServer { request in
      request[header: "X-Amz-Target"] == nil ? Self.answer(request) : service.answer(request)
    }
  }

  deinit {
    server.stop()
    Fixtures.remove(folder)
  }

  func run(
    _ arguments: [String],
    _ input: String = "",
    environment: [String: String] = [:]
  ) throws -> CommandRun {
    var variables = [
      "no_proxy": "*", "PLUMB_DATA": data, "PLUMB_VAULT_KEY": "", "PLUMB_ACTOR": "ann",
      "PLUMB_STATE": folder.appendingPathComponent("state").path,
      "AWS_ACCESS_KEY_ID": "AKIASURROUNDINGS", "AWS_SECRET_ACCESS_KEY": "test",
      "AWS_REGION": "eu-west-1", "IBMCLOUD_API_KEY": "", "AWS_ENDPOINT_URL_KMS": server.url,
    ]
    variables.merge(environment) { $1 }
    return try CommandRun(arguments, input: Data(input.utf8), environment: variables)
  }

  func credentials(_ arguments: String..., input: String = "") throws -> CommandRun {
    try run(["credentials"] + arguments, input)
  }

  /// Adds a credential with the first secret.
  func add(_ name: String, _ provider: String, environment: [String: String] = [:]) throws {
    let key = provider == "aws" ? ["--access-key-id", "AKIAFIRST"] : []
    let run = try run(
      ["credentials", "add", name, "--provider", provider, "--endpoint-url", server.url] + key,
      Self.first + "\n",
      environment: environment
    )
    #expect(run.exitCode == 0, "\(run.errors)")
  }

  /// Lets the key service refuse everything with a code; nil ends that.
  func refuseKey(_ code: String?, after calls: Int = 0) { service.refuse(code, after: calls) }

  /// Accepts what it knows, and sends back what it does not, as no good service would.
  static func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer {
    let body = String(decoding: request.body, as: UTF8.self)
    if request.path.hasSuffix("/identity/token") {
      let isKnown = [first, second].contains {
        body.removingPercentEncoding?.contains($0) == true
      }
      if isKnown { return token() }
      let words: JSONValue = .string("unknown: \(body) \(body.removingPercentEncoding ?? "")")
      return ReplayServer.Answer(400, json: ["errorCode": "E1", "errorMessage": words])
    }
    if body.contains("Action=GetCallerIdentity") {
      let isKnown = request[header: "Authorization"]?.contains("Credential=AKIA") == true
      return isKnown ? identity() : refusal()
    }
    return refusal()
  }

  private static func token() -> ReplayServer.Answer {
    let now = Int64(Date().timeIntervalSince1970)
    let claims = #"{"iat":\#(now),"exp":\#(now + 3600),"iam_id":"Id-1","account":{"bss":"acc1"}}"#
    let parts = [#"{"alg":"RS256"}"#, claims, "signature"].map { part in
      Data(part.utf8).base64EncodedString().replacing("=", with: "")
    }
    let text = parts.joined(separator: ".")
    return ReplayServer.Answer(json: ["access_token": .string(text), "expires_in": 3600])
  }

  private static func identity() -> ReplayServer.Answer {
    let text = """
      <GetCallerIdentityResponse><GetCallerIdentityResult>\
      <Arn>arn:aws:iam::123456789012:user/audit</Arn><UserId>U</UserId>\
      <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
      """
    let type = [("Content-Type", "text/xml")]
    return ReplayServer.Answer(200, headers: type, body: Array(text.utf8))
  }

  private static func refusal() -> ReplayServer.Answer {
    let text = """
      <ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>
      """
    return ReplayServer.Answer(403, body: Array(text.utf8))
  }
}

/// A service with one key, which shows on request how it would refuse.
private final class FakeKeyService: Sendable {
  private struct State {
    var code: String?
    var callsLeft = 0
  }

  private let arn: String
  private let state = Mutex(State())

  init(_ arn: String) { self.arn = arn }

  func refuse(_ code: String?, after calls: Int) {
    state.withLock { $0 = State(code: code, callsLeft: calls) }
  }

  /// "Enciphers" by writing the context before the text.
  func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer {
    let refusal = state.withLock { state -> String? in
      state.callsLeft -= 1
      return state.callsLeft < 0 ? state.code : nil
    }
    let json = try? JSONParser().parse(request.body)
    guard refusal == nil, let json, json["KeyId"]?.string == arn else {
      return ReplayServer.Answer(
        400,
        json: ["__type": .string(refusal ?? "NotFoundException"), "message": "as was wanted"]
      )
    }
    let head = Data((json["EncryptionContext"]?["plumb"]?.string ?? "").utf8)
    let isEncrypting = request[header: "X-Amz-Target"] == "TrentService.Encrypt"
    let text = json[isEncrypting ? "Plaintext" : "CiphertextBlob"]?.string ?? ""
    let bytes = Data((Data(base64Encoded: text) ?? Data()).map { $0 ^ 0x55 })
    guard !isEncrypting else {
      let blob = (head + bytes).base64EncodedString()
      return ReplayServer.Answer(json: ["KeyId": .string(arn), "CiphertextBlob": .string(blob)])
    }
    let blob = Data(base64Encoded: text) ?? Data()
    guard blob.starts(with: head) else {
      return ReplayServer.Answer(400, json: ["__type": "InvalidCiphertextException"])
    }
    let plain = Data(blob.dropFirst(head.count).map { $0 ^ 0x55 }).base64EncodedString()
    return ReplayServer.Answer(json: ["KeyId": .string(arn), "Plaintext": .string(plain)])
  }
}
