import JSON
import Model

/// A part of the API representation: its value, and the paths below it that are unread.
struct MappedValue {
  var value: JSONValue?
  var unread: [(path: [PropertyPath.Component], reason: String)] = []
  /// Where parts are written, in a source that tells; outer parts before inner ones.
  var places: [(path: [PropertyPath.Component], location: SourceLocation)] = []

  /// Whether a node yielded nothing.
  var isAbsent: Bool { value == nil && unread.isEmpty }

  /// Why the whole value is unread; nil where it is not.
  var obstacle: String? { unread.first { $0.path.isEmpty }?.reason }

  /// Sets a member of an object.
  mutating func set(_ key: String, _ member: MappedValue) {
    guard !member.isAbsent else { return }
    var object = value?.object ?? JSONObject()
    object[key] = member.value
    value = .object(object)
    unread += member.unread.map { ([.key(key)] + $0.path, $0.reason) }
    places += member.places.map { ([.key(key)] + $0.path, $0.location) }
  }

  /// Notes where the whole is written, unless that is known.
  mutating func place(at location: SourceLocation?) {
    guard let location, !isAbsent, places.first?.path.isEmpty != true else { return }
    places.insert(([], location), at: 0)
  }

  /// A list of items; an item that is unread keeps its place.
  static func list(_ items: [MappedValue]) -> MappedValue {
    var result = MappedValue(value: .array([]))
    for item in items { result.append(item) }
    return result
  }

  private mutating func append(_ item: MappedValue) {
    guard !item.isAbsent else { return }
    var elements = value?.array ?? []
    let index = elements.count
    elements.append(item.value ?? .null)
    value = .array(elements)
    unread += item.unread.map { ([.index(index)] + $0.path, $0.reason) }
    places += item.places.map { ([.index(index)] + $0.path, $0.location) }
  }

  /// Appends the items of another list; one that is unread means that there may be more items.
  mutating func join(_ other: MappedValue) {
    guard !other.isAbsent else { return }
    if value == nil { value = .array([]) }
    if let obstacle = other.obstacle {
      unread.append(([.each], obstacle))
      return
    }
    var elements = value?.array ?? []
    let shift = elements.count
    elements += other.value?.array ?? [other.value ?? .null]
    value = .array(elements)
    for (path, location) in other.places {
      if case .index(let index) = path.first {
        places.append(([.index(index + shift)] + path.dropFirst(), location))
      } else if path.isEmpty, places.first?.path.isEmpty != true {
        places.insert(([], location), at: 0)
      }
    }
    for (path, reason) in other.unread {
      guard case .index(let index) = path.first else {
        unread.append((path, reason))
        continue
      }
      unread.append(([.index(index + shift)] + path.dropFirst(), reason))
    }
  }

  /// Puts another value over this one: objects by key, lists joined, anything else replaced.
  mutating func merge(_ other: MappedValue) {
    guard !other.isAbsent else { return }
    guard let value else {
      unread += other.unread
      places += other.places
      self.value = other.value
      return
    }
    switch (value, other.value) {
    case (.object, .object):
      var result = MappedValue(value: .object(JSONObject()))
      result.place(at: (places.first ?? other.places.first)?.location)
      for key in keys + other.keys.filter({ !keys.contains($0) }) {
        var member = self.member(key)
        member.merge(other.member(key))
        result.set(key, member)
      }
      self = result
    case (.array, .array): join(other)
    default:
      self.value = other.value ?? value
      unread = other.value == nil ? unread + other.unread : other.unread
      places = other.value == nil ? places + other.places : other.places
    }
  }

  private var unreadKeys: [String] {
    unread.compactMap { if case .key(let key) = $0.path.first { key } else { nil } }
  }

  /// The keys of an object that have a value or something unread, each once.
  var keys: [String] {
    var keys = value?.object?.members.map(\.key) ?? []
    for key in unreadKeys where !keys.contains(key) { keys.append(key) }
    return keys
  }

  /// Sets a member of an object and forgets what stood there.
  mutating func replace(_ key: String, _ member: MappedValue) {
    if var object = value?.object {
      object[key] = nil
      value = .object(object)
    }
    unread.removeAll { $0.path.first == .key(key) }
    places.removeAll { $0.path.first == .key(key) }
    set(key, member)
  }

