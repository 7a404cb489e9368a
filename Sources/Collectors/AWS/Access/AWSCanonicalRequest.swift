import HTTP
import Model

/// A request in the form over which AWS computes the signature too.
struct AWSCanonicalRequest {
  let request: HTTPRequest
  /// The names of the signed headers, as they stand in the `Authorization` header.
  let signedHeaders: String
  let text: String

  /// - Throws: ``HTTPError/invalid(reason:)``.
  init(_ request: HTTPRequest, isStorage: Bool) throws {
    guard let url = AWSURL(request.url) else {
      throw HTTPError.invalid(reason: "\"\(request.url)\" is no URL with a host")
    }
    self.request = request
    let headers = Self.headers(request.headers)
    signedHeaders = headers.map(\.name).joined(separator: ";")
    let lines =
      [request.method, Self.path(url.path, isStorage: isStorage), Self.query(url.query)]
      + headers.map { "\($0.name):\($0.value)" }
      + ["", signedHeaders, Digest.sha256(request.body)]
    text = lines.joined(separator: "\n")
  }

  /// Names in small letters and in order; the values of a repeated header in the order sent.
  private static func headers(
    _ headers: [(name: String, value: String)]
  ) -> [(name: String, value: String)] {
    var values: [String: [String]] = [:]
    for (name, value) in headers {
      let words = value.split { $0 == " " || $0 == "\t" }
      values[name.lowercased(), default: []].append(words.joined(separator: " "))
    }
    return values.map { (name: $0, value: $1.joined(separator: ",")) }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The path: for S3 encoded once as it stands, for all others normalised and encoded once more.
  private static func path(_ path: Substring, isStorage: Bool) -> String {
    if isStorage { return PercentEncoding.encoded(PercentEncoding.decoded(path), keeping: "/") }
    var segments: [Substring] = []
    for segment in path.split(separator: "/") where segment != "." {
      if segment == ".." { _ = segments.popLast() } else { segments.append(segment) }
    }
    let end = path.hasSuffix("/") && !segments.isEmpty ? "/" : ""
    let joined = "/" + segments.joined(separator: "/") + end
    return PercentEncoding.encoded(Array(joined.utf8), keeping: "/")
  }

  /// Names and values encoded the one way that AWS knows, and in order.
  private static func query(_ query: Substring) -> String {
    let pairs = query.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let encoded = parts.map { PercentEncoding.encoded(PercentEncoding.decoded($0)) }
      return (name: encoded[0], value: encoded.count > 1 ? encoded[1] : "")
    }
    return pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
      .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
  }
}
