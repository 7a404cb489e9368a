import JSON
import Model

extension AWSCredentials {
  /// The members that hold credentials in an answer.
  enum Layout {
    /// As instance and container metadata write them.
    case metadata
    /// As STS and programs write them.
    case session

    var token: String { self == .metadata ? "Token" : "SessionToken" }
  }

  /// Credentials out of an answer's object.
  ///
  /// - Throws: ``AWSCredentialError/source(_:reason:advice:)``, which names a missing member and
  ///   shows no value.
  init(_ answer: JSONValue, _ layout: Layout, origin: String) throws(AWSCredentialError) {
    func fault(_ reason: String) -> AWSCredentialError {
      .source(origin, reason: reason, advice: "")
    }
    func text(_ member: String) -> String? {
      answer[member]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
    guard let id = text("AccessKeyId") else { throw fault("the answer has no AccessKeyId") }
    guard let secret = text("SecretAccessKey") else {
      throw fault("the answer has no SecretAccessKey")
    }
    let token = text(layout.token)
    if layout == .metadata, token == nil { throw fault("the answer has no Token") }
    let expires: Instant?
    switch answer["Expiration"] {
    case nil, .null: expires = .never
    case .string(let text): expires = Instant(text)
    case let number:
      expires = number?.double.map {
        Instant(milliseconds: Int64(Timestamp.seconds($0) * 1000))
      }
    }
    guard let expires else { throw fault("the answer's Expiration is no instant") }
    self.init(
      accessKeyID: id,
      secretAccessKey: Secret(secret),
      sessionToken: token.map(Secret.init),
      expires: expires,
      origin: origin
    )
  }

  /// The object in an answer's body.
  ///
  /// - Throws: ``AWSCredentialError/source(_:reason:advice:)``.
  static func object(
    _ body: [UInt8],
    origin: String
  ) throws(AWSCredentialError) -> JSONValue {
    guard let answer = try? JSONParser().parse(body), answer.object != nil else {
      // What the parser says may show a part of the text.
      throw .source(origin, reason: "the answer is no JSON object", advice: "")
    }
    return answer
  }
}
