import Model

/// The paths of one resource that could not be read, as a tree.
///
/// Node 0 stands for "nothing unread here"; the tree's roots are ``configuration`` and ``envelope``.
struct UnreadTree {
  struct Node {
    /// Why the value here was not read; nil where only something below was not.
    var reason: String?
    var keys: [(key: String, node: Int32)] = []
    var indices: [(index: Int, node: Int32)] = []
    /// What is unread in every element.
    var each: Int32 = 0
    /// A node whose reason says that there may be more elements than were read, or 0.
    var more: Int32 = 0
    /// What is unread when the value is no list and stands for a list of one.
    var single: Int32 = 0
  }

  private(set) var nodes: [Node] = [Node()]
  private(set) var configuration: Int32 = 0
  private(set) var envelope: Int32 = 0

  var isEmpty: Bool { nodes.count == 1 }

  mutating func removeAll() {
    nodes.removeSubrange(1...)
    configuration = 0
    envelope = 0
  }

  /// Adds a path; one that cannot be read as a path makes the whole configuration unread.
  mutating func add(_ path: String, reason: String) {
    let parsed = PropertyPath(path)
    let components = parsed?.components ?? []
    if parsed?.root != .resource {
      if configuration == 0 { configuration = addNode() }
      add(components, below: configuration, reason)
    }
    // The configuration is also a part of the resource, where rules may look at it too.
    if envelope == 0 { envelope = addNode() }
    let prefix = parsed?.root == .resource ? [] : [PropertyPath.Component.key("configuration")]
    add(prefix + components, below: envelope, reason)
  }

  private mutating func add(
    _ components: [PropertyPath.Component],
    below root: Int32,
    _ reason: String
  ) {
    var current = root
    for (index, component) in components.enumerated() {
      if component == .each, index == components.count - 1 {
        if nodes[Int(current)].more == 0 {
          let more = addNode()
          nodes[Int(more)].reason = reason
          nodes[Int(current)].more = more
        }
        return
      }
      current = child(of: current, component)
    }
    if nodes[Int(current)].reason == nil { nodes[Int(current)].reason = reason }
  }

  /// Works out what the paths added mean for elements named by index and for lists of one.
  mutating func settle() {
    var index = 1
    while index < nodes.count {
      let each = nodes[index].each
      if each != 0 {
        for (_, child) in nodes[index].indices { merge(each, into: child) }
      }
      index += 1
    }
    for index in 1..<nodes.count {
      let first = nodes[index].indices.first { $0.index == 0 }?.node ?? nodes[index].each
      guard first != 0 else {
        nodes[index].single = Int32(index)
        continue
      }
      let single = addNode()
      nodes[Int(single)].keys = nodes[index].keys
      merge(first, into: single)
      // The value itself is there, so it was read.
      nodes[Int(single)].reason = nil
      nodes[index].single = single
    }
  }

  private mutating func addNode() -> Int32 {
    nodes.append(Node())
    return Int32(nodes.count - 1)
  }

  private mutating func child(of node: Int32, _ component: PropertyPath.Component) -> Int32 {
    switch component {
    case .key(let key):
      if let found = nodes[Int(node)].keys.first(where: { $0.key == key }) { return found.node }
      let added = addNode()
      nodes[Int(node)].keys.append((key, added))
      return added
    case .index(let index):
      if let found = nodes[Int(node)].indices.first(where: { $0.index == index }) {
        return found.node
      }
      let added = addNode()
      nodes[Int(node)].indices.append((index, added))
      return added
    case .each:
      if nodes[Int(node)].each == 0 {
        let added = addNode()
        nodes[Int(node)].each = added
      }
      return nodes[Int(node)].each
    }
  }

  /// Merges one node and what is below it into another.
  private mutating func merge(_ source: Int32, into target: Int32) {
    let from = nodes[Int(source)]
    if nodes[Int(target)].reason == nil { nodes[Int(target)].reason = from.reason }
    if nodes[Int(target)].more == 0 { nodes[Int(target)].more = from.more }
    for (key, node) in from.keys { merge(node, into: child(of: target, .key(key))) }
    for (index, node) in from.indices { merge(node, into: child(of: target, .index(index))) }
    if from.each != 0 { merge(from.each, into: child(of: target, .each)) }
  }

  /// What is unread below a key.
  func child(_ node: Int32, key: UnsafeBufferPointer<UInt8>) -> Int32 {
    for (name, child) in nodes[Int(node)].keys
    where unsafe name.utf8.count == key.count && name.utf8.elementsEqual(key) {
      return child
    }
    return 0
  }

  /// What is unread in the element at an index.
  func child(_ node: Int32, index: Int) -> Int32 {
    nodes[Int(node)].indices.first { $0.index == index }?.node ?? nodes[Int(node)].each
  }

  /// What is unread in a value that stands for a list of one.
  func single(_ node: Int32) -> Int32 { nodes[Int(node)].single }

  /// A node that says that there may be more elements than were read, or 0.
  func more(_ node: Int32) -> Int32 { nodes[Int(node)].more }

  /// Why the value at a node was not read; nil where it was.
  func reason(_ node: Int32) -> String? { node == 0 ? nil : nodes[Int(node)].reason }

  /// Some reason at or below a node.
  func anyReason(_ node: Int32) -> String? {
    guard node != 0 else { return nil }
    let here = nodes[Int(node)]
    if let reason = here.reason { return reason }
    for (_, child) in here.keys { if let reason = anyReason(child) { return reason } }
    for (_, child) in here.indices { if let reason = anyReason(child) { return reason } }
    return anyReason(here.each) ?? anyReason(here.more)
  }
}
