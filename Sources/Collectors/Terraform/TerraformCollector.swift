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
      for part in mapping.parts {
        for index in byType[part.terraform] ?? [] {
          let instance = plan.instances[index]
          let found = self.wholes(of: instance, part, among: wholes, plan)
          for whole in found {
            assigned[whole, default: []].append(
              AssignedPart(part: part, instance: instance, isCertain: found.count == 1)
            )
          }
        }
      }
    }
    return assigned
  }

  /// The wholes that a part names by a known value, else those that it refers to.
  private func wholes(
    of instance: TerraformPlan.Instance,
    _ part: TerraformMapping.Part,
    among wholes: [Int],
    _ plan: TerraformPlan
  ) -> [Int] {
    let named = instance.value.at(part.refers)
    if named.obstacle == nil, let value = named.value, !value.isNull {
      let equal = wholes.filter { whole in
        part.matches.contains { plan.instances[whole].value.at($0).value == value }
      }
      if !equal.isEmpty { return equal }
    }
    let type = plan.instances[wholes[0]].type
    return plan.instances(ofType: type, referredToBy: instance, argument: part.refers)
  }

  private func resource(
    _ instance: TerraformPlan.Instance,
    _ mapping: TerraformMapping,
    _ parts: [AssignedPart],
    _ plan: TerraformPlan,
    file: String
  ) -> Resource {
    var value = instance.value
    leaveOutUnwritten(
      &value,
      mapping,
      hasParts: !parts.isEmpty,
      plan.writtenArguments(of: instance)
    )
    var mapped = mapping.configuration.evaluate(value)
    for part in parts {
      let own = part.part.configuration.evaluate(part.instance.value)
      guard part.isCertain else {
        for key in part.part.configuration.keys {
          mapped.unread.append(
            ([.key(key)], "which resource \(part.instance.address) configures is not known")
          )
        }
        continue
      }
      mapped.merge(own)
    }
    fill(&mapped, from: mapping.defaults?.evaluate(value), absent: nil)
    fill(
      &mapped,
      from: mapping.created?.evaluate(value),
      absent: instance.isCreated ? nil : "not set by the plan"
    )
    let tags = mapping.tags.lazy.map { value.at($0) }
      .first { $0.obstacle == nil && $0.value?.object != nil }
    var attributes: [(key: String, value: JSONValue)] = []
    for (key, path) in mapping.attributes {
      if let attribute = value.at(path).mapped.value { attributes.append((key, attribute)) }
    }
    if let known = firstKnown(mapping.id, in: value) {
      attributes.append(("provider_id", .string(known)))
    }
    return Resource(
      provider: mapping.provider,
      region: plan.region(of: instance),
      kind: mapping.kind,
      id: instance.address,
      name: firstKnown(mapping.name, in: value) ?? instance.name,
      tags: tags?.value?.object?.members.compactMap { key, value in
        value.string.map { (key, $0) }
      } ?? [],
      attributes: attributes,
      configuration: mapped.value ?? .object(JSONObject()),
      unread: mapped.unread.map { (PropertyPath($0.path).description, $0.reason) },
      source: ["file": .string(file), "address": .string(instance.address)]
    )
  }

  /// Takes arguments that HCL leaves out, and the provider calls "computed", for not configured
  /// where the mapping says so.
  private func leaveOutUnwritten(
    _ value: inout TerraformValue,
    _ mapping: TerraformMapping,
    hasParts: Bool,
    _ written: Set<String>?
  ) {
    guard let written, var unknown = value.unknown?.object else { return }
    let names =
      mapping.absentUnlessWritten + (hasParts ? mapping.absentWhenPartsExist : [])
    for name in names where !written.contains(name) && unknown[name]?.bool == true {
      unknown[name] = nil
    }
    value.unknown = .object(unknown)
  }

  /// Adds the members that nothing else yields; with `absent` they are unread instead.
  private func fill(_ mapped: inout MappedValue, from defaults: MappedValue?, absent: String?) {
    for (key, value) in defaults?.value?.object?.members ?? []
    where mapped.member(key).isAbsent {
      if let absent {
        mapped.unread.append(([.key(key)], absent))
      } else {
        mapped.set(key, MappedValue(value: value))
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
