import JSON
package import Model

/// What every collector must keep to, checked on one collector.
package struct CollectorKit {
  private let collector: any Collector

  /// A kit for a collector that has something to emit.
  package init(_ collector: any Collector) { self.collector = collector }

  /// The rules that the collector breaks, in words; none for a good one.
  ///
  /// - Throws: what the collector throws.
  package func faults() async throws -> [String] {
    let first = try await collector.emitted()
    var faults: [String] = []
    var resources: [Resource] = []
    for case .resource(let resource) in first { resources.append(resource) }
    if resources.isEmpty { faults.append("emits no resource") }
    var seen: Set<String> = []
    for resource in resources {
      if resource.kind.service.isEmpty || resource.kind.kind.isEmpty || resource.id.isEmpty {
        faults.append("a resource without kind or id: \(resource.inventoryLine.text.prefix(200))")
      }
      let key = "\(resource.account) \(resource.kind) \(resource.id)"
      if !seen.insert(key).inserted { faults.append("two resources are \(key)") }
      if resource.configuration.object == nil, resource.unread.isEmpty {
        faults.append("\(key): no object")
      }
      for (path, reason) in resource.unread {
        if PropertyPath(path) == nil { faults.append("\(key): unread \(path) is no path") }
        if reason.isEmpty { faults.append("\(key): unread \(path) has no reason") }
      }
      if resource.source == nil { faults.append("\(key): does not say where it was read") }
    }
    if try await collector.emitted().map(Self.text).sorted() != first.map(Self.text).sorted() {
      faults.append("a second run emits something else")
    }
    if await !stopsWhenTold() { faults.append("goes on when the receiver throws") }
    return faults
  }

  private struct Stop: Error {}

  private func stopsWhenTold() async -> Bool {
    var count = 0
    do {
      try await collector.collect { _ in
        count += 1
        throw Stop()
      }
      return false
    } catch {
      return error is Stop && count == 1
    }
  }

  private static func text(_ item: Collected) -> String {
    switch item {
    case .resource(let resource): resource.inventoryLine.text
    case .coverage(let coverage): coverage.inventoryLine.text
    case .diagnostic(let diagnostic): diagnostic.description
    case .notCovered(let type, let address): "\(type) \(address)"
    case .checkpoint(let name): name
    case .outside(let address, let reason): "\(address) \(reason)"
    }
  }
}

extension Collector {
  /// Everything that the collector emits.
  package func emitted() async throws -> [Collected] {
    var items: [Collected] = []
    try await collect { items.append($0) }
    return items
  }

  /// The resources that the collector emits.
  package func resources() async throws -> [Resource] {
    try await emitted().compactMap { item in
      if case .resource(let resource) = item { resource } else { nil }
    }
  }
}
