package import JSON
package import Model

/// Reads an object that somebody asks a cluster to take.
package enum KubernetesRequest {
  /// What an object describes, and what of it cannot be read.
  package static func parts(
    of object: JSONValue,
    cluster: String
  ) -> (parts: [ObjectPart], faults: [String]) {
    var parts: [ObjectPart] = []
    var faults: [String] = []
    let pointer = KubernetesObject.podPointer(object["kind"]?.string ?? "")
    let node = DocumentNode(object, at: SourceLocation(file: "the request"))
    for item in KubernetesObject.items(of: node, account: cluster) {
      switch item {
      case .resource(var resource):
        resource.source = nil
        let isPod = resource.kind == ResourceKind(service: "core", kind: "Pod")
        let isDerived = resource.kind.kind == "component"
        parts.append(ObjectPart(resource, at: isPod ? pointer : isDerived ? nil : ""))
      case .diagnostic(let diagnostic): faults.append(diagnostic.message)
      default: break
      }
    }
    return (parts, faults)
  }
}
