import Foundation
package import HTTP
import JSON
package import Model

/// The two calls to AWS's Key Management Service that a key-encryption key takes, and no other.
///
/// It shares signature, endpoints and credentials with what collects, and nothing that makes calls: what
/// collects can only call what its data names, none of which writes, and this can do nothing but
/// encipher and decipher with one key.
package struct AWSKeyService: Sendable {
  let key: AWSKeyName
  private let service: AWSService
  private let endpoint: AWSEndpoint
  private let credentials: any AWSCredentialProvider
  private let client: any HTTPClient
  private let clock: @Sendable () -> Instant

  /// How often a call is made before it is given up.
  private static let attempts = 3

  /// The service for one key.
  ///
  /// - Parameters:
  ///   - key: the key.
  ///   - facts: how the service is called.
  ///   - endpoints: where.
  ///   - credentials: as whom.
  ///   - client: sends the requests.
  ///   - clock: the time of day, for signatures.
  /// - Throws: ``AWSFactsError``, ``AWSCredentialError``.
  package init(
    _ key: AWSKeyName,
    _ facts: AWSFacts,
    _ endpoints: AWSEndpoints,
    credentials: any AWSCredentialProvider,
    client: any HTTPClient,
    clock: @escaping @Sendable () -> Instant
  ) throws {
    guard let service = try facts.service("kms") else {
      throw AWSFactsError(path: "services.kms", reason: "is missing")
    }
    self.key = key
    self.service = service
    endpoint = try endpoints.endpoint(service, region: key.region)
    self.credentials = credentials
    self.client = client
    self.clock = clock
  }

  /// Enciphers a few bytes and binds them to a context, which AWS's logs show.
  ///
  /// - Throws: ``VaultError``; `CancellationError`.
  func encrypt(_ text: [UInt8], context: String) async throws -> [UInt8] {
    let plain = Data(text).base64EncodedString()
    let answer = try await call("Encrypt", ["Plaintext": .string(plain)], context, hiding: plain)
    return try bytes(answer, "CiphertextBlob")
  }

  /// Deciphers what was enciphered with the same context.
  ///
  /// - Throws: ``VaultError``; `CancellationError`.
  func decrypt(_ sealed: [UInt8], context: String) async throws -> [UInt8] {
    let blob = Data(sealed).base64EncodedString()
    return try bytes(
      try await call("Decrypt", ["CiphertextBlob": .string(blob)], context),
      "Plaintext"
    )
  }

  private func bytes(_ answer: JSONValue, _ member: String) throws(VaultError) -> [UInt8] {
    guard answer["KeyId"]?.string == key.arn else {
      throw fault("the answer is of another key, \(answer["KeyId"]?.string ?? "none")")
    }
    guard let text = answer[member]?.string, let data = Data(base64Encoded: text) else {
      throw fault("the answer has no \(member)")
    }
    return Array(data)
  }

  private func call(
    _ operation: String,
    _ input: JSONObject,
    _ context: String,
    hiding secret: String? = nil
  ) async throws -> JSONValue {
    var input = input
    input["KeyId"] = .string(key.arn)
    input["EncryptionContext"] = ["plumb": .string(context)]
    let body = Array(JSONValue.object(input).text.utf8)
    var hasRenewed = false
    for attempt in 1... {
      let response: HTTPResponse
      let caller: AWSCredentials
      do {
        caller = try await credentials.credentials()
        response = try await client.send(request(operation, body, caller))
      } catch let error as AWSCredentialError {
        throw fault("\(error)")
      } catch let error as HTTPError {
        guard Self.isPassing(error), attempt < Self.attempts else { throw fault("\(error)") }
        try await Task.sleep(for: .milliseconds(200 << attempt))
        continue
      }
      if (200..<300).contains(response.status) {
        guard let answer = try? JSONParser().parse(response.body) else {
          throw fault("the answer is no JSON; look at \(endpoint.url)")
        }
        return answer
      }
      let refusal = AWSKeyRefusal(AWSResponseReader().fault(response, of: service), operation)
      if refusal.meansExpired, !hasRenewed {
        hasRenewed = true
        try? await credentials.refresh()
      } else if refusal.isPassing, attempt < Self.attempts {
        try await Task.sleep(for: .milliseconds(200 << attempt))
      } else if refusal.meansChanged {
        throw VaultError.changed
      } else {
        throw fault(refusal.text(of: key, caller, hiding: secret))
      }
    }
    throw fault("it was tried too often")
  }

  private static func isPassing(_ error: HTTPError) -> Bool {
    switch error {
    case .unreachable, .timedOut: true
    case .tls, .tooLarge, .privateAddress, .invalid: false
    }
  }

  private func request(
    _ operation: String,
    _ body: [UInt8],
    _ caller: AWSCredentials
  ) throws -> HTTPRequest {
    let request = HTTPRequest(
      "POST",
      endpoint.url + "/",
      headers: [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Target", "TrentService.\(operation)"), ("User-Agent", "plumb"),
      ],
      body: body,
      timeout: 15
    )
    return try AWSSigner().signed(
      request,
      caller,
      service: service.signingName,
      region: endpoint.signingRegion,
      at: clock()
    )
  }

  private func fault(_ reason: String) -> VaultError { .key("aws-kms:\(key.arn)", reason: reason) }
}

/// Why the service did not do what it was asked.
private struct AWSKeyRefusal {
  private let fault: AWSFault
  private let operation: String

  init(_ fault: AWSFault, _ operation: String) { (self.fault, self.operation) = (fault, operation) }

  var meansExpired: Bool {
    ["ExpiredToken", "ExpiredTokenException"].contains(fault.code)
  }

  /// Whether the bytes, or what they were bound to, are not what this key made.
  var meansChanged: Bool {
    operation == "Decrypt"
      && ["InvalidCiphertextException", "IncorrectKeyException"].contains(fault.code)
  }

  /// Whether the same call may succeed a moment later.
  var isPassing: Bool {
    fault.status >= 500 || fault.status == 429
      || [
        "ThrottlingException", "DependencyTimeoutException", "KeyUnavailableException",
        "KMSInternalException",
      ].contains(fault.code)
  }

  /// The fault and the way out, without what was to be enciphered, should somebody send it back.
  func text(of key: AWSKeyName, _ caller: AWSCredentials, hiding secret: String?) -> String {
    let said = secret.map { "\(fault)".replacing($0, with: "[secret]") } ?? "\(fault)"
    let advice = advice(key, caller)
    return "\(operation) with \(caller.origin): \(said)" + (advice.isEmpty ? "" : "; \(advice)")
  }

  private func advice(_ key: AWSKeyName, _ caller: AWSCredentials) -> String {
    switch fault.code {
    case "DisabledException": "aws kms enable-key --key-id \(key.arn) enables it again"
    case "KMSInvalidStateException":
      "while it waits for its deletion, aws kms cancel-key-deletion --key-id \(key.arn) keeps it"
    case "NotFoundException": "there is no such key in \(key.region), or not any more"
    case "AccessDeniedException", "AccessDenied":
      "the key's policy, or the caller's, has to allow kms:Encrypt and kms:Decrypt with it"
    case "InvalidKeyUsageException": "the key has to be symmetric, for ENCRYPT_DECRYPT"
    case "UnrecognizedClientException", "InvalidClientTokenId", "SignatureDoesNotMatch",
      "IncompleteSignature", "InvalidSignatureException":
      "the access key is not known, its secret is wrong, or this machine's clock is"
    case "ExpiredToken", "ExpiredTokenException": "the credentials are too old; renew them"
    default: ""
    }
  }
}
