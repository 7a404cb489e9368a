import Foundation
import JSON
package import Model

/// Reads Terraform plans and states, and gives each resource the form that the provider's API has.
package struct TerraformCollector: Collector {
  /// How large a plan may be.
  package static let sizeLimit = 256 << 20

  private let files: [String]
  private let mappings: [String: TerraformMapping]
  private let partTypes: Set<String>

  /// A collector for files, `-` for standard input.
  package init(files: [String], mappings: [TerraformMapping]) {
    self.files = files
    self.mappings = Dictionary(
      mappings.map { ($0.terraform, $0) },
      uniquingKeysWith: { first, _ in first }
    )
    partTypes = Set(mappings.flatMap { $0.parts.map(\.terraform) })
  }

  /// Emits the resources of every file.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for a file that is no plan or state.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    for file in files {
      let text = try BoundedFile.read(file, limit: Self.sizeLimit)
      let json: JSONValue
      do {
        json = try JSONParser().parse(text)
      } catch {
        throw DocumentError("\(error)", key: "", at: SourceLocation(file: file))
      }
      try collect(TerraformPlan(json, file: file), file: file, emit)
    }
  }

  private func collect(
    _ plan: TerraformPlan,
    file: String,
    _ emit: (Collected) throws -> Void
  ) throws {
    for (address, reason) in plan.outside {
      try emit(.outside(address: address, reason: reason))
    }
    var parts = assignParts(plan)
    for (index, instance) in plan.instances.enumerated() {
      if let mapping = mappings[instance.type] {
        let own = parts.removeValue(forKey: index) ?? []
        try emit(.resource(resource(instance, mapping, own, plan, file: file)))
      } else if !partTypes.contains(instance.type) {
        try emit(.notCovered(type: instance.type, address: instance.address))
      }
    }
  }

  /// A part and the instance that holds it; several candidates mean that the plan does not tell.
  private struct AssignedPart {
    var part: TerraformMapping.Part
    var instance: TerraformPlan.Instance
    var isCertain: Bool
  }

  private func assignParts(_ plan: TerraformPlan) -> [Int: [AssignedPart]] {
    let byType = Dictionary(grouping: plan.instances.indices) { plan.instances[$0].type }
    var assigned: [Int: [AssignedPart]] = [:]
    for mapping in mappings.values.sorted(by: { $0.terraform < $1.terraform }) {
      let wholes = byType[mapping.terraform] ?? []
      guard !wholes.isEmpty else { continue }
      for part in mapping.parts where byType[part.terraform] != nil {
        let byName = named(wholes, by: part.matches, plan)
        for index in byType[part.terraform] ?? [] {
          let instance = plan.instances[index]
          let found = self.wholes(of: instance, part, among: wholes, byName: byName, plan)
          for candidates in found {
            for whole in candidates.indices {
              assigned[whole, default: []].append(
                AssignedPart(
                  part: part,
                  instance: instance,
                  isCertain: candidates.isCertain
                )
              )
            }
          }
        }
      }
    }
    return assigned
  }

  /// Instances by the known values that parts may name them by.
  private func named(
    _ wholes: [Int],
    by paths: [PropertyPath],
    _ plan: TerraformPlan
  ) -> [JSONValue: [Int]] {
    var byName: [JSONValue: [Int]] = [:]
    for whole in wholes {
      for path in paths {
        let value = plan.instances[whole].value.at(path).value ?? .null
        if !value.isNull { byName[value, default: []].append(whole) }
      }
    }
    return byName
  }

  /// The instances that a part may configure, and whether it is known to configure them.
  private struct Candidates {
    var indices: [Int]
    var isCertain: Bool
  }

  /// The wholes that a part names by a known value, else those that it refers to.
  ///
  /// A part whose reference is unknown and cannot be followed may belong to any of them, or to
  /// something outside the plan.
  private func wholes(
    of instance: TerraformPlan.Instance,
    _ part: TerraformMapping.Part,
    among wholes: [Int],
    byName: [JSONValue: [Int]],
    _ plan: TerraformPlan
  ) -> [Candidates] {
    let named = instance.value.at(part.refers)
    if named.obstacle == nil {
      let values = named.value?.array ?? named.value.map { [$0] } ?? []
      let equal = Set(values.flatMap { byName[$0] ?? [] }).sorted()
      if !equal.isEmpty { return [Candidates(indices: equal, isCertain: true)] }
    }
    let referred = plan.instances(
      ofType: plan.instances[wholes[0]].type,
      referredToBy: instance,
      argument: part.refers
    )
    guard let referred else {
      return named.obstacle == nil ? [] : [Candidates(indices: wholes, isCertain: false)]
    }
    return referred.map { Candidates(indices: $0, isCertain: $0.count == 1) }
  }

  private func resource(
    _ instance: TerraformPlan.Instance,
    _ mapping: TerraformMapping,
    _ parts: [AssignedPart],
    _ plan: TerraformPlan,
    file: String
  ) -> Resource {
    let written = plan.writtenArguments(of: instance)
    let value = instance.value.leavingOut(
      mapping.absentUnlessWritten + (parts.isEmpty ? [] : mapping.absentWhenPartsExist),
      unless: written,
      onlyUnknown: true
    )
    var mapped = mapping.configuration.evaluate(value)
    merge(parts, into: &mapped) {
      // What the state says of an argument that HCL leaves out is the part's former value. The id is
      // no argument; a known one says that the resource exists.
      let arguments = mapping.absentUnlessWritten.filter { $0 != "id" }
      return mapping.configuration.evaluate(
        value.leavingOut(arguments, unless: written, onlyUnknown: false)
      )
    }
    fill(&mapped, from: mapping.defaults?.evaluate(value), absent: nil)
    fill(
      &mapped,
      from: mapping.created?.evaluate(value),
      absent: instance.isCreated ? nil : "not set by the plan"
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
    let region = plan.region(of: instance)
    if region.isEmpty { unread.append(("$resource.region", "the plan does not tell")) }
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
      source: ["file": .string(file), "address": .string(instance.address)]
    )
  }

  /// Merges parts; a key that a part yields stands in for what the whole says of it by itself.
  private func merge(
    _ parts: [AssignedPart],
    into mapped: inout MappedValue,
    bare: () -> MappedValue
  ) {
    guard !parts.isEmpty else { return }
    var own = MappedValue()
    var uncertain: [(key: String, part: String)] = []
    for part in parts {
      if part.isCertain {
        own.merge(part.part.configuration.evaluate(part.instance.value))
      } else {
        uncertain += part.part.configuration.keys.map { ($0, part.instance.address) }
      }
    }
    let bare = bare()
    for key in own.keys {
      var member = bare.member(key)
      member.merge(own.member(key))
      mapped.replace(key, member)
    }
    for (key, address) in uncertain {
      mapped.unread.append(([.key(key)], "which resource \(address) configures is not known"))
    }
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

  private func firstKnown(_ paths: [PropertyPath], in value: TerraformValue) -> String? {
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

extension TerraformValue {
  /// The value without the arguments named that HCL does not write; all of them stay where the file
  /// does not tell what is written.
  fileprivate func leavingOut(
    _ names: [String],
    unless written: Set<String>?,
    onlyUnknown: Bool
  ) -> TerraformValue {
    guard let written else { return self }
    var result = self
    var values = value?.object ?? JSONObject()
    var unknown = self.unknown?.object ?? JSONObject()
    for name in names where !written.contains(name) {
      if unknown[name]?.bool == true { unknown[name] = nil }
      if !onlyUnknown { values[name] = nil }
    }
    result.value = .object(values)
    result.unknown = .object(unknown)
    return result
  }
}
