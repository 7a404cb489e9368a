import Foundation
package import JSON
package import Model

/// A channel as somebody describes it, with its secrets.
package struct ChannelDraft: Sendable {
  package var channel: Channel
  package var secrets: ChannelSecrets

  /// Reads a description; `random` gives so many bytes that nobody can guess.
  ///
  /// - Throws: ``AlertFailure`` for a secret that the kind has none of.
  package init(_ body: JSONValue, random: (Int) throws -> [UInt8]) throws {
    let kind = body["kind"]?.string.flatMap { Channel.Kind(rawValue: $0) } ?? .webhook
    channel = Channel(name: body["name"]?.string ?? "", kind: kind, address: "")
    channel.take(body)
    secrets = try ChannelSecrets(body["secret"], of: kind, random: random)
    channel.address = secrets.address ?? channel.address
  }
}

/// The secrets of a channel, as somebody gives them.
package struct ChannelSecrets: Sendable {
  package var values: [String: Secret] = [:]
  /// The key of a webhook for which none was given.
  package var madeKey: Secret?

  /// Reads secrets by their names; `random` gives so many bytes that nobody can guess.
  ///
  /// - Throws: ``AlertFailure`` for one that the kind has none of.
  package init(_ body: JSONValue?, of kind: Channel.Kind, random: (Int) throws -> [UInt8]) throws {
    for (name, value) in body?.object?.members ?? [] {
      guard kind.secret == name else {
        throw AlertFailure(
          "a channel of kind \(kind.rawValue) has no secret \(name)"
            + (kind.secret.map { ", but \($0)" } ?? ""),
          isFinal: true
        )
      }
      values[name] = Secret(value.string ?? "")
    }
    if kind == .webhook, values.isEmpty {
      let key = Secret("whsec_" + Data(try random(32)).base64EncodedString())
      (madeKey, values["key"]) = (key, key)
    }
  }

  /// What of a chat's URL may be seen: where it leads, without its path; nil where no URL is secret.
  package var address: String? {
    values["url"].flatMap { URLComponents(string: $0.revealed) }.map {
      "\($0.scheme ?? "")://\($0.host ?? "")"
    }
  }
}
