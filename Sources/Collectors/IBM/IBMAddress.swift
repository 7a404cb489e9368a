import HTTP
import JSON

/// Where IBM Cloud's services are.
package struct IBMAddress: Sendable {
  /// The address that stands for all services; nil for IBM's own.
  private let override: String?

  /// Addresses of IBM's own services, or below one address that stands for all of them.
  ///
  /// - Throws: ``IBMAddressError`` for an address that would send the API key over a network in clear.
  package init(override: String? = nil) throws {
    guard let override else {
      self.override = nil
      return
    }
    guard let url = AWSURL(override), ["http", "https"].contains(url.scheme) else {
      throw IBMAddressError.invalid(override)
    }
    let isLocal = ["localhost", "127.0.0.1", "::1"].contains(String(url.hostName))
    if url.scheme == "http", !isLocal { throw IBMAddressError.inClear(override) }
    self.override = override.hasSuffix("/") ? String(override.dropLast()) : override
  }

  /// The address of the token service.
  var tokens: String {
    "\(override.map { "\($0)/iam" } ?? "https://iam.cloud.ibm.com")/identity/token"
  }

  /// The request for an operation; nil where the input lacks something or has what is not taken.
  func request(
    _ operation: IBMOperation,
    of service: IBMService,
    _ input: JSONObject,
    in region: String
  ) -> HTTPRequest? {
    var left = Set(input.members.map(\.key))
    func member(_ name: String) -> String? {
      left.remove(name)
      return input[name]?.asQuery
    }
    let base = base(of: service, region, member)
    let path = Self.filled(operation.path) { name in
      member(name).map { PercentEncoding.encoded(Array($0.utf8)) }
    }
    guard let base, let path else { return nil }
    var headers: [(name: String, value: String)] = []
    for (name, key) in service.headers {
      guard let value = member(key) else { return nil }
      headers.append((name, value))
    }
    var query = service.fixed
    for (name, value) in input.members where operation.query.contains(name) {
      guard let text = value.asQuery else { return nil }
      left.remove(name)
      query.append((name, text))
    }
    guard left.isEmpty else { return nil }
    let pairs = query.map { pair in
      let name = PercentEncoding.encoded(Array(pair.name.utf8))
      // Sub-resources of object storage are names without a value.
      return pair.value.isEmpty
        ? name : "\(name)=\(PercentEncoding.encoded(Array(pair.value.utf8)))"
    }
    let end = pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    return HTTPRequest(operation.method.rawValue, base + path + end, headers: headers)
  }

  /// The address of a service in a region, without the slash at its end.
  private func base(
    of service: IBMService,
    _ region: String,
    _ member: (String) -> String?
  ) -> String? {
    // Answers say in which region an instance is: nothing but a name may become part of a host.
    let url = Self.filled(service.url) { name in
      let text =
        switch name {
        case "region": region
        case "place": service.places[region]
        case let name where name.hasSuffix("-"): member(String(name.dropLast()))?.upToLastHyphen
        default: member(name)
        }
      return text.flatMap { $0.isHostPart ? $0 : nil }
    }
    guard url != nil, let override else { return url }
    return "\(override)/\(service.id)" + (service.isRegional ? "/\(region)" : "")
  }

  /// A text with each `{name}` replaced; nil where something has nothing to stand for it.
  private static func filled(_ text: String, _ value: (String) -> String?) -> String? {
    var filled = ""
    var rest = text[...]
    while let start = rest.firstIndex(of: "{"), let end = rest[start...].firstIndex(of: "}") {
      guard let value = value(String(rest[start..<end].dropFirst())), !value.isEmpty else {
        return nil
      }
      filled += rest[..<start] + value
      rest = rest[end...].dropFirst()
    }
    return filled + rest
  }
}

/// Why an address cannot stand for IBM Cloud's.
package enum IBMAddressError: Error, Sendable, Equatable, CustomStringConvertible {
  case invalid(String)
  case inClear(String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .invalid(let url): "\"\(url)\" is no address; expected one such as https://host.example"
    case .inClear(let url):
      "\(url) would carry the API key in clear; use https, or an address of this machine"
    }
  }
}

extension String {
  /// Whether the text is one or several labels of a host and nothing else.
  fileprivate var isHostPart: Bool {
    !isEmpty && !hasPrefix(".") && !hasSuffix(".") && !contains("..")
      && utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x61...0x7A, 0x2D, 0x2E: true
        default: false
        }
      }
  }

  fileprivate var upToLastHyphen: String? { lastIndex(of: "-").map { String(self[..<$0]) } }
}

extension JSONValue {
  /// What stands in a query for a scalar.
  fileprivate var asQuery: String? { asText }
}
