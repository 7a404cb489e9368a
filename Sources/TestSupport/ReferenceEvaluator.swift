import Foundation
import JSON
package import Model

/// A naive evaluator of rules without population quantifiers, written from docs/rules.md alone.
///
/// It shares no code with the engine. Where the two disagree, one of them or the page is wrong.
package struct ReferenceEvaluator {
  let resource: Place
  let configuration: Place
  let parameters: [String: JSONValue]
  let now: Date

  /// The verdict of a rule, with its defaults, on a resource; nil where the target leaves it out.
  ///
  /// - Precondition: the instant of judgement is ISO 8601.
  package static func verdict(of rule: Rule, on resource: Resource, now: String) -> Verdict? {
    guard rule.target.kinds.contains(resource.kind) else { return nil }
    guard let now = instant(now) else { preconditionFailure("not ISO 8601: \(now)") }
    return Self(rule, resource, now).verdict(of: rule)
  }

  init(_ rule: Rule, _ resource: Resource, _ now: Date) {
    let unread = resource.unread.compactMap { PropertyPath($0.path)?.components }
    // Unread paths start at the configuration, which is one member of the whole resource.
    self.resource = Place(
      resource.inventoryLine,
      unread: unread.map { [.key("configuration")] + $0 }
    )
    configuration = Place(resource.configuration, unread: unread)
    parameters = Dictionary(
      rule.parameters.map { ($0.name, $0.defaultValue) },
      uniquingKeysWith: { first, _ in first }
    )
    self.now = now
  }

  func verdict(of rule: Rule) -> Verdict? {
    switch truth(.and(rule.target.attributes.map(Condition.leaf)), at: configuration) {
    case .no: return nil
    case .unknown: return .unknown
    case .yes, .vacuous: break
    }
    let applies = rule.applies.map { truth($0, at: configuration) } ?? .yes
    if applies == .no { return .notApplicable }
    switch truth(rule.requiredConfig, at: configuration) {
    case .vacuous: return .notApplicable
    case .unknown: return .unknown
    case .yes: return applies == .unknown ? .unknown : .pass
    case .no: return applies == .unknown ? .unknown : .fail
    }
  }
}

// MARK: - Conditions

extension ReferenceEvaluator {
  /// Kleene's three values, and the truth of `all` over an empty list.
  enum Truth {
    case no, unknown, yes, vacuous

    init(_ value: Bool) { self = value ? .yes : .no }

    var withoutVacuous: Truth { self == .vacuous ? .yes : self }
  }

  func and(_ parts: [Truth]) -> Truth {
    if parts.contains(.no) { return .no }
    if parts.contains(.unknown) { return .unknown }
    return parts.contains(.yes) ? .yes : .vacuous
  }

  func or(_ parts: [Truth]) -> Truth {
    if parts.contains(.yes) { return .yes }
    if parts.contains(.vacuous) { return .vacuous }
    return parts.contains(.unknown) ? .unknown : .no
  }

  func not(_ part: Truth) -> Truth {
    switch part {
    case .no: .yes
    case .unknown: .unknown
    case .yes, .vacuous: .no
    }
  }

  func truth(_ condition: Condition, at current: Place) -> Truth {
    switch condition {
    case .and(let parts): and(parts.map { truth($0, at: current) })
    case .or(let parts): or(parts.map { truth($0, at: current) })
    case .not(let part): not(truth(part, at: current))
    case .leaf(let leaf): truth(leaf, at: current)
    case .quantifier(let quantifier): truth(quantifier, at: current)
    }
  }

  func truth(_ quantifier: Condition.Quantifier, at current: Place) -> Truth {
    guard case .elements(let path) = quantifier.range else {
      preconditionFailure("the reference knows no population quantifiers")
    }
    let range = elements(of: read(path, from: current))
    let truths = range.places.map { element in
      quantifier.satisfy.map { truth($0, at: element) } ?? .yes
    }
    let others: [Truth] = range.isIncomplete ? [.unknown] : []
    switch quantifier.kind {
    case .any: return or(truths + others)
    case .all: return and(truths + others)
    case .none: return not(or(truths + others))
    case .count:
      let least = truths.count { $0.withoutVacuous == .yes }
      let most = least + truths.count { $0 == .unknown }
      return count(least...most, isOpen: range.isIncomplete, quantifier)
    }
  }

