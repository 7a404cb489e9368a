import HTTPTypes
import Hummingbird
package import Model

/// The proxies before the server, whose word about the client's address counts.
package struct TrustedProxies: Sendable {
  private let networks: [IPNetwork]

  /// Proxies of some networks; an address is a network of one.
  package init(_ networks: [IPNetwork] = []) { self.networks = networks }

  /// The client for whom a connection from an address is made.
  ///
  /// `forwarded` is the values of X-Forwarded-For. Each proxy appends whom it hears from, so only
  /// what trusted ones appended is believed: the client is the right-most entry that is none of them.
  package func client(of peer: String, forwarded: [String]) -> String {
    var client = Self.plain(Substring(peer)) ?? peer
    guard isTrusted(client) else { return client }
    for entry in forwarded.joined(separator: ",").split(separator: ",").reversed() {
      guard let address = Self.plain(entry.trimmed[...]) else { break }
      client = address
      guard isTrusted(client) else { break }
    }
    return client
  }

  private func isTrusted(_ address: String) -> Bool {
    guard let one = IPNetwork(address) else { return false }
    return networks.contains { $0.contains(one) }
  }

  /// An address without port, brackets, and the form in which IPv6 holds IPv4; nil for what is none.
  private static func plain(_ text: Substring) -> String? {
    var text = text
    if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
      text = text[text.index(after: text.startIndex)..<end]
    } else if text.contains("."), text.count(where: { $0 == ":" }) == 1 {
      text = text.prefix { $0 != ":" }
    }
    if text.lowercased().hasPrefix("::ffff:"), text.contains(".") { text = text.dropFirst(7) }
    guard !text.contains("/"), IPNetwork(String(text)) != nil else { return nil }
    return String(text)
  }
}

/// Finds the client's address before anything else is done.
struct ClientAddress: RouterMiddleware {
  let proxies: TrustedProxies

  func handle(
    _ request: Request,
    context: WebContext,
    next: @concurrent (Request, WebContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    let forwarded = HTTPField.Name("X-Forwarded-For").map { request.headers[values: $0] } ?? []
    context.address = proxies.client(of: context.address, forwarded: forwarded)
    return try await next(request, context)
  }
}
