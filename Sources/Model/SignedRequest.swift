import Foundation

/// What of a request a collector signs: the signature base of RFC 9421 with fixed components.
///
/// docs/collectors-remote.md has an example.
package struct SignedRequest: Sendable, Hashable {
  /// The header that names the collector; empty for one that registers.
  package static let collectorHeader = "X-Plumb-Collector"
  /// The header with the instant of signing.
  package static let timeHeader = "X-Plumb-Time"
  /// The header with the signature, in base64.
  package static let signatureHeader = "X-Plumb-Signature"
  /// How far the signing may be from the present, in milliseconds.
  package static let window: Int64 = 300_000

  /// In upper case.
  package var method: String
  package var path: String
  /// What follows the `?`, as it goes over the wire; empty for none.
  package var query: String
  /// SHA-256 of the body, in hexadecimal.
  package var digest: String
  package var collector: String
  package var time: String

  package init(
    method: String,
    path: String,
    query: String,
    body: [UInt8],
    collector: String,
    time: String
  ) {
    (self.method, self.path, self.query) = (method, path, query)
    (self.collector, self.time) = (collector, time)
    digest = Digest.sha256(body)
  }

  /// The text that is signed.
  package var text: String {
    """
    "@method": \(method)
    "@path": \(path)
    "@query": ?\(query)
    "content-sha256": \(digest)
    "x-plumb-collector": \(collector)
    "x-plumb-time": \(time)
    "@signature-params": ("@method" "@path" "@query" "content-sha256" "x-plumb-collector" \
    "x-plumb-time");alg="ed25519"
    """
  }

  /// Why a signature does not count; nil where it does.
  package func fault(_ signature: String, _ key: VerifyingKey, at now: Instant) -> String? {
    guard let signed = Instant(time) else { return "\(Self.timeHeader) is no instant" }
    guard abs(signed.milliseconds - now.milliseconds) <= Self.window else {
      return "it was signed at \(time), and here it is \(now): set the clock of the collector"
    }
    guard let bytes = Data(base64Encoded: signature), key.isSigned(text, Array(bytes)) else {
      return "the signature is not by the collector's key"
    }
    return nil
  }
}