  /// Compares a number of which only bounds are known: it is decided where all of them agree.
  func count(
    _ bounds: ClosedRange<Int>,
    isOpen: Bool,
    _ quantifier: Condition.Quantifier
  ) -> Truth {
    guard let comparison = quantifier.comparison else { preconditionFailure("no comparison") }
    let values = operands(quantifier.value)
    // Beyond the greatest operand every number compares alike.
    let greatest = values.compactMap(number).map { Int($0.rounded(.up)) }.max() ?? 0
    let last = isOpen ? max(bounds.upperBound, greatest + 1) : bounds.upperBound
    let truths = (bounds.lowerBound...last).map { count in
      compare(.integer(Int64(count)), comparison, values)
    }
    if truths.allSatisfy({ $0 }) { return .yes }
    return truths.contains(true) ? .unknown : .no
  }
}

// MARK: - Paths

extension ReferenceEvaluator {
  /// A place in a document: what is there, and what could not be read from there on.
  struct Place {
    /// Nil where there is nothing or `null`.
    let value: JSONValue?
    /// Paths that start here; an empty one is the place itself.
    let unread: [[PropertyPath.Component]]

    init(_ value: JSONValue?, unread: [[PropertyPath.Component]]) {
      self.value = value == .null ? nil : value
      self.unread = unread
    }

    var isUnread: Bool { unread.contains([]) }

    /// Whether something below could not be read, so that there may be more than is here.
    var isDoubtful: Bool { !unread.isEmpty }

    /// The unread paths of an element, when this place is a list of one.
    var unreadOfOne: [[PropertyPath.Component]] {
      unread.compactMap { path in
        switch path.first {
        case .each, .index(0): path.count > 1 ? Array(path.dropFirst()) : nil
        case .index: nil
        default: path
        }
      }
    }

    func member(_ key: String) -> Place {
      Place(
        value?[key],
        unread: (value?.array == nil ? unreadOfOne : unread)
          .filter { $0.first == .key(key) }.map { Array($0.dropFirst()) }
      )
    }

    func element(_ index: Int) -> Place {
      let elements = value?.array ?? []
      let ofAll = unread.filter { $0.first == .each && $0.count > 1 }
      let ofOne = unread.filter { $0.first == .index(index) }
      let isMistaken = unread.contains { if case .key = $0.first { true } else { false } }
      let below = (ofAll + ofOne).map { Array($0.dropFirst()) } + (isMistaken ? [[]] : [])
      if index < elements.count { return Place(elements[index], unread: below) }
      return Place(nil, unread: unread.contains([.each]) ? [[]] : below)
    }

    /// The elements, when this is read as a list.
    var elements: Reading {
      if isUnread { return Reading([], isIncomplete: true) }
      guard let value else { return Reading([], isIncomplete: isDoubtful) }
      guard let list = value.array else {
        let mayBeMore = unread.contains { path in
          if case .index(let index) = path.first { index >= 1 } else { path == [.each] }
        }
        return Reading([Place(value, unread: unreadOfOne)], isIncomplete: mayBeMore)
      }
      let hasMore = unread.contains([.each])
      let isLonger = unread.contains {
        if case .index(let index) = $0.first { index >= list.count } else { false }
      }
      return Reading(list.indices.map(element), isIncomplete: hasMore || isLonger)
    }
  }

  /// What a path leads to.
  struct Reading {
    /// The places with a value; below `[*]` there may be several.
    var places: [Place]
    /// Whether something was not read, so that there may be more.
    var isIncomplete: Bool

    init(_ places: [Place], isIncomplete: Bool) {
      self.places = places
      self.isIncomplete = isIncomplete
    }

    init(joining readings: [Reading], isIncomplete: Bool = false) {
      places = readings.flatMap(\.places)
      self.isIncomplete = isIncomplete || readings.contains(where: \.isIncomplete)
    }
  }

  func read(_ path: PropertyPath, from current: Place) -> Reading {
    // `items[*]` is the list of the elements of `items`, and so is `items`.
    let steps = path.components.last == .each ? path.components.dropLast() : path.components[...]
    return switch path.root {
    case .current: follow(steps, from: current)
    case .configuration: follow(steps, from: configuration)
    case .resource: follow(steps, from: resource)
    }
  }

  func follow(
    _ components: ArraySlice<PropertyPath.Component>,
    from place: Place
  ) -> Reading {
    if place.isUnread { return Reading([], isIncomplete: true) }
    let rest = components.dropFirst()
    switch components.first {
    case nil where place.value == nil: return Reading([], isIncomplete: place.isDoubtful)
    case nil: return Reading([place], isIncomplete: false)
    case .key(let key): return follow(rest, from: place.member(key))
    case .index(let index): return follow(rest, from: place.element(index))
    case .each:
      let list = place.elements
      return Reading(
        joining: list.places.map { follow(rest, from: $0) },
        isIncomplete: list.isIncomplete
      )
    }
  }

  /// What was found, with each list replaced by its elements.
  func elements(of reading: Reading) -> Reading {
    Reading(joining: reading.places.map(\.elements), isIncomplete: reading.isIncomplete)
  }
}
