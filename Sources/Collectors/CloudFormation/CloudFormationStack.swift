import JSON
import Model

/// The resources that a template comes to, with what is given beside it.
struct CloudFormationStack: MappingSource {
  let noun = "template"

  /// One resource, with its properties worked out.
  struct Instance: MappingInstance {
    var address: String
    var type: String
    /// The logical id.
    var name: String
    var value: SourceValue
    var openCondition: String?
    var line: Int?
    /// The properties as they are written, element by element.
    var arguments: [String: [Argument]]
    var isCreated: Bool { true }
  }

  /// A property as it is written, or one element of it.
  struct Argument {
    var expression: JSONValue
    var references: CloudFormationReferences
  }

  let file: String
  let region: String
  private(set) var instances: [Instance] = []
  /// What the template holds that is not to be judged, and why.
  private(set) var outside: [(address: String, reason: String)]
  /// What is wrong with the template.
  private(set) var faults: [DocumentError]

  /// Works out a template; ids begin with the prefix.
  init(_ template: CloudFormationTemplate, _ inputs: CloudFormationInputs, prefix: String = "") {
    file = template.file
    region = inputs.region
    outside = template.outside.map { (prefix + $0.address, $0.reason) }
    var evaluator = CloudFormationEvaluator(template, inputs)
    for declaration in template.declarations {
      let key = "Resources.\(declaration.id)"
      var open: String?
      if let condition = declaration.condition {
        let name = condition.json.string ?? ""
        switch evaluator.condition(condition, "\(key).Condition") {
        case .holds: break
        case .fails:
          outside.append((prefix + declaration.id, "condition \(name) is false"))
          continue
        case .open: open = "condition \(name)"
        }
      }
      var members: [(key: String, value: SourceValue)] = []
      var arguments: [String: [Argument]] = [:]
      for (name, node) in declaration.properties {
        let path = "\(key).Properties.\(name)"
        var value = evaluator.value(node, path)
        if value.isAbsent { continue }
        if name.hasSuffix("Tags") { value = value.keysAndValues }
        members.append((name, value))
        var nodes = [(key: path, node: node)]
        if case .sequence(let elements) = node.value {
          nodes = elements.enumerated().map { ("\(path)[\($0)]", $1) }
        }
        arguments[name] = nodes.map { key, node in
          Argument(expression: node.json, references: evaluator.references(node, key))
        }
      }
      instances.append(
        Instance(
          address: prefix + declaration.id,
          type: declaration.type,
          name: declaration.id,
          value: .object(members),
          openCondition: open,
          line: declaration.location.line,
          arguments: arguments
        )
      )
    }
    faults = template.faults + evaluator.faults
  }

  func writtenArguments(of instance: Instance) -> Set<String>? { Set(instance.arguments.keys) }

  func region(of instance: Instance) -> String { region }

  func origin(of instance: Instance) -> JSONValue {
    var origin: JSONObject = ["file": .string(file)]
    origin["line"] = instance.line.map { .integer(Int64($0)) }
    origin["address"] = .string(instance.name)
    return .object(origin)
  }

  func candidates(
    ofType type: String,
    for part: Instance,
    _ mapping: ResourceMapping.Part
  ) -> [Candidates]? {
    guard case .key(let name) = mapping.refers.components.first else { return [] }
    let wholes = instances.indices.filter { instances[$0].type == type }
    var certainty: [Int: Bool] = [:]
    var isOpen = false
    for argument in part.arguments[name] ?? [] {
      // The same expression yields the same name, whatever that is.
      let alike = wholes.filter { index in
        argument.expression.object != nil
          && mapping.matches.contains { instances[index].expression(at: $0) == argument.expression }
      }
      if !alike.isEmpty {
        for index in alike { certainty[index] = true }
        continue
      }
      let references = followed(argument.references)
      for index in wholes {
        guard let isCertain = references.certainty[instances[index].name] else { continue }
        certainty[index] = certainty[index] == true || isCertain
      }
      isOpen = isOpen || references.isOpen
    }
    var found = certainty.sorted { $0.key < $1.key }.map {
      Candidates(indices: [$0.key], isCertain: $0.value)
    }
    if isOpen {
      let others = wholes.filter { certainty[$0] == nil }
      if !others.isEmpty { found.append(Candidates(indices: others, isCertain: false)) }
    }
    return found
  }

  /// References, and those of resources that stand for what they themselves refer to.
  private func followed(_ references: CloudFormationReferences) -> CloudFormationReferences {
    var result = references
    for instance in instances where references.certainty[instance.name] != nil {
      if instance.type == "AWS::SecretsManager::SecretTargetAttachment" {
        for argument in instance.arguments["SecretId"] ?? [] { result.add(argument.references) }
      } else if instance.type.hasPrefix("Custom::") || instance.type.hasSuffix("::CustomResource") {
        // Its answer may name anything.
        result.add(.open)
      }
    }
    return result
  }
}

extension CloudFormationStack.Instance {
  /// The expression of the property at a path of one step.
  fileprivate func expression(at path: PropertyPath) -> JSONValue? {
    guard path.components.count == 1, case .key(let name) = path.components[0] else { return nil }
    return arguments[name]?.count == 1 ? arguments[name]?.first?.expression : nil
  }
}
