import HTTPTypes
import Hummingbird
import Model
import Store

/// How a collector shows that a request is its own.
struct CollectorProof: Sendable {
  /// What it says that it signed; the body's digest is put in where the body comes in pieces.
  var request: SignedRequest
  var signature: String

  /// What a request shows; nil where it is not signed.
  init?(_ request: Request, body: [UInt8]) {
    func header(_ name: String) -> String? {
      HTTPField.Name(name).flatMap { request.headers[$0] }
    }
    guard let signature = header(SignedRequest.signatureHeader),
      let time = header(SignedRequest.timeHeader)
    else { return nil }
    self.signature = signature
    self.request = SignedRequest(
      method: request.method.rawValue,
      path: request.uri.path,
      query: request.uri.query ?? "",
      body: body,
      collector: header(SignedRequest.collectorHeader) ?? "",
      time: time
    )
  }
}

extension APICall {
  /// The collector that the path names, after its signature was checked; the body is given where the
  /// operation takes other than JSON.
  ///
  /// - Throws: a problem for a request that is not the collector's, or of one that was revoked.
  func signedCollector(body: [UInt8]? = nil) async throws -> CollectorRecord {
    let id = number()
    guard let proof, proof.request.collector == "\(id)" else {
      throw Self.unsigned("\(SignedRequest.collectorHeader) is not the collector of the path")
    }
    let found = try await read { transaction in
      try transaction.collectors().first { $0.id == id }
    }
    guard let found, let key = VerifyingKey(text: found.publicKey) else {
      throw Self.unsigned("the signature is not by the collector's key")
    }
    try check(proof, key, body: body)
    guard found.state != .revoked else {
      throw Problem(
        403,
        "revoked",
        "The collector was revoked",
        "\(found.reason); a new one registers with a new code and an empty folder"
      )
    }
    return found
  }

  /// The same of a collector that may work.
  func workingCollector(body: [UInt8]? = nil) async throws -> CollectorRecord {
    let found = try await signedCollector(body: body)
    guard found.state == .approved else {
      throw Problem(
        403,
        "not-approved",
        "The collector may not work",
        "it is \(found.state.rawValue)\(found.reason.isEmpty ? "" : ": \(found.reason)")"
      )
    }
    return found
  }

  /// Refuses a request that a key did not sign just now.
  func check(_ proof: CollectorProof, _ key: VerifyingKey, body: [UInt8]? = nil) throws {
    var request = proof.request
    if let body { request.digest = Digest.sha256(body) }
    if let fault = request.fault(proof.signature, key, at: now) { throw Self.unsigned(fault) }
  }

  private static func unsigned(_ detail: String) -> Problem {
    Problem(401, "signature", "The request is not signed as it should be", detail)
  }
}
