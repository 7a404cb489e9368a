import Foundation
import JSON
import Model

/// What whoever deploys gives beside the template.
struct CloudFormationInputs: Sendable {
  /// Values of parameters, by name.
  var parameters: [String: String] = [:]
  /// The region; empty where it is not known.
  var region = ""
  /// The account's number; empty where it is not known.
  var account = ""
}

/// Works out the expressions of a template; what cannot be worked out is unknown, with the reason.
struct CloudFormationEvaluator {
  let template: CloudFormationTemplate
  let inputs: CloudFormationInputs
  /// What is wrong with the template's expressions.
  private(set) var faults: [DocumentError] = []
  private var truths: [String: Truth] = [:]
  /// The conditions that are being worked out.
  private var asked: Set<String> = []

  init(_ template: CloudFormationTemplate, _ inputs: CloudFormationInputs) {
    self.template = template
    self.inputs = inputs
  }

  /// Whether a condition holds, or why that is not known.
  enum Truth: Equatable {
    case holds, fails
    case open(String)
  }

  /// Notes a fault, once, and gives the value that stands in.
  mutating func fault(_ message: String, _ key: String, _ node: DocumentNode) -> SourceValue {
    let error = DocumentError(message, key: key, at: node.location)
    if !faults.contains(error) { faults.append(error) }
    return .unknown(message)
  }

  // MARK: - Values

  /// The value of an expression.
  mutating func value(_ node: DocumentNode, _ key: String) -> SourceValue {
    switch node.value {
    case .scalar(.string(let text)): return .text(text)
    case .scalar(let scalar): return SourceValue(value: scalar.isNull ? nil : scalar)
    case .sequence(let nodes):
      return .list(
        nodes.enumerated().map { index, node in value(node, "\(key)[\(index)]") }
      )
    case .mapping(let members):
      if members.count == 1, let member = members.first, Self.isFunction(member.key) {
        return call(member.key, member.value, "\(key).\(member.key)")
      }
      if let macro = members.first(where: { $0.key.hasPrefix("Fn::") }) {
        return .unknown("\(macro.key), which only CloudFormation runs")
      }
      return .object(members.map { ($0.key, value($0.value, "\(key).\($0.key)")) })
    }
  }

  private static func isFunction(_ key: String) -> Bool { key == "Ref" || key.hasPrefix("Fn::") }

  private mutating func call(_ name: String, _ node: DocumentNode, _ key: String) -> SourceValue {
    switch name {
    case "Ref": return reference(node, key)
    case "Fn::Sub": return substitution(node, key)
    case "Fn::If": return choice(node, key)
    case "Fn::FindInMap": return lookUp(node, key)
    case "Fn::GetAtt": return attribute(node, key)
    case "Fn::ImportValue": return .unknown("exported by another stack")
    case "Fn::GetAZs": return .unknown("known after deploy")
    case "Fn::Join", "Fn::Split", "Fn::Select": return listFunction(name, node, key)
    case "Fn::Base64":
      return value(node, key).mapText { .text(Data($0.utf8).base64EncodedString()) }
    case "Fn::Length":
      let list = value(node, key)
      if let obstacle = list.obstacle { return .unknown(obstacle) }
      return SourceValue(value: list.value?.array.map { .integer(Int64($0.count)) })
    case "Fn::ToJsonString":
      let whole = value(node, key)
      if let reason = whole.firstReason { return .unknown(reason) }
      return SourceValue(value: whole.value.map { .string($0.text) })
    default: return .unknown("\(name), which only CloudFormation runs")
    }
  }

  /// The nodes of a function's list of arguments.
  private mutating func arguments(
    _ node: DocumentNode,
    _ key: String,
    _ counts: ClosedRange<Int>
  ) -> [DocumentNode]? {
    if case .sequence(let nodes) = node.value, counts.contains(nodes.count) { return nodes }
    let count = counts.count == 1 ? "\(counts.lowerBound)" : "\(counts.lowerBound) or more"
    _ = fault("expected a list of \(count)", key, node)
    return nil
  }

  private mutating func reference(_ node: DocumentNode, _ key: String) -> SourceValue {
    guard case .scalar(.string(let name)) = node.value else {
      return fault("expected the name of a parameter or resource", key, node)
    }
    return named(name) ?? fault("nothing in the template is called \"\(name)\"", key, node)
  }

