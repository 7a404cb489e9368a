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
    var current: Int32
    if parsed?.root == .resource {
      if envelope == 0 { envelope = addNode() }
      current = envelope
    } else {
      if configuration == 0 { configuration = addNode() }
      current = configuration
    }
    for component in parsed?.components ?? [] { current = child(of: current, component) }
    if nodes[Int(current)].reason == nil { nodes[Int(current)].reason = reason }
  }

  /// Carries what is unread in every element over to the elements named by index.
  mutating func settle() {
    var index = 1
    while index < nodes.count {
      let each = nodes[index].each
      if each != 0 {
        for (_, child) in nodes[index].indices { merge(each, into: child) }
      }
      index += 1
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

  /// Merges what is below one node into another; the node's own reason says only that there may be
  /// more elements, and stays.
  private mutating func merge(_ source: Int32, into target: Int32) {
    for (key, node) in nodes[Int(source)].keys {
      let child = child(of: target, .key(key))
      adopt(node, into: child)
    }
    for (index, node) in nodes[Int(source)].indices {
      let child = child(of: target, .index(index))
      adopt(node, into: child)
    }
    if nodes[Int(source)].each != 0 {
      let child = child(of: target, .each)
      adopt(nodes[Int(source)].each, into: child)
    }
  }

  private mutating func adopt(_ source: Int32, into target: Int32) {
    if nodes[Int(target)].reason == nil { nodes[Int(target)].reason = nodes[Int(source)].reason }
    merge(source, into: target)
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
    if let found = nodes[Int(node)].indices.first(where: { $0.index == index }) {
      return found.node
    }
    let each = nodes[Int(node)].each
    // `[*]` with a reason of its own says that there may be more elements; those read are read.
    if each != 0, nodes[Int(each)].reason != nil, nodes[Int(each)].keys.isEmpty,
      nodes[Int(each)].indices.isEmpty, nodes[Int(each)].each == 0
    {
      return 0
    }
    return each
  }

  /// Whether a node says that there may be more elements than were read.
  func isOpen(_ node: Int32) -> Bool {
    let each = nodes[Int(node)].each
    return each != 0 && nodes[Int(each)].reason != nil
  }

  /// Why the value at a node was not read; nil where it was.
  func reason(_ node: Int32) -> String? { node == 0 ? nil : nodes[Int(node)].reason }

  /// Some reason at or below a node.
  func anyReason(_ node: Int32) -> String? {
    guard node != 0 else { return nil }
    let here = nodes[Int(node)]
    if let reason = here.reason { return reason }
    for (_, child) in here.keys { if let reason = anyReason(child) { return reason } }
    for (_, child) in here.indices { if let reason = anyReason(child) { return reason } }
    return anyReason(here.each)
  }
}

extension UnreadTree {
  /// The node that says that there may be more elements, or 0.
  func openElement(_ node: Int32) -> Int32 { isOpen(node) ? nodes[Int(node)].each : 0 }
}
