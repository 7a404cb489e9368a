import Foundation
import Model

/// A message as mail (RFC 5322): a plain text in UTF-8.
struct Mail: Sendable {
  let sender: String
  let recipients: [String]
  let text: [UInt8]

  init(_ message: AlertMessage, _ channel: Channel, host: String) {
    (sender, recipients) = (channel.sender, channel.recipients)
    let severity = message.occasion == .finding ? "" : "[\(message.severity.rawValue)] "
    let title = message.occasion == .test ? message.title : severity + message.title
    let lines = [
      "From: \(channel.sender)", "To: \(channel.recipients.joined(separator: ", "))",
      "Subject: \(Self.words(String(title.prefix(200))))", "Date: \(Self.date(message.at))",
      "Message-ID: <\(message.id)@\(host.filter { $0.isLetter || $0.isNumber || ".-".contains($0) })>",
      "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: base64", "Auto-Submitted: auto-generated", "",
    ]
    let body = message.lines.joined(separator: "\r\n\r\n") + "\r\n"
    let coded = Data(body.utf8).base64EncodedString(options: [
      .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
    ])
    text = Array((lines + [coded, ""]).joined(separator: "\r\n").utf8)
  }

  /// Whether a text can stand as an address in a header and an envelope.
  static func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty } && text.utf8.count <= 254
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>,;\"()[]\\".utf8.contains($0) }
  }

  /// A text as encoded words (RFC 2047), short enough each.
  static func words(_ text: String) -> String {
    var words: [String] = []
    var piece = ""
    for character in text where !character.unicodeScalars.contains(where: { $0.value < 0x20 }) {
      if (piece + String(character)).utf8.count > 42 {
        words.append(piece)
        piece = ""
      }
      piece.append(character)
    }
    words.append(piece)
    return words.map { "=?utf-8?B?\(Data($0.utf8).base64EncodedString())?=" }
      .joined(separator: "\r\n ")
  }

  private static func date(_ instant: Instant) -> String {
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(secondsFromGMT: 0)
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss '+0000'"
    return format.string(from: Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000))
  }
}

/// Messages as syslog (RFC 5424), one for each finding.
enum Syslog {
  static func lines(_ message: AlertMessage, host: String) -> [String] {
    guard message.occasion != .test else {
      return [line(.informational, message.at, "test", "-", message.lines[0], host)]
    }
    return message.items.map { item in
      let data = """
        [finding@32473 id="\(item.finding)" change="\(value(item.change))" \
        severity="\(item.severity.rawValue)" account="\(value(item.account))" \
        entity="\(value(item.entity))" count="\(item.count)"]
        """
      return line(item.severity, message.at, "finding", data, item.line, host)
    }
  }

  private static func line(
    _ severity: FindingSeverity,
    _ at: Instant,
    _ kind: String,
    _ data: String,
    _ text: String,
    _ host: String
  ) -> String {
    let level =
      switch severity {
      case .critical: 2
      case .high: 3
      case .medium: 4
      case .low: 5
      case .informational: 6
      }
    // Facility 13, log audit.
    let name = String(host.filter { $0.isASCII && !$0.isWhitespace }.prefix(255))
    let plain = text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
    var told = String(String.UnicodeScalarView(plain))
    if told.utf8.count > 4096 { told = String(told.prefix(1000)) }
    return "<\(13 * 8 + level)>1 \(at) \(name.isEmpty ? "-" : name) plumb "
      + "\(ProcessInfo.processInfo.processIdentifier) \(kind) \(data) \u{FEFF}\(told)"
  }

  /// A text as the value of a parameter.
  private static func value(_ text: String) -> String {
    var value = ""
    for scalar in text.unicodeScalars.prefix(500) where scalar.value >= 0x20 {
      if "\"\\]".unicodeScalars.contains(scalar) { value.append("\\") }
      value.unicodeScalars.append(scalar)
    }
    return value
  }
}
