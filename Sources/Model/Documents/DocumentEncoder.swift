package import JSON

extension Rule {
  /// The rule as a document that ``RuleDecoder`` reads back: what a store keeps of each version.
  package var document: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "version": .integer(Int64(version)), "title": .string(title),
      "status": .string(status.rawValue), "severity": .string(severity.rawValue),
    ]
    object["successor"] = successor.map { .string($0) }
    if !aliases.isEmpty { object["aliases"] = .array(aliases.map { .string($0) }) }
    object["target"] = target.document
    object["applies"] = applies?.grammar
    if !parameters.isEmpty {
      object["parameters"] = .object(
        JSONObject(parameters.map { (key: $0.name, value: $0.document) })
      )
    }
    var required = requiredConfig.grammar.object ?? JSONObject()
    if !requirement.isEmpty { required["description"] = .string(requirement) }
    object["required_config"] = .object(required)
    if !rationale.isEmpty { object["rationale"] = .string(rationale) }
    if !remediation.text.isEmpty || !remediation.snippets.isEmpty {
      var parts: JSONObject = ["text": .string(remediation.text)]
      for (form, text) in remediation.snippets { parts[form] = .string(text) }
      object["remediation"] = .object(parts)
    }
    if !references.isEmpty { object["references"] = .array(references.map { .string($0) }) }
    return .object(object)
  }
}

extension Rule.Target {
  /// The target as a document.
  var document: JSONValue {
    var object: JSONObject = [
      "service_name": .string(kinds.first?.service ?? ""),
      "resource_kind": .array(kinds.map { .string($0.kind) }),
    ]
    if !attributes.isEmpty {
      object["additional_target_attributes"] = .array(
        attributes.map { leaf in
          var entry = Condition.leaf(leaf).grammar.object ?? JSONObject()
          entry["property"] = nil
          if case .key(let name)? = leaf.property.components.last { entry["name"] = .string(name) }
          return .object(entry)
        }
      )
    }
    return .object(object)
  }
}

extension Parameter {
  fileprivate var document: JSONValue {
    var object: JSONObject = ["type": .string(type.rawValue), "default": defaultValue]
    object["minimum"] = minimum.map { .number($0) }
    object["maximum"] = maximum.map { .number($0) }
    object["allowed"] = allowed.map { .array($0) }
    if !description.isEmpty { object["description"] = .string(description) }
    return .object(object)
  }
}

extension Profile {
  /// The profile as a document that ``ProfileDecoder`` reads back.
  package var document: JSONValue {
    var object: JSONObject = [
      "id": .string(id), "version": .string(version), "effective_date": .string(effectiveDate),
      "title": .string(title),
    ]
    for (key, text) in [
      ("framework", framework), ("description", description), ("source", source),
    ] where !text.isEmpty {
      object[key] = .string(text)
    }
    if basis != MappingBasis() { basis.add(to: &object) }
    object["controls"] = .array(controls.map { $0.document(ownBasis(of: $0)) })
    return .object(object)
  }
}

extension MappingBasis {
  /// Writes the keys that ``ProfileDecoder`` reads.
  package func add(to object: inout JSONObject) {
    object["basis"] = .string(kind.rawValue)
    if !note.isEmpty { object["basis_note"] = .string(note) }
  }
}

extension Profile.Control {
  fileprivate func document(_ basis: MappingBasis?) -> JSONValue {
    var object: JSONObject = ["id": .string(id), "title": .string(title)]
    if isManual {
      object["manual"] = true
    } else {
      object["goals"] = .array(
        goals.map { goal in
          guard !goal.parameters.isEmpty else { return .string(goal.rule) }
          let sorted = goal.parameters.sorted { $0.key < $1.key }
          return [
            "rule": .string(goal.rule),
            "parameters": .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) })),
          ]
        }
      )
    }
    if !manualReason.isEmpty { object["reason"] = .string(manualReason) }
    basis?.add(to: &object)
    return .object(object)
  }
}
