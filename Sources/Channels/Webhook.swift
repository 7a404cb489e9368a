import Foundation
import HTTP
package import JSON
package import Model

/// A CloudEvent in JSON, signed as Standard Webhooks says.
package enum Webhook {
  /// The request that hands a message in.
  static func request(
    _ message: AlertMessage,
    _ address: String,
    _ key: Secret?
  ) throws -> HTTPRequest {
    guard let key, let bytes = keyBytes(key) else {
      throw AlertFailure(noKey, isFinal: true)
    }
    let body = Array(event(message).text.utf8)
    let seconds = message.at.milliseconds / 1000
    let signed = Array("\(message.id).\(seconds).".utf8) + body
    let signature = Data(HMAC.sha256(key: bytes, signed)).base64EncodedString()
    return HTTPRequest(
      "POST",
      address,
      headers: [
        ("Content-Type", "application/cloudevents+json; charset=utf-8"),
        ("User-Agent", "plumbline"), ("webhook-id", message.id),
        ("webhook-timestamp", "\(seconds)"), ("webhook-signature", "v1,\(signature)"),
      ],
      body: body
    )
  }

  /// The message as a CloudEvent 1.0.
  package static func event(_ message: AlertMessage) -> JSONValue {
    let (type, data): (String, JSONValue) =
      switch message.occasion {
      case .test: ("test", ["message": .string(message.lines[0])])
      case .digest:
        ("findings.digest", ["findings": .array(message.items.map { told($0) })])
      case .finding:
        (
          "finding.\(message.items.first?.change ?? "opened")",
          message.items.first.map { told($0) } ?? [:]
        )
      }
    var event: JSONObject = [
      "specversion": "1.0", "id": .string(message.id), "source": "/plumbline",
      "type": .string("dev.plumbline.\(type)"), "time": .string("\(message.at)"),
      "datacontenttype": "application/json", "data": data,
    ]
    if message.occasion == .finding {
      event["subject"] = .string("findings/\(message.items.first?.finding ?? 0)")
    }
    return .object(event)
  }

  private static func told(_ item: AlertMessage.Item) -> JSONValue {
    ["change": .string(item.change), "finding": item.json]
  }

  /// A key as it is told once: `whsec_` and base64.
  package static func key(_ bytes: [UInt8]) -> Secret {
    Secret("whsec_" + Data(bytes).base64EncodedString())
  }

  /// What is said where there is no key to sign by.
  static let noKey =
    "its key is missing, or is not whsec_ and base64 of 16 bytes at least; without one given a key is made"

  /// The bytes of a key; nil for what is none.
  static func keyBytes(_ key: Secret) -> [UInt8]? {
    let text = key.revealed
    let coded = text.hasPrefix("whsec_") ? String(text.dropFirst(6)) : text
    guard let data = Data(base64Encoded: coded), data.count >= 16 else { return nil }
    return Array(data)
  }
}

/// Messages in the shapes of chats.
enum Chat {
  /// How many findings of a digest a chat is told; the others are counted.
  private static let most = 30

  static func slack(_ message: AlertMessage, _ url: Secret?) throws -> HTTPRequest {
    func escaped(_ text: String) -> String {
      text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
    let lines = shown(message).map { escaped(String($0.prefix(900))) }
    let blocks: [JSONValue] = lines.map { line in
      ["type": "section", "text": ["type": "mrkdwn", "text": .string(line)]]
    }
    let body: JSONValue = [
      "text": .string(escaped(String(message.title.prefix(900)))), "blocks": .array(blocks),
    ]
    return try request(body, url)
  }

  static func teams(_ message: AlertMessage, _ url: Secret?) throws -> HTTPRequest {
    var blocks: [JSONValue] = [
      [
        "type": "TextBlock", "text": .string(String(message.title.prefix(900))), "wrap": true,
        "weight": "Bolder", "color": message.severity >= .high ? "Attention" : "Default",
      ]
    ]
    if message.occasion != .finding {
      blocks += shown(message).map { line in
        ["type": "TextBlock", "text": .string(String(line.prefix(900))), "wrap": true]
      }
    }
    let body: JSONValue = [
      "type": "message",
      "attachments": [
        [
          "contentType": "application/vnd.microsoft.card.adaptive",
          "content": [
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard", "version": "1.4", "body": .array(blocks),
          ],
        ]
      ],
    ]
    return try request(body, url)
  }

  private static func shown(_ message: AlertMessage) -> [String] {
    let lines = message.lines
    guard lines.count > most else { return lines }
    return lines.prefix(most) + ["and \(lines.count - most) more: plumb findings list"]
  }

  private static func request(_ body: JSONValue, _ url: Secret?) throws -> HTTPRequest {
    guard let url else { throw AlertFailure("its URL is missing", isFinal: true) }
    return HTTPRequest(
      "POST",
      url.revealed,
      headers: [("Content-Type", "application/json"), ("User-Agent", "plumbline")],
      body: Array(body.text.utf8)
    )
  }
}