  /// The value of a parameter, pseudo parameter or resource; nil where there is none of that name.
  private func named(_ name: String) -> SourceValue? {
    if let parameter = template.parameters[name] { return self.value(of: parameter, name) }
    switch name {
    case "AWS::NoValue": return SourceValue()
    case "AWS::Region":
      return inputs.region.isEmpty ? .unknown(Self.noRegion) : .text(inputs.region)
    case "AWS::AccountId":
      return inputs.account.isEmpty
        ? .unknown("the account is not given; --account names it") : .text(inputs.account)
    case "AWS::Partition": return ofRegion(china: "aws-cn", government: "aws-us-gov", other: "aws")
    case "AWS::URLSuffix":
      return ofRegion(
        china: "amazonaws.com.cn",
        government: "amazonaws.com",
        other: "amazonaws.com"
      )
    case _ where name.hasPrefix("AWS::"): return .unknown("known after deploy")
    default: break
    }
    // Macros add parameters and resources of their own.
    if template.isResource(name) || !template.macros.isEmpty {
      return .unknown("known after deploy")
    }
    return nil
  }

  private static let noRegion = "the region is not given; --region names it"

  private func ofRegion(china: String, government: String, other: String) -> SourceValue {
    if inputs.region.isEmpty { return .unknown(Self.noRegion) }
    if inputs.region.hasPrefix("cn-") { return .text(china) }
    return .text(inputs.region.hasPrefix("us-gov-") ? government : other)
  }

  private func value(
    of parameter: CloudFormationTemplate.Parameter,
    _ name: String
  ) -> SourceValue {
    if parameter.isSecret { return .unknown("sensitive") }
    if parameter.type.hasPrefix("AWS::SSM::Parameter::Value") {
      return .unknown("a parameter of Systems Manager, read on deploy")
    }
    let given = inputs.parameters[name].map(JSONValue.string) ?? parameter.defaultValue
    guard let given, !given.isNull else { return .unknown("a parameter without a value: \(name)") }
    guard parameter.type == "CommaDelimitedList" || parameter.type.hasPrefix("List<") else {
      return given.string.map(SourceValue.text) ?? SourceValue(value: given)
    }
    let texts = (given.string ?? given.text).split(separator: ",", omittingEmptySubsequences: false)
    return .list(texts.map { .text($0.trimmingCharacters(in: .whitespaces)) })
  }

  private mutating func attribute(_ node: DocumentNode, _ key: String) -> SourceValue {
    var name: String?
    switch node.value {
    case .scalar(.string(let text)): name = text.split(separator: ".").first.map(String.init)
    case .sequence(let nodes): name = nodes.first?.json.string
    default: break
    }
    guard let name else { return fault("expected a resource and its attribute", key, node) }
    if template.isResource(name) || !template.macros.isEmpty {
      return .unknown("known after deploy")
    }
    return fault("no resource is called \"\(name)\"", key, node)
  }

  // MARK: - Texts and lists

  private mutating func substitution(_ node: DocumentNode, _ key: String) -> SourceValue {
    var text: String?
    var own: [(key: String, value: SourceValue)] = []
    switch node.value {
    case .scalar(let scalar): text = scalar.string ?? scalar.text
    case .sequence(let nodes) where nodes.count == 2:
      text = nodes[0].json.string
      if case .mapping(let members) = nodes[1].value {
        own = members.map { ($0.key, value($0.value, "\(key)[1].\($0.key)")) }
      }
    default: break
    }
    guard let text else { return fault("expected a text, or a text and values", key, node) }
    var result = ""
    for piece in CloudFormationText(text).pieces {
      switch piece {
      case .literal(let literal): result += literal
      case .variable(let name):
        var found = own.first { $0.key == name }?.value ?? named(name)
        if found == nil, template.isResource(String(name.prefix { $0 != "." })) {
          found = .unknown("known after deploy")
        }
        guard let found else {
          return fault("nothing in the template is called \"\(name)\"", key, node)
        }
        if let reason = found.firstReason { return .unknown(reason) }
        guard let part = found.scalarText else {
          return fault("\"\(name)\" is no text", key, node)
        }
        result += part
      }
    }
    return .text(result)
  }

  private mutating func listFunction(
    _ name: String,
    _ node: DocumentNode,
    _ key: String
  ) -> SourceValue {
    guard let nodes = arguments(node, key, 2...2) else { return .unknown("not a list of 2") }
    let first = value(nodes[0], "\(key)[0]")
    let second = value(nodes[1], "\(key)[1]")
    if let reason = first.firstReason ?? second.obstacle { return .unknown(reason) }
    guard let head = first.scalarText else { return fault("expected a text", "\(key)[0]", node) }
    if name == "Fn::Split" {
      guard let text = second.scalarText, !head.isEmpty else {
        return fault("expected a text", "\(key)[1]", node)
      }
      return .list(text.components(separatedBy: head).map { .text($0) })
    }
    guard let elements = second.value?.array else {
      return fault("expected a list", "\(key)[1]", node)
    }
    if name == "Fn::Select" {
      guard let index = Int(head), elements.indices.contains(index) else {
        return fault("there is no element \(head)", key, node)
      }
      return second.element(index)
    }
    if let reason = second.firstReason { return .unknown(reason) }
    let texts = elements.compactMap { SourceValue(value: $0).scalarText }
    guard texts.count == elements.count else { return fault("expected texts", "\(key)[1]", node) }
    return .text(texts.joined(separator: head))
  }

