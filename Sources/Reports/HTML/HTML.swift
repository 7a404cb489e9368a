/// Text that is HTML already; interpolating a string into it escapes the string.
///
/// Only literals and other ``HTML`` values go in unescaped, so text from outside cannot become
/// markup by accident.
package struct HTML: ExpressibleByStringInterpolation, Sendable {
  /// The markup.
  package let text: String

  package init(stringLiteral value: String) { text = value }

  package init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// Pieces one after another.
  package init(_ pieces: [HTML]) { text = pieces.map(\.text).joined(separator: "\n") }

  /// Markup where something holds, and else nothing.
  package static func when(_ holds: Bool, _ markup: @autoclosure () -> HTML) -> HTML {
    holds ? markup() : ""
  }

  /// Whether there is nothing.
  package var isEmpty: Bool { text.isEmpty }

  /// Escapes what is no literal.
  package struct Interpolation: StringInterpolationProtocol {
    var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    /// Markup goes in as it is.
    package mutating func appendLiteral(_ literal: String) { text += literal }

    /// Markup goes in as it is.
    package mutating func appendInterpolation(_ value: HTML) { text += value.text }

    /// A number goes in as its digits.
    package mutating func appendInterpolation(_ value: Int) { text += String(value) }

    /// Text goes in escaped.
    package mutating func appendInterpolation(_ value: String) {
      for character in value.unicodeScalars {
        switch character {
        case "&": text += "&amp;"
        case "<": text += "&lt;"
        case ">": text += "&gt;"
        case "\"": text += "&quot;"
        case "'": text += "&#39;"
        default: text.unicodeScalars.append(character)
        }
      }
    }
  }
}
