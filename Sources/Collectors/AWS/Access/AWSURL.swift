/// The parts of an absolute URL.
struct AWSURL {
  let scheme: Substring
  /// The host, and the port where it is not the scheme's own.
  let host: String
  let path: Substring
  let query: Substring

  /// - Returns: nil for a text that is no URL with a host.
  init?(_ text: String) {
    guard let start = text.firstRange(of: "://") else { return nil }
    scheme = text[..<start.lowerBound]
    let rest = text[start.upperBound...].prefix { $0 != "#" }
    let authority = rest.prefix { $0 != "/" && $0 != "?" }
    let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
    let port = scheme == "https" ? ":443" : ":80"
    host = String(place.hasSuffix(port) ? place.dropLast(port.count) : place)
    guard !scheme.isEmpty, !host.isEmpty, !host.hasPrefix(":") else { return nil }
    let target = rest.dropFirst(authority.count)
    path = target.prefix { $0 != "?" }
    query = target.dropFirst(path.count + 1)
  }

  /// The host without the port and without the brackets of an IPv6 address.
  var hostName: Substring {
    if host.hasPrefix("[") { return host.dropFirst().prefix { $0 != "]" } }
    return host.prefix { $0 != ":" }
  }
}
