import Model

/// What is known about a request to which policies apply.
///
/// Keys are told apart without regard to case, as IAM does.
struct PolicyContext: Sendable {
  /// What is known of one key.
  enum Fact: Sendable, Equatable {
    case values([String])
    /// The key is known not to be there.
    case absent
    /// Nobody can tell before the request is made.
    case unknown
  }

  /// What is known, by key, in layers of which the last counts first; so adding copies no facts.
  private var layers: [[String: Fact]] = [[:]]
  /// Whether all tags of the principal are known.
  var knowsPrincipalTags = false
  /// Whether all tags of the resource are known.
  var knowsResourceTags = false

  /// What is known of a key.
  subscript(key: String) -> Fact {
    let name = Self.name(key)
    for layer in layers.reversed() {
      if let fact = layer[name] { return fact }
    }
    if name.hasPrefix("aws:principaltag/"), knowsPrincipalTags { return .absent }
    if name.hasPrefix("resourcetag/"), knowsResourceTags { return .absent }
    return .unknown
  }

  /// Sets what is known of a key.
  mutating func set(_ key: String, _ fact: Fact) {
    layers[layers.count - 1][Self.name(key)] = fact
  }

  /// Adds all facts of another context.
  func adding(_ other: PolicyContext) -> PolicyContext {
    var sum = self
    sum.layers += other.layers
    sum.knowsPrincipalTags = knowsPrincipalTags || other.knowsPrincipalTags
    sum.knowsResourceTags = knowsResourceTags || other.knowsResourceTags
    return sum
  }

  /// A key in one form: every service has its own name for the tags of a resource.
  private static func name(_ key: String) -> String {
    guard let slash = key.firstIndex(of: "/") else { return key.lowercased() }
    let head = key[..<slash].lowercased()
    let prefix = head.hasSuffix(":resourcetag") ? "resourcetag" : head
    return prefix + key[slash...]
  }
}
