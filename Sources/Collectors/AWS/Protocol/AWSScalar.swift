import Foundation
import JSON

/// Scalars as text, for URLs, headers, forms and XML.
enum AWSScalar {
  /// The text of a scalar; an instant in the form given where its type names none.
  static func text(
    _ value: JSONValue,
    _ type: AWSType,
    _ form: AWSTimestampForm
  ) throws -> String {
    switch (type, value) {
    case (.string, .string(let text)): return text
    case (.integer, .integer(let number)): return String(number)
    case (.float, .integer(let number)): return String(Double(number))
    case (.float, .number(let number)): return String(number)
    case (.float, .string(let text)) where isSpecial(text): return text
    case (.boolean, .bool(let flag)): return flag ? "true" : "false"
    case (.blob, .string(let text)): return try base64(text)
    case (.timestamp(let own), _): return try instant(value, own ?? form)
    default: throw AWSMisfit("expected \(name(type)); found \(name(value))")
    }
  }

  /// Whether a text stands for a number that JSON cannot write.
  static func isSpecial(_ text: String) -> Bool {
    ["NaN", "Infinity", "-Infinity"].contains(text)
  }

  /// A text of bytes in base64, without the white space that some writers put into it.
  static func base64(_ text: String) throws -> String {
    guard let bytes = bytes(text) else { throw AWSMisfit("expected base64") }
    return bytes.base64EncodedString()
  }

  /// Bytes in base64.
  static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// The bytes of a text in base64; nil where it is none.
  static func bytes(_ text: String) -> Data? {
    Data(base64Encoded: String(text.filter { !$0.isWhitespace }))
  }

  /// An instant in a form.
  static func instant(
    _ value: JSONValue,
    _ form: AWSTimestampForm
  ) throws -> String {
    guard let seconds = AWSTimestamp.seconds(value) else {
      throw AWSMisfit("expected an instant; found \(name(value))")
    }
    let text =
      switch form {
      case .iso8601: AWSTimestamp.text(seconds)
      case .rfc822: AWSTimestamp.http(seconds)
      case .unixTimestamp: JSONValue.number(seconds).text
      }
    guard let text else { throw AWSMisfit("expected an instant between the years 0 and 9999") }
    return text
  }

  /// A kind of value in words.
  static func name(_ value: JSONValue) -> String {
    switch value {
    case .null: "null"
    case .bool: "a boolean"
    case .integer, .number: "a number"
    case .string: "a text"
    case .array: "a list"
    case .object: "an object"
    }
  }

  /// A type in words.
  static func name(_ type: AWSType) -> String {
    switch type {
    case .string: "a text"
    case .integer: "a whole number"
    case .float: "a number"
    case .boolean: "true or false"
    case .blob: "base64"
    case .timestamp: "an instant"
    case .shape: "a list or an object"
    }
  }
}
