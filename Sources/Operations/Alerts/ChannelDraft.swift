import Foundation
package import JSON
package import Model

/// A channel as somebody describes it, with its secrets.
package struct ChannelDraft: Sendable {
  package var channel: Channel
  package var secrets: [String: Secret] = [:]
  /// The key of a webhook that was described without one.
  package var madeKey: Secret?

  /// Reads a description; `random` gives so many bytes that nobody can guess.
  ///
  /// - Throws: ``AlertFailure`` for a secret that the kind has none of.
  package init(_ body: JSONValue, random: (Int) throws -> [UInt8]) throws {
    let kind = body["kind"]?.string.flatMap { Channel.Kind(rawValue: $0) } ?? .webhook
    channel = Channel(name: body["name"]?.string ?? "", kind: kind, address: "")
    channel.take(body)
    let known: [Channel.Kind: String] = [
      .webhook: "key", .slack: "url", .teams: "url", .email: "password",
    ]
    for (name, value) in body["secret"]?.object?.members ?? [] {
      guard known[kind] == name else {
        throw AlertFailure(
          "a channel of kind \(kind.rawValue) has no secret \(name)",
          isFinal: true
        )
      }
      secrets[name] = Secret(value.string ?? "")
    }
    if kind == .webhook, secrets.isEmpty {
      let key = Secret("whsec_" + Data(try random(32)).base64EncodedString())
      (madeKey, secrets["key"]) = (key, key)
    }
    if let url = secrets["url"].flatMap({ URLComponents(string: $0.revealed) }) {
      channel.address = "\(url.scheme ?? "")://\(url.host ?? "")"
    }
  }
}