  /// The member of an object, with what of it is unread.
  func member(_ key: String) -> MappedValue {
    MappedValue(
      value: value?[key],
      unread: unread.compactMap { path, reason in
        path.first == .key(key) ? (Array(path.dropFirst()), reason) : nil
      },
      places: places.compactMap { path, location in
        path.first == .key(key) ? (Array(path.dropFirst()), location) : nil
      }
    )
  }
}

extension MappingNode {
  /// Evaluates the node over the values of a source.
  func evaluate(_ source: SourceValue) -> MappedValue {
    switch self {
    case .value(let value): return MappedValue(value: value)
    case .unread(let reason): return MappedValue(unread: [([], reason)])
    case .path(let path, let conversion): return conversion.apply(source.at(path).mapped)
    case .each(let path, let item):
      let list = source.at(path)
      if let obstacle = list.obstacle {
        return placed(list, MappedValue(unread: [([], obstacle)]))
      }
      switch list.value {
      case nil, .null: return MappedValue()
      case .array(let elements):
        return placed(list, .list(elements.indices.map { Self.item(item, list.element($0)) }))
      default: return placed(list, .list([Self.item(item, list)]))
      }
    case .first(let nodes):
      return nodes.lazy.map { $0.evaluate(source) }.first { !$0.isAbsent } ?? MappedValue()
    case .when(let path, let equals, let then, let otherwise):
      let subject = source.at(path)
      if let obstacle = subject.obstacle {
        return placed(subject, MappedValue(unread: [([], obstacle)]))
      }
      let holds = equals.map { subject.value == $0 } ?? subject.isSomething
      // What is chosen by an argument, and is not itself written, is written there.
      return placed(subject, (holds ? then : otherwise).evaluate(source))
    case .concat(let nodes):
      var result = MappedValue()
      for node in nodes { result.join(node.evaluate(source)) }
      return result
    case .list(let nodes):
      return .list(nodes.map { $0.evaluate(source) })
    case .object(let members):
      var result = MappedValue()
      for (key, node) in members { result.set(key, node.evaluate(source)) }
      return result
    }
  }
}

extension MappingNode {
  private static func item(_ item: MappingNode, _ element: SourceValue) -> MappedValue {
    var result = item.evaluate(element)
    result.place(at: element.places?.location)
    return result
  }

  /// A value with the place of what it was made from, unless it has its own.
  private func placed(_ source: SourceValue, _ value: MappedValue) -> MappedValue {
    guard !source.isAbsent else { return value }
    var value = value
    value.place(at: source.places?.location)
    return value
  }
}

extension SourceValue {
  /// Whether there is a value that is neither null, false nor empty.
  fileprivate var isSomething: Bool {
    switch value {
    case nil, .null, .bool(false), .string(""): false
    case .array(let elements): !elements.isEmpty
    case .object(let object): !object.isEmpty || firstReason != nil
    default: true
    }
  }
}

extension MappingNode.Conversion {
  /// Applies default, translation and type, in that order.
  func apply(_ mapped: MappedValue) -> MappedValue {
    if mapped.obstacle != nil { return mapped }
    guard let value = mapped.value else { return MappedValue(value: defaultValue) }
    var result = mapped
    if let values {
      let key = value.string ?? value.text
      result.value = values[key] ?? values["*"] ?? value
    }
    guard let type else { return result }
    guard let converted = Self.convert(result.value ?? value, to: type) else {
      return MappedValue(
        unread: [([], "not \(type.rawValue): \(value.text.prefix(40))")],
        places: mapped.places
      )
    }
    result.value = converted
    return result
  }

  private static func convert(_ value: JSONValue, to type: Kind) -> JSONValue? {
    switch type {
    case .json: value.string.map { try? JSONValue(parsing: $0) } ?? value
    case .string: .string(value.string ?? value.text)
    case .integer:
      (value.string.flatMap(Int64.init) ?? value.double.flatMap { Int64(exactly: $0) }).map(
        JSONValue.integer
      )
    case .boolean:
      (value.bool ?? ["true": true, "false": false][value.string ?? ""]).map(JSONValue.bool)
    case .list: value.array == nil ? .array([value]) : value
    case .not: value.bool.map { .bool(!$0) }
    case .upper: value.string.map { .string($0.uppercased()) }
    case .lower: value.string.map { .string($0.lowercased()) }
    }
  }
}
