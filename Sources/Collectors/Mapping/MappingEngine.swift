import JSON
import Model

/// The mappings of one source, by type.
struct MappingCatalogue: Sendable {
  fileprivate let mappings: [String: ResourceMapping]
  fileprivate let partTypes: Set<String>

  init(_ mappings: [ResourceMapping]) {
    self.mappings = Dictionary(
      mappings.map { ($0.type, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    partTypes = Set(mappings.flatMap { $0.parts.map(\.type) })
  }
}

/// Gives each resource of a source the form that the provider's API has.
struct MappingEngine<Source: MappingSource> {
  private let catalogue: MappingCatalogue
  private let source: Source

  init(_ catalogue: MappingCatalogue, _ source: Source) {
    self.catalogue = catalogue
    self.source = source
  }

  /// Emits the resources of the source, and those that no mapping covers.
  func collect(_ emit: (Collected) throws -> Void) throws {
    var parts = assignParts()
    for (index, instance) in source.instances.enumerated() {
      if let mapping = catalogue.mappings[instance.type] {
        let own = parts.removeValue(forKey: index) ?? []
        try emit(.resource(resource(instance, mapping, own)))
      } else if !catalogue.partTypes.contains(instance.type) {
        try emit(.notCovered(type: instance.type, address: instance.address))
      }
    }
  }

  /// A part and the instance that holds it, and why it may configure something else, if so.
  private struct AssignedPart {
    var part: ResourceMapping.Part
    var instance: Source.Instance
    var doubt: String?
  }

  private func assignParts() -> [Int: [AssignedPart]] {
    let byType = Dictionary(grouping: source.instances.indices) { source.instances[$0].type }
    var assigned: [Int: [AssignedPart]] = [:]
    for mapping in catalogue.mappings.values.sorted(by: { $0.type < $1.type }) {
      let wholes = byType[mapping.type] ?? []
      guard !wholes.isEmpty else { continue }
      for part in mapping.parts where byType[part.type] != nil {
        let byName = named(wholes, by: part.matches)
        for index in byType[part.type] ?? [] {
          let instance = source.instances[index]
          for candidates in self.wholes(of: instance, part, among: wholes, byName: byName) {
            for whole in candidates.indices {
              let doubt = doubt(instance, of: source.instances[whole], candidates)
              assigned[whole, default: []].append(
                AssignedPart(part: part, instance: instance, doubt: doubt)
              )
            }
          }
        }
      }
    }
    return assigned
  }

  /// Why it is not known that a part configures a whole; nil where it is.
  private func doubt(
    _ part: Source.Instance,
    of whole: Source.Instance,
    _ candidates: Candidates
  ) -> String? {
    if !candidates.isCertain { return "which resource \(part.address) configures is not known" }
    guard let condition = part.openCondition, condition != whole.openCondition else { return nil }
    return "\(part.address) exists only if \(condition) holds, which is not known"
  }

  /// Instances by the known values that parts may name them by.
  private func named(_ wholes: [Int], by paths: [PropertyPath]) -> [JSONValue: [Int]] {
    var byName: [JSONValue: [Int]] = [:]
    for whole in wholes {
      for path in paths {
        let value = source.instances[whole].value.at(path).value ?? .null
        if !value.isNull { byName[value, default: []].append(whole) }
      }
    }
    return byName
  }

  /// The wholes that a part names by a known value, else those that it refers to.
  ///
  /// A part whose reference is unknown and cannot be followed may belong to any of them, or to
  /// something outside the plan.
  private func wholes(
    of instance: Source.Instance,
    _ part: ResourceMapping.Part,
    among wholes: [Int],
    byName: [JSONValue: [Int]]
  ) -> [Candidates] {
    let named = instance.value.at(part.refers)
    var known: [Candidates] = []
    if named.obstacle == nil {
      let values = named.value?.array ?? named.value.map { [$0] } ?? []
      let equal = Set(values.flatMap { byName[$0] ?? [] }).sorted()
      if !equal.isEmpty { known = [Candidates(indices: equal, isCertain: true)] }
      // A list may name some and refer to others.
      if !known.isEmpty, named.mapped.unread.isEmpty { return known }
    }
    let type = source.instances[wholes[0]].type
    guard let referred = source.candidates(ofType: type, for: instance, part) else {
      if !known.isEmpty || named.obstacle == nil { return known }
      return [Candidates(indices: wholes, isCertain: false)]
    }
    for var candidates in referred {
      candidates.indices.removeAll { index in known.contains { $0.indices.contains(index) } }
      if !candidates.indices.isEmpty { known.append(candidates) }
    }
    return known
  }

  private func resource(
    _ instance: Source.Instance,
    _ mapping: ResourceMapping,
    _ parts: [AssignedPart]
  ) -> Resource {
    let written = source.writtenArguments(of: instance)
    let value = instance.value.leavingOut(
      mapping.absentUnlessWritten + (parts.isEmpty ? [] : mapping.absentWhenPartsExist),
      unless: written,
      onlyUnknown: true
    )
    var mapped = mapping.configuration.evaluate(value)
    merge(parts, into: &mapped) {
      // What the state says of an argument that is left out is the part's former value. The id is
      // no argument; a known one says that the resource exists.
      let arguments = mapping.absentUnlessWritten.filter { $0 != "id" }
      return mapping.configuration.evaluate(
        value.leavingOut(arguments, unless: written, onlyUnknown: false)
      )
    }
    if let gap = source.gap(of: instance) { noteGap(gap, mapping, in: &mapped) }
    fill(&mapped, from: mapping.defaults?.evaluate(value), absent: nil)
    fill(
      &mapped,
      from: mapping.created?.evaluate(value),
      absent: instance.isCreated ? nil : "not set by the \(source.noun)"
    )
    var unread = mapped.unread.map { (path: PropertyPath($0.path).description, reason: $0.reason) }
    func note(_ value: MappedValue, at keys: [PropertyPath.Component]) {
      for (path, reason) in value.unread {
        unread.append((PropertyPath(root: .resource, keys + path).description, reason))
      }
    }
    let tags =
      mapping.tags.lazy.map { value.at($0).mapped }.first { $0.value?.object != nil }
      ?? mapping.tags.lazy.map { value.at($0).mapped }.first { !$0.isAbsent } ?? MappedValue()
    note(tags, at: [.key("tags")])
    var attributes: [(key: String, value: JSONValue)] = []
    for (key, path) in mapping.attributes {
      let attribute = value.at(path).mapped
      if let known = attribute.value { attributes.append((key, known)) }
      note(attribute, at: [.key("attributes"), .key(key)])
    }
    if let known = firstKnown(mapping.id, in: value) {
      attributes.append(("provider_id", .string(known)))
    }
    if let condition = instance.openCondition {
      let reason = "it is not known whether \(condition) holds"
      unread.append(("$resource.exists", reason))
    }
    let region = source.region(of: instance)
    if region.isEmpty { unread.append(("$resource.region", "the \(source.noun) does not tell")) }
    return Resource(
      provider: mapping.provider,
      region: region,
      kind: mapping.kind,
      id: instance.address,
      name: firstKnown(mapping.name, in: value) ?? instance.name,
      tags: tags.value?.object?.members.compactMap { key, value in
        value.string.map { (key, $0) }
      } ?? [],
      attributes: attributes,
      configuration: mapped.value ?? .object(JSONObject()),
      unread: unread,
      source: origin(of: instance, mapped.places)
    )
  }

  /// Makes what parts configure unread, as some of them may be missing.
  private func noteGap(_ gap: String, _ mapping: ResourceMapping, in mapped: inout MappedValue) {
    for key in Set(mapping.parts.flatMap(\.configuration.keys)).sorted() {
      // There may be more items of a list; of anything else there may be another value.
      let isList = mapped.member(key).value?.array != nil
      mapped.unread.append((isList ? [.key(key), .each] : [.key(key)], gap))
    }
  }

  /// Where the facts come from, with the places of what is not written in the same line as what is
  /// around it.
  private func origin(
    of instance: Source.Instance,
    _ places: [(path: [PropertyPath.Component], location: SourceLocation)]
  ) -> JSONValue {
    let origin = source.origin(of: instance)
    guard !places.isEmpty, var object = origin.object else { return origin }
    object["places"] = ResultPlaces(places, of: origin).json(besides: origin["file"]?.string)
    return .object(object)
  }

  /// Merges parts; a key that a part yields stands in for what the whole says of it by itself.
  private func merge(
    _ parts: [AssignedPart],
    into mapped: inout MappedValue,
    bare: () -> MappedValue
  ) {
    guard !parts.isEmpty else { return }
    var own = MappedValue()
    var uncertain: [(key: String, doubt: String)] = []
    for part in parts {
      if let doubt = part.doubt {
        uncertain += part.part.configuration.keys.map { ($0, doubt) }
      } else {
        var value = part.part.configuration.evaluate(part.instance.value)
        for key in part.part.configuration.keys {
          var member = value.member(key)
          member.place(at: part.instance.value.places?.location)
          value.replace(key, member)
        }
        own.merge(value)
      }
    }
    let bare = bare()
    for key in own.keys {
      var member = bare.member(key)
      member.merge(own.member(key))
      mapped.replace(key, member)
    }
    for (key, doubt) in uncertain { mapped.unread.append(([.key(key)], doubt)) }
  }

  /// Adds the members that nothing else yields; with `absent` they are unread instead.
  private func fill(_ mapped: inout MappedValue, from defaults: MappedValue?, absent: String?) {
    guard let defaults else { return }
    for key in defaults.keys where mapped.member(key).isAbsent {
      if let absent {
        mapped.unread.append(([.key(key)], absent))
      } else {
        mapped.set(key, defaults.member(key))
      }
    }
  }

  private func firstKnown(_ paths: [PropertyPath], in value: SourceValue) -> String? {
    for path in paths {
      let found = value.at(path)
      if found.obstacle == nil, let text = found.value?.string, !text.isEmpty { return text }
    }
    return nil
  }
}

extension MappingNode {
  /// The keys of the object that the node yields.
  fileprivate var keys: [String] {
    if case .object(let members) = self { return members.map(\.key) }
    return []
  }
}

extension SourceValue {
  /// The value without the arguments named that are not written; all of them stay where the source
  /// does not tell what is written.
  fileprivate func leavingOut(
    _ names: [String],
    unless written: Set<String>?,
    onlyUnknown: Bool
  ) -> SourceValue {
    guard let written else { return self }
    var result = self
    let unwritten = names.filter { !written.contains($0) }
    result.facts = facts?.omitting(unwritten, onlyUnknown: onlyUnknown)
    var values = value?.object ?? JSONObject()
    var unknown = self.unknown?.object ?? JSONObject()
    for name in unwritten {
      if unknown[name]?.bool == true { unknown[name] = nil }
      if !onlyUnknown { values[name] = nil }
    }
    result.value = .object(values)
    result.unknown = .object(unknown)
    return result
  }
}
