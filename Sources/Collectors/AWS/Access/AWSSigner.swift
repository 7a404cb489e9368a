package import HTTP
package import Model

/// Signs requests with AWS Signature Version 4, in the `Authorization` header.
///
/// Every header of the request is signed. Source: AWS General Reference, "Create a signed AWS API
/// request".
package struct AWSSigner: Sendable {
  package init() {}

  /// The request with its date, the session's token and a signature.
  ///
  /// A request that was signed before is signed anew, so that it can be sent again.
  ///
  /// - Throws: ``HTTPError/invalid(reason:)`` for a URL without a host.
  package func signed(
    _ request: HTTPRequest,
    _ credentials: AWSCredentials,
    service signingName: String,
    region: String,
    at instant: Instant
  ) throws -> HTTPRequest {
    let scope = AWSSigningScope(service: signingName, region: region, instant)
    let signing = try AWSCanonicalRequest(
      dressed(request, credentials, scope),
      isStorage: scope.isStorage
    )
    var signed = signing.request
    signed[header: "Authorization"] =
      "\(AWSSigningScope.algorithm) Credential=\(credentials.accessKeyID)/\(scope.text), "
      + "SignedHeaders=\(signing.signedHeaders), "
      + "Signature=\(scope.signature(of: signing, credentials.secretAccessKey))"
    return signed
  }

  /// The request with every header that the signature is to cover.
  private func dressed(
    _ request: HTTPRequest,
    _ credentials: AWSCredentials,
    _ scope: AWSSigningScope
  ) throws -> HTTPRequest {
    var request = request
    request[header: "Authorization"] = nil
    if request[header: "Host"] == nil {
      guard let url = AWSURL(request.url) else {
        throw HTTPError.invalid(reason: "\"\(request.url)\" is no URL with a host")
      }
      request[header: "Host"] = url.host
    }
    request[header: "X-Amz-Date"] = scope.time
    request[header: "X-Amz-Security-Token"] = credentials.sessionToken?.revealed
    if scope.isStorage { request[header: "X-Amz-Content-SHA256"] = Digest.sha256(request.body) }
    return request
  }
}

/// What a signature holds for: a day, a region and a service.
struct AWSSigningScope {
  static let algorithm = "AWS4-HMAC-SHA256"

  let service: String
  let region: String
  /// The instant as `YYYYMMDDThhmmssZ`.
  let time: String

  init(service: String, region: String, _ instant: Instant) {
    self.service = service
    self.region = region
    let whole = instant.milliseconds - (instant.milliseconds % 1000 + 1000) % 1000
    time = "\(Instant(milliseconds: whole))".filter { $0 != "-" && $0 != ":" }
  }

  /// Whether the service is S3, whose paths are signed as they are and whose requests carry the
  /// digest of their body.
  var isStorage: Bool { ["s3", "s3-outposts", "s3express", "s3-object-lambda"].contains(service) }

  private var day: Substring { time.prefix(8) }

  /// The scope as it stands in a signature.
  var text: String { "\(day)/\(region)/\(service)/aws4_request" }

  /// The signature of a request, in hexadecimal.
  func signature(of request: AWSCanonicalRequest, _ secret: Secret) -> String {
    var key = Array("AWS4\(secret.revealed)".utf8)
    for part in [String(day), region, service, "aws4_request"] {
      key = HMAC.sha256(key: key, part)
    }
    return HMAC.sha256(key: key, textToSign(request)).map(PercentEncoding.hexadecimal).joined()
  }

  /// What is signed for a request.
  func textToSign(_ request: AWSCanonicalRequest) -> String {
    let digest = Digest.sha256(Array(request.text.utf8))
    return [Self.algorithm, time, text, digest].joined(separator: "\n")
  }
}