  private mutating func lookUp(_ node: DocumentNode, _ key: String) -> SourceValue {
    guard let nodes = arguments(node, key, 3...4) else { return .unknown("not a list of 3") }
    var names: [String] = []
    for (index, argument) in nodes.prefix(3).enumerated() {
      let found = value(argument, "\(key)[\(index)]")
      if let reason = found.firstReason { return .unknown(reason) }
      guard let name = found.scalarText else {
        return fault("expected a text", "\(key)[\(index)]", argument)
      }
      names.append(name)
    }
    if let found = template.mappings?[names[0]]?[names[1]]?[names[2]] {
      return value(DocumentNode(found, at: node.location), key)
    }
    if nodes.count == 4, case .mapping(let members) = nodes[3].value,
      let other = members.first(where: { $0.key == "DefaultValue" })?.value
    {
      return value(other, "\(key)[3].DefaultValue")
    }
    return fault("Mappings holds no \(names.joined(separator: "."))", key, node)
  }

  // MARK: - Conditions

  private mutating func choice(_ node: DocumentNode, _ key: String) -> SourceValue {
    guard let nodes = arguments(node, key, 3...3) else { return .unknown("not a list of 3") }
    switch condition(nodes[0], "\(key)[0]") {
    case .holds: return value(nodes[1], "\(key)[1]")
    case .fails: return value(nodes[2], "\(key)[2]")
    case .open(let reason):
      let one = value(nodes[1], "\(key)[1]")
      let other = value(nodes[2], "\(key)[2]")
      if one.firstReason == nil, other.firstReason == nil, one.value == other.value { return one }
      return .unknown(reason)
    }
  }

  /// How many conditions may rest on one another.
  private static let chainLimit = 100

  /// Whether the condition that a node names holds.
  mutating func condition(_ node: DocumentNode, _ key: String) -> Truth {
    guard case .scalar(.string(let name)) = node.value else { return truth(node, key) }
    if let known = truths[name] { return known }
    guard let expression = template.conditions[name] else {
      _ = fault("there is no condition \"\(name)\"", key, node)
      return .open("there is no condition \"\(name)\"")
    }
    // A condition that is asked for again before it is known; a chain without end would not end.
    guard asked.count < Self.chainLimit, asked.insert(name).inserted else {
      _ = fault("condition \"\(name)\" rests on itself", key, node)
      return .open("condition \"\(name)\" rests on itself")
    }
    defer { asked.remove(name) }
    let result =
      switch truth(expression, "Conditions.\(name)") {
      case .open(let reason): Truth.open("condition \(name) is not known: \(reason)")
      case let known: known
      }
    truths[name] = result
    return result
  }

  private mutating func truth(_ node: DocumentNode, _ key: String) -> Truth {
    guard case .mapping(let members) = node.value, members.count == 1, let member = members.first
    else {
      _ = fault("expected a condition", key, node)
      return .open("expected a condition")
    }
    let inner = "\(key).\(member.key)"
    switch member.key {
    case "Condition": return condition(member.value, inner)
    case "Fn::Equals":
      guard let nodes = arguments(member.value, inner, 2...2) else { break }
      if nodes[0].json == nodes[1].json { return .holds }
      let one = value(nodes[0], "\(inner)[0]")
      let other = value(nodes[1], "\(inner)[1]")
      if let reason = one.firstReason ?? other.firstReason { return .open(reason) }
      // CloudFormation compares texts.
      let isEqual = one.scalarText.map { $0 == other.scalarText } ?? (one.value == other.value)
      return isEqual ? .holds : .fails
    case "Fn::Not":
      guard let nodes = arguments(member.value, inner, 1...1) else { break }
      switch truth(nodes[0], "\(inner)[0]") {
      case .holds: return .fails
      case .fails: return .holds
      case .open(let reason): return .open(reason)
      }
    case "Fn::And", "Fn::Or":
      guard let nodes = arguments(member.value, inner, 1...10) else { break }
      let decisive: Truth = member.key == "Fn::And" ? .fails : .holds
      let found = nodes.enumerated().map { truth($1, "\(inner)[\($0)]") }
      if found.contains(decisive) { return decisive }
      for case .open(let reason) in found { return .open(reason) }
      return decisive == .fails ? .holds : .fails
    default: return .open("\(member.key), which only CloudFormation runs")
    }
    return .open("it is not written as CloudFormation wants it")
  }
}
