import Model

/// The paths of one resource that could not be read, followed side by side while values are walked.
///
/// A place in the walk is a set of cursors: what is left of each path from there on. Sets have
/// numbers; set 0 is empty, so nothing is unread there. Sets are made as the walk needs them, so the
/// cost is that of the paths times the steps, whatever the paths look like.
struct UnreadPaths {
  /// How many paths are followed; with more the whole resource counts as unread.
  static let pathLimit = 1000
  /// How many steps a path may have; a longer one makes the whole resource unread.
  static let depthLimit = 64

  private struct Path {
    var components: [PropertyPath.Component]
    var reason: String
  }

  private struct Cursor {
    var path: Int32
    var depth: Int32
  }

  private var paths: [Path] = []
  private var sets: [[Cursor]] = [[]]
  private(set) var configuration: Int32 = 0
  private(set) var envelope: Int32 = 0

  var isEmpty: Bool { paths.isEmpty }

  mutating func removeAll() {
    paths.removeAll(keepingCapacity: true)
    sets.removeSubrange(1...)
    configuration = 0
    envelope = 0
  }

  /// Adds a path; one that cannot be followed makes the whole resource unread.
  mutating func add(_ path: String, reason: String) {
    guard paths.count < Self.pathLimit else {
      paths[paths.count - 1] = Path(components: [], reason: "more than \(Self.pathLimit) paths")
      return
    }
    var components: [PropertyPath.Component] = []
    if path.utf8.count < 1 << 14, let parsed = PropertyPath(path),
      parsed.components.count < Self.depthLimit
    {
      let prefix: [PropertyPath.Component] = parsed.root == .resource ? [] : [.key("configuration")]
      components = prefix + parsed.components
    }
    paths.append(Path(components: components, reason: reason))
  }

  /// Makes the sets from which the walk starts.
  mutating func settle() {
    envelope = make(paths.indices.map { Cursor(path: Int32($0), depth: 0) })
    let below = sets[Int(envelope)].compactMap { cursor -> Cursor? in
      switch next(cursor) {
      case nil: cursor
      case .key("configuration"): advanced(cursor)
      default: nil
      }
    }
    configuration = make(below)
  }

  private mutating func make(_ cursors: [Cursor]) -> Int32 {
    guard !cursors.isEmpty else { return 0 }
    sets.append(cursors)
    return Int32(sets.count - 1)
  }

  /// The step that a cursor stands before; nil at the end of its path.
  private func next(_ cursor: Cursor) -> PropertyPath.Component? {
    let components = paths[Int(cursor.path)].components
    return Int(cursor.depth) < components.count ? components[Int(cursor.depth)] : nil
  }

  private func isLast(_ cursor: Cursor) -> Bool {
    Int(cursor.depth) == paths[Int(cursor.path)].components.count - 1
  }

  private func advanced(_ cursor: Cursor) -> Cursor {
    Cursor(path: cursor.path, depth: cursor.depth + 1)
  }

  /// What is unread below a key.
  ///
  /// A value that is no list stands for a list of one, so paths into its first or every element
  /// count too.
  mutating func child(_ set: Int32, key: UnsafeBufferPointer<UInt8>, isList: Bool) -> Int32 {
    guard set != 0 else { return 0 }
    let from = isList ? sets[Int(set)] : ofOne(set)
    return make(
      from.compactMap { cursor in
        guard case .key(let name) = next(cursor), name.utf8.count == key.count,
          unsafe name.utf8.elementsEqual(key)
        else { return nil }
        return advanced(cursor)
      }
    )
  }

  /// What is unread in an element of a list.
  mutating func child(_ set: Int32, index: Int) -> Int32 {
    guard set != 0 else { return 0 }
    return make(
      sets[Int(set)].compactMap { cursor in
        switch next(cursor) {
        // A path that takes the list for an object says nothing certain of any element.
        case .key: Cursor(path: cursor.path, depth: Int32(paths[Int(cursor.path)].components.count))
        case .index(index): advanced(cursor)
        case .each where !isLast(cursor): advanced(cursor)
        default: nil
        }
      }
    )
  }

  /// What is unread in a value that stands for a list of one.
  mutating func single(_ set: Int32) -> Int32 { set == 0 ? 0 : make(ofOne(set)) }

  private func ofOne(_ set: Int32) -> [Cursor] {
    sets[Int(set)].compactMap { cursor in
      switch next(cursor) {
      // The value is there, so it was read itself.
      case .index(0), .each: isLast(cursor) ? nil : advanced(cursor)
      case .index: nil
      default: cursor
      }
    }
  }

  /// A set that says that there may be more elements than were read, or 0.
  mutating func more(_ set: Int32) -> Int32 {
    guard set != 0 else { return 0 }
    return make(
      sets[Int(set)].filter { next($0) == .each && isLast($0) }.map(advanced)
    )
  }

  /// Whether there may be more elements than the count read.
  func isOpen(_ set: Int32, count: Int) -> Bool {
    sets[Int(set)].contains { cursor in
      switch next(cursor) {
      case .each: isLast(cursor)
      case .index(let index): index >= count
      default: false
      }
    }
  }

  /// Whether some path takes the list here for an object.
  func takesListForObject(_ set: Int32) -> Bool {
    sets[Int(set)].contains { if case .key = next($0) { true } else { false } }
  }

  /// Why the value at a set was not read; nil where it was.
  func reason(_ set: Int32) -> String? {
    guard set != 0 else { return nil }
    return sets[Int(set)].first { next($0) == nil }.map { paths[Int($0.path)].reason }
  }

  /// Some reason at or below a set.
  func anyReason(_ set: Int32) -> String? {
    reason(set) ?? sets[Int(set)].first.map { paths[Int($0.path)].reason }
  }
}
