import JSON

/// The URL of a request, in its making.
struct AWSAddress {
  /// The scheme with `://`.
  private let scheme: String
  private var host: String
  private var path = "/"
  private var query: [String] = []

  init(_ endpoint: String) throws {
    guard let mark = endpoint.firstRange(of: "://"), mark.upperBound < endpoint.endIndex else {
      throw AWSMisfit("the endpoint has no scheme or no host")
    }
    scheme = String(endpoint[..<mark.upperBound])
    host = String(endpoint[mark.upperBound...])
  }

  /// The URL as it goes over the wire.
  var text: String {
    scheme + host + path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
  }

  /// The same with an operation's prefix before the host.
  func with(prefix: String?, _ input: AWSInput) throws -> AWSAddress {
    guard let prefix else { return self }
    var address = self
    var filled = ""
    for part in Self.parts(prefix) {
      guard part.isLabel else {
        filled += part.text
        continue
      }
      let value = input.given.first { $0.member.name == part.text }?.value.string
      guard let value, Self.isHostLabel(value) else {
        throw AWSMisfit("is needed for the host name, in letters, digits and hyphens")
          .inside(String(part.text))
      }
      filled += value
    }
    address.host = filled + host
    return address
  }

  /// The URL of a resource: path, query string and, for S3, the bucket's own host.
  func resource(
    _ operation: AWSOperation,
    _ service: AWSService,
    _ input: AWSInput,
    isPathStyle: Bool
  ) throws -> AWSAddress {
    var address = try with(prefix: isPathStyle ? nil : operation.endpointPrefix, input)
    var template = operation.uri.prefix { $0 != "?" }
    let constants = operation.uri.dropFirst(template.count + 1)
    if !isPathStyle, service.id == "s3", let bucket = input.label("Bucket")?.value.string,
      Self.isHostLabel(bucket), template.hasPrefix("/{Bucket}")
    {
      address.host = "\(bucket).\(address.host)"
      template = template.dropFirst("/{Bucket}".count)
    }
    address.path = try Self.path(template, input)
    if !address.path.hasPrefix("/") { address.path = "/" + address.path }
    address.query = constants.split(separator: "&").map(String.init)
    try address.addQuery(input, service)
    return address
  }

  private static func path(_ template: Substring, _ input: AWSInput) throws -> String {
    var path = ""
    for part in parts(template) {
      guard part.isLabel else {
        path += part.text
        continue
      }
      let isGreedy = part.text.hasSuffix("+")
      let name = String(isGreedy ? part.text.dropLast() : part.text)
      guard let given = input.label(name) else {
        throw AWSMisfit("is needed for the path").inside(name)
      }
      let text = try AWSMisfit.at(given.member.name) {
        try AWSScalar.text(given.value, given.member.type, .iso8601)
      }
      // The path would be another resource's.
      let segments = isGreedy ? text.split(separator: "/") : [text[...]]
      guard !text.isEmpty, segments.allSatisfy({ $0 != "." && $0 != ".." }) else {
        throw AWSMisfit("is needed, and without . or .. for a name").inside(given.member.name)
      }
      path += PercentEncoding.encoded(Array(text.utf8), keeping: isGreedy ? "/" : "")
    }
    return path
  }

  private mutating func addQuery(_ input: AWSInput, _ service: AWSService) throws {
    // A name with a member of its own wins over the same one among names that the model leaves open.
    var open: [(name: String, value: JSONValue, type: AWSType)] = []
    var named: Set<String> = []
    for (member, value) in input.given where member.location == .querystring {
      try AWSMisfit.at(member.name) {
        if case .shape(let place) = member.type, case .map(let map) = service.shapes[place] {
          guard let object = value.object else { throw AWSMisfit("expected an object") }
          open += object.members.map { ($0.key, $0.value, map.value) }
        } else {
          named.insert(member.wireName)
          try add(member.wireName, value, member.type, service)
        }
      }
    }
    for (name, value, type) in open where !named.contains(name) {
      try AWSMisfit.at(name) { try add(name, value, type, service) }
    }
  }

  private mutating func add(
    _ name: String,
    _ value: JSONValue,
    _ type: AWSType,
    _ service: AWSService
  ) throws {
    var values = [value]
    var inner = type
    if case .shape(let place) = type, case .list(let list) = service.shapes[place] {
      guard let elements = value.array else { throw AWSMisfit("expected a list") }
      (values, inner) = (elements, list.member)
    }
    for value in values where !value.isNull {
      let text = try AWSScalar.text(value, inner, .iso8601)
      query.append("\(Self.encoded(name))=\(Self.encoded(text))")
    }
  }

  private static func encoded(_ text: String) -> String {
    PercentEncoding.encoded(Array(text.utf8))
  }

  /// Whether a text may be one part of a host name; buckets with dots may not, because no
  /// certificate covers them.
  static func isHostLabel(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
      && text.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
      }
  }

  /// A template in pieces: what stands as it is, and the labels in braces.
  private static func parts(
    _ template: some StringProtocol
  ) -> [(text: Substring, isLabel: Bool)] {
    var parts: [(text: Substring, isLabel: Bool)] = []
    var rest = Substring(template)
    while !rest.isEmpty {
      let literal = rest.prefix { $0 != "{" }
      parts.append((literal, false))
      rest = rest.dropFirst(literal.count)
      let label = rest.dropFirst().prefix { $0 != "}" }
      if !rest.isEmpty { parts.append((label, true)) }
      rest = rest.dropFirst(label.count + 2)
    }
    return parts
  }
}
