import JSON
import Model

/// The resources of the template that an expression names.
struct CloudFormationReferences: Equatable {
  /// Logical ids, and whether it is known that they are named.
  private(set) var certainty: [String: Bool] = [:]
  /// Whether the expression may name any other resource too.
  private(set) var isOpen = false

  /// Nothing is named.
  static let none = CloudFormationReferences()
  /// Any resource may be named.
  static let open = {
    var references = CloudFormationReferences()
    references.isOpen = true
    return references
  }()

  /// One resource is named.
  init(_ id: String) { certainty = [id: true] }

  private init() {}

  /// Adds what another expression names.
  mutating func add(_ other: CloudFormationReferences) {
    isOpen = isOpen || other.isOpen
    certainty.merge(other.certainty) { $0 || $1 }
  }

  /// The same, of which nothing is certain.
  var doubted: CloudFormationReferences {
    var result = self
    result.certainty = certainty.mapValues { _ in false }
    return result
  }
}

extension CloudFormationEvaluator {
  /// The resources that an expression names.
  mutating func references(_ node: DocumentNode, _ key: String) -> CloudFormationReferences {
    var result = CloudFormationReferences.none
    switch node.value {
    case .scalar: break
    case .sequence(let nodes):
      for (index, node) in nodes.enumerated() {
        result.add(references(node, "\(key)[\(index)]"))
      }
    case .mapping(let members):
      for (name, inner) in members { result.add(references(name, inner, "\(key).\(name)")) }
    }
    return result
  }

  private mutating func references(
    _ function: String,
    _ node: DocumentNode,
    _ key: String
  ) -> CloudFormationReferences {
    switch function {
    case "Ref": return reference(to: node.json.string ?? "")
    case "Fn::GetAtt":
      let text = node.json.string ?? node.json.array?.first?.string ?? ""
      return reference(to: String(text.prefix { $0 != "." }))
    case "Fn::Sub":
      var text = node.json.string ?? ""
      var result = CloudFormationReferences.none
      var own: Set<String> = []
      if case .sequence(let nodes) = node.value, nodes.count == 2 {
        text = nodes[0].json.string ?? ""
        own = Set(nodes[1].json.object?.members.map(\.key) ?? [])
        result = references(nodes[1], "\(key)[1]")
      }
      for case .variable(let name) in CloudFormationText(text).pieces where !own.contains(name) {
        let isParameter = template.parameters[name] != nil || name.hasPrefix("AWS::")
        result.add(reference(to: isParameter ? name : String(name.prefix { $0 != "." })))
      }
      return result
    case "Fn::If":
      guard case .sequence(let nodes) = node.value, nodes.count == 3 else { return .open }
      switch condition(nodes[0], "\(key)[0]") {
      case .holds: return references(nodes[1], "\(key)[1]")
      case .fails: return references(nodes[2], "\(key)[2]")
      case .open:
        var result = references(nodes[1], "\(key)[1]")
        result.add(references(nodes[2], "\(key)[2]"))
        return result.doubted
      }
    // What another stack exports exists already.
    case "Fn::ImportValue", "Fn::GetAZs": return .none
    case "Fn::FindInMap":
      // By the key of the function itself, so that a fault is not told twice.
      let own = String(key.dropLast(function.count + 1))
      let found = value(DocumentNode(.mapping([(function, node)]), at: node.location), own)
      return found.firstReason == nil ? .none : .open
    case "Fn::Transform": return .open
    default: return references(node, key)
    }
  }

  private func reference(to name: String) -> CloudFormationReferences {
    if template.isResource(name) { return CloudFormationReferences(name) }
    if let parameter = template.parameters[name] {
      // Such a parameter is the id of something that exists already.
      if parameter.type.hasPrefix("AWS::EC2::") || parameter.type.hasPrefix("List<AWS::EC2::") {
        return .none
      }
      let isKnown =
        !parameter.isSecret
        && (inputs.parameters[name] != nil || parameter.defaultValue != nil)
        && !parameter.type.hasPrefix("AWS::SSM::")
      return isKnown ? .none : .open
    }
    switch name {
    case "AWS::NoValue": return .none
    case "AWS::Region": return inputs.region.isEmpty ? .open : .none
    case "AWS::AccountId": return inputs.account.isEmpty ? .open : .none
    case "AWS::Partition", "AWS::URLSuffix": return .none
    default: return .open
    }
  }
}
