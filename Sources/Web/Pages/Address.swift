import Foundation
import Reports

/// A path of the dashboard with its query, percent-encoded when it is written.
struct Address: Sendable, Hashable {
  var path: String
  var query: [Pair] = []

  /// A name and a value of a query.
  struct Pair: Sendable, Hashable {
    var name: String
    var value: String
  }

  /// An address of a path that needs no encoding.
  init(_ path: String, _ query: KeyValuePairs<String, String?> = [:]) {
    self.path = path
    self.query = query.compactMap { name, value in value.map { Pair(name: name, value: $0) } }
  }

  /// An address below a path, of parts that may hold anything.
  init(_ path: String, parts: [String]) {
    self.path = ([path] + parts.map(Self.encoded)).joined(separator: "/")
  }

  /// The address with one value of a name, in place of those it has; nil and empty for none.
  func with(_ name: String, _ value: String?) -> Address {
    with(name, all: value.map { [$0] } ?? [])
  }

  /// The address with values of a name, in place of those it has.
  func with(_ name: String, all values: [String]) -> Address {
    var address = self
    address.query.removeAll { $0.name == name }
    address.query += values.filter { !$0.isEmpty }.map { Pair(name: name, value: $0) }
    return address
  }

  /// The address without some names.
  func without(_ names: String...) -> Address {
    var address = self
    address.query.removeAll { names.contains($0.name) }
    return address
  }

  /// The address as a link has it.
  var text: String {
    guard !query.isEmpty else { return path }
    let pairs = query.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
    return "\(path)?\(pairs.joined(separator: "&"))"
  }

  /// Whether a text is an address of this site, and so safe to be led to.
  static func isOwn(_ text: String) -> Bool {
    text.hasPrefix("/") && !text.hasPrefix("//") && !text.contains("\\")
      && text.unicodeScalars.allSatisfy { $0.value > 32 && $0.value < 127 }
  }

  private static let plain = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
  )

  /// A text as a part of a path or query.
  static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }
}

extension HTML {
  /// A link within the dashboard.
  static func link(_ address: Address, _ text: HTML, _ kind: String = "") -> HTML {
    kind.isEmpty
      ? "<a href=\"\(address.text)\">\(text)</a>"
      : "<a class=\"\(kind)\" href=\"\(address.text)\">\(text)</a>"
  }

  /// Text as markup.
  static func text(_ text: String) -> HTML { "\(text)" }
}
