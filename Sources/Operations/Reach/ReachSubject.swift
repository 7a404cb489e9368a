import Engine
package import JSON
import Model

/// A compute resource with what decides who has access to it.
package struct ReachSubject: Sendable {
  /// The resource without its configuration.
  let resource: Resource
  let kind: ReachKind
  /// Its own policy; nil where it has none.
  let policy: JSONValue?
  /// Why its own policy could not be read.
  let policyGap: String?
  /// Why nothing of it could be read.
  let gap: String?
  private let values: [String: JSONValue]

  init(_ resource: Resource, _ kind: ReachKind) {
    var bare = resource
    bare.configuration = .null
    bare.unread = []
    self.resource = bare
    self.kind = kind
    gap = resource.configuration.isNull ? resource.reason(of: "$root") : nil
    policyGap = kind.policy.isEmpty ? nil : resource.reason(of: kind.policy)
    policy = kind.policy.isEmpty ? nil : resource.configuration.value(at: kind.policy)
    var paths = kind.known.map(\.path)
    paths += kind.attributes.flatMap { Self.paths(in: $0.text) }
    values = Dictionary(
      paths.compactMap { path in resource.configuration.value(at: path).map { (path, $0) } }
    ) { first, _ in first }
  }

  /// What the resource tells about conditions.
  var context: PolicyContext {
    var context = PolicyContext()
    context.set("aws:ResourceAccount", .values([resource.account]))
    if !resource.region.isEmpty, resource.region != "global" {
      context.set("aws:RequestedRegion", .values([resource.region]))
    }
    for (key, value) in resource.tags { context.set("aws:ResourceTag/\(key)", .values([value])) }
    // Where there is no tag at all, nobody can tell whether there is none or none was read.
    context.knowsResourceTags = !resource.tags.isEmpty
    for (key, path) in kind.known {
      if let value = values[path] { context.set(key, .values(PolicyCondition.texts(value))) }
    }
    return context
  }

  /// A text of the kind's entry with the resource's values; nil where one is not known.
  func text(_ template: String) -> String? {
    let partition = resource.id.split(separator: ":").dropFirst().first.map(String.init) ?? "aws"
    let name = resource.id.split(whereSeparator: { "/:".contains($0) }).last.map(String.init) ?? ""
    var text = template
    for path in Self.paths(in: template) {
      guard let value = values[path].flatMap({ PolicyCondition.texts($0).first }) else {
        return nil
      }
      text = text.replacing("${\(path)}", with: value)
    }
    for (variable, value) in [
      ("$id", resource.id), ("$account", resource.account), ("$region", resource.region),
      ("$partition", partition), ("$name", name),
    ] {
      text = text.replacing(variable, with: value)
    }
    return text
  }

  /// The paths that a text names as `${path}`.
  private static func paths(in text: String) -> [String] {
    text.split(separator: "${", omittingEmptySubsequences: false).dropFirst().compactMap {
      $0.split(separator: "}").first.map(String.init)
    }
  }
}

extension Resource {
  /// Everything of a line of an inventory; nil for lines that are about no resource.
  package init?(wholeLine line: JSONValue) {
    self.init(inventoryLine: line)
    configuration = line["configuration"] ?? .null
    unread = (line["unread"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") }
  }

  /// Why a part of the configuration could not be read; nil where it was.
  func reason(of path: String) -> String? {
    unread.first { spot, _ in
      spot == "$root" || spot == path || Self.isBelow(path, spot) || Self.isBelow(spot, path)
    }?.reason
  }

  private static func isBelow(_ path: String, _ other: String) -> Bool {
    path.hasPrefix(other + ".") || path.hasPrefix(other + "[")
  }
}

extension JSONValue {
  /// The value at a dotted path of keys.
  func value(at path: String) -> JSONValue? {
    var value: JSONValue? = self
    for key in path.split(separator: ".") { value = value?[String(key)] }
    return value?.isNull == true ? nil : value
  }
}
