/// A resource that an object describes: the whole of it, or a part such as a workload's pod.
package struct ObjectPart: Sendable {
  package var resource: Resource
  /// Where in the object its configuration stands, as a JSON pointer; nil where that is derived.
  package var pointer: String?

  package init(_ resource: Resource, at pointer: String?) {
    (self.resource, self.pointer) = (resource, pointer)
  }
}

extension Resource {
  /// Adds the labels of its namespace as tags; nil where they are not known.
  package mutating func setNamespaceLabels(
    _ labels: [(key: String, value: String)]?,
    tellsUnread: Bool = true
  ) {
    if let labels {
      tags += labels.map { (key: Place.ofNamespace + $0.key, value: $0.value) }
    } else if tellsUnread {
      unread.append(
        (path: "$resource.tags.\(Place.ofNamespace)", reason: "the namespace was not read")
      )
    }
  }
}
