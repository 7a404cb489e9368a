import JSON
import Model

/// A value of a source, such as a plan, with what of it is unknown and what is sensitive.
struct SourceValue {
  var value: JSONValue?
  /// `true` where unknown until apply, a text where unknown for the reason that it gives, else a tree
  /// of the value's shape.
  var unknown: JSONValue?
  /// `true` where sensitive, else a tree of the value's shape.
  var sensitive: JSONValue?
  /// What arguments mean that are not written; nil where the value itself tells, as in plans.
  var facts: ArgumentFacts?
  /// Where the value is written, in a source that tells.
  var places: SourcePlaces?

  /// Why the value itself may not be used; nil where it may.
  var obstacle: String? {
    if case .string(let reason) = unknown { return reason }
    if unknown?.bool == true { return "known after apply" }
    // That nothing was written is no secret.
    return sensitive?.bool == true && !(value ?? .null).isNull ? "sensitive" : nil
  }

  /// Whether nothing stands here.
  var isAbsent: Bool { (value ?? .null).isNull && obstacle == nil }

  /// The value a path leads to; an obstacle on the way stays one.
  func at(_ path: PropertyPath) -> SourceValue {
    var current = self
    for component in path.components {
      if current.obstacle != nil { return current }
      switch component {
      case .key(let key): current = current.member(key)
      case .index(let index): current = current.element(index)
      case .each: return SourceValue()
      }
    }
    return current
  }

  func member(_ key: String) -> SourceValue {
    // A single block is a list of one; its members are reached without the index too.
    if case .array(let elements) = value, elements.count == 1 { return element(0).member(key) }
    let own = SourceValue(
      value: facts.map { $0.convert(value?[key], key) } ?? value?[key],
      unknown: Self.below(unknown, key),
      sensitive: Self.below(sensitive, key),
      facts: facts.flatMap { $0.members[key].map(\.block) ?? ArgumentFacts.empty },
      places: places?.member(key)
    )
    guard let facts, own.isAbsent else { return own }
    var unwritten = facts.unwritten(key)
    unwritten.places = places.map { SourcePlaces($0.location) }
    return unwritten
  }

  func element(_ index: Int) -> SourceValue {
    func pick(_ tree: JSONValue?) -> JSONValue? {
      guard let elements = tree?.array else { return nil }
      return elements.indices.contains(index) ? elements[index] : nil
    }
    // What JSON's syntax writes as an object may be the only block of its type.
    if facts != nil, index == 0, case .object = value { return self }
    return SourceValue(
      value: pick(value),
      unknown: unknown.mark ?? pick(unknown),
      sensitive: sensitive.mark ?? pick(sensitive),
      facts: facts,
      places: places?.element(index)
    )
  }

  private static func below(_ tree: JSONValue?, _ key: String) -> JSONValue? {
    tree.mark ?? tree?[key]
  }

  /// Why something of the value is unknown; nil where all of it is known.
  var firstReason: String? { unknown.flatMap(Self.reason) }

  private static func reason(_ tree: JSONValue) -> String? {
    switch tree {
    case .string(let text): text
    case .bool(true): "known after apply"
    case .array(let elements): elements.lazy.compactMap(reason).first
    case .object(let object): object.members.lazy.compactMap { reason($0.value) }.first
    default: nil
    }
  }

  /// The whole value, with what of it may not be used.
  var mapped: MappedValue {
    var result = unplaced
    if let places, !result.isAbsent { result.places.insert(([], places.location), at: 0) }
    return result
  }

  private var unplaced: MappedValue {
    if let obstacle { return MappedValue(unread: [([], obstacle)]) }
    switch value {
    case nil, .null: return MappedValue()
    case .array(let elements):
      return MappedValue.list(elements.indices.map { element($0).mapped })
    case .object(let object):
      var result = MappedValue(value: .object(JSONObject()))
      var keys = object.members.map(\.key)
      for (key, _) in unknown?.object?.members ?? [] where !keys.contains(key) { keys.append(key) }
      for key in keys { result.set(key, member(key).mapped) }
      return result
    case .some(let scalar): return MappedValue(value: scalar)
    }
  }
}

extension JSONValue? {
  /// The value where it marks all that lies below: `true`, or a reason.
  fileprivate var mark: JSONValue? {
    switch self {
    case .bool(true), .string: self
    default: nil
    }
  }
}
