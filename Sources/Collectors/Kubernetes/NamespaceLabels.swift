import JSON
import Model

/// The labels of namespaces, which scopes ask for as tags of the objects in them.
struct NamespaceLabels {
  private static let kind = ResourceKind(service: "core", kind: "Namespace")
  private var labels: [String: [(key: String, value: String)]] = [:]

  /// Notes a resource where it is a namespace.
  mutating func note(_ resource: Resource) {
    if resource.kind == Self.kind { labels[resource.name] = resource.tags }
  }

  /// Gives a resource the labels of its namespace as tags.
  func complete(_ resource: inout Resource, tellsUnread: Bool) {
    let attribute = resource.attributes.first { $0.key == "namespace" }
    guard let namespace = attribute?.value.string else { return }
    resource.setNamespaceLabels(labels[namespace], tellsUnread: tellsUnread)
  }
}
