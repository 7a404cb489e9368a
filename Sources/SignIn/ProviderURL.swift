import Foundation

/// An absolute URL of a provider, or of ours that a provider is told.
struct ProviderURL: Sendable, Hashable {
  let text: String
  /// Whether it leads to this machine, where TLS adds nothing.
  let isLoopback: Bool
  let isSecure: Bool

  /// Checks a URL.
  ///
  /// - Parameters:
  ///   - text: the URL.
  ///   - what: whose URL it is, for messages.
  ///   - isPlainAllowed: whether this machine may be named without TLS.
  /// - Throws: ``OpenIDError/invalidURL(_:_:)`` and ``OpenIDError/insecure(_:_:)``.
  init(_ text: String, of what: String, isPlainAllowed: Bool = true) throws(OpenIDError) {
    // Whatever readers of URLs could read differently is left out: spaces, backslashes, users.
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }
    guard isPlain, let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
      parts.user == nil, parts.password == nil, parts.fragment == nil,
      ["http", "https"].contains(parts.scheme?.lowercased())
    else { throw .invalidURL(what, Encoding.shown(text)) }
    self.text = text
    isLoopback = ["127.0.0.1", "[::1]", "::1", "localhost"].contains(host.lowercased())
    isSecure = parts.scheme?.lowercased() == "https"
    guard isSecure || (isLoopback && isPlainAllowed) else {
      throw .insecure(what, Encoding.shown(text))
    }
  }

  /// The URL with more of a query.
  func adding(_ pairs: [(name: String, value: String)]) -> String {
    text + (text.contains("?") ? "&" : "?") + Encoding.form(pairs)
  }

  /// The host that a URL names, for messages; the rest may hold what must not be shown.
  static func host(of text: String) -> String {
    URLComponents(string: text)?.host.map(Encoding.shown) ?? "an unreadable address"
  }
}
