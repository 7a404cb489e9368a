import JSON
import Model
import YAML

/// A CloudFormation template as it is written: its sections, before anything is worked out.
///
/// Format: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/>.
struct CloudFormationTemplate {
  /// A parameter that whoever deploys sets.
  struct Parameter {
    var type: String
    var defaultValue: JSONValue?
    /// Whether it is declared with `NoEcho`.
    var isSecret: Bool
  }

  /// A resource as declared.
  struct Declaration {
    /// The logical id.
    var id: String
    var type: String
    var properties: [(key: String, value: DocumentNode)]
    /// The name of the condition on which it is created.
    var condition: DocumentNode?
    var location: SourceLocation
  }

  let file: String
  private(set) var parameters: [String: Parameter] = [:]
  private(set) var mappings: JSONValue?
  private(set) var conditions: [String: DocumentNode] = [:]
  private(set) var declarations: [Declaration] = []
  /// The macros that CloudFormation runs over the whole template.
  private(set) var macros: [String] = []
  /// What the template holds that is not to be judged, and why.
  private(set) var outside: [(address: String, reason: String)] = []
  /// What is wrong with parts of the template.
  private(set) var faults: [DocumentError] = []

  /// Whether a name is a resource's logical id.
  func isResource(_ name: String) -> Bool { ids.contains(name) }
  private var ids: Set<String> = []

  /// Reads a template, or what `aws cloudformation get-template` prints.
  ///
  /// - Throws: ``DocumentError`` for a text that is no template.
  static func read(_ text: String, file: String) throws(DocumentError) -> Self {
    let root = try YAMLReader(.cloudFormation).document(text, file: file)
    guard case .mapping(let sections) = root.value,
      let body = sections.first(where: { $0.key == "TemplateBody" })?.value,
      !sections.contains(where: { $0.key == "Resources" })
    else { return try Self(root, file: file) }
    guard case .scalar(.string(let text)) = body.value else { return try Self(body, file: file) }
    return try Self(YAMLReader(.cloudFormation).document(text, file: file), file: file)
  }

  private init(_ root: DocumentNode, file: String) throws(DocumentError) {
    self.file = file
    guard case .mapping(let sections) = root.value else {
      throw DocumentError("not a CloudFormation template", key: "", at: root.location)
    }
    let keys = Set(sections.map(\.key))
    if let reason = Self.refusal(keys) {
      throw DocumentError(reason, key: keys.contains("Changes") ? "Changes" : "", at: root.location)
    }
    for (key, node) in sections {
      switch key {
      case "Parameters": try readParameters(node)
      case "Mappings": mappings = node.json
      case "Conditions":
        for (name, condition) in try Self.members(node, key) { conditions[name] = condition }
      case "Transform": macros = Self.macros(node)
      case "Resources": try readResources(node)
      default: break
      }
    }
    noteMacros()
  }

  /// Why a document with these keys is no template, and the way out; nil where it may be one.
  private static func refusal(_ keys: Set<String>) -> String? {
    if keys.contains("Resources") { return nil }
    if keys.contains("Changes"), keys.contains("ChangeSetId") || keys.contains("ChangeSetName") {
      return "a change set names resources and actions but not what they are set to; scan its "
        + "template: aws cloudformation get-template --stack-name STACK --change-set-name NAME "
        + "--template-stage Processed > template.json"
    }
    if keys.contains("resource_changes") || keys.contains("planned_values") {
      return "this is a Terraform plan; use plumb scan terraform"
    }
    if keys.contains("apiVersion"), keys.contains("kind") {
      return "this is a Kubernetes manifest; use plumb scan kubernetes"
    }
    return "not a CloudFormation template: it has no Resources"
  }

  private static func members(
    _ node: DocumentNode,
    _ key: String
  ) throws(DocumentError) -> [(key: String, value: DocumentNode)] {
    guard case .mapping(let members) = node.value else {
      throw DocumentError("expected keys and values", key: key, at: node.location)
    }
    return members
  }

  private mutating func readParameters(_ node: DocumentNode) throws(DocumentError) {
    for (name, parameter) in try Self.members(node, "Parameters") {
      let json = parameter.json
      guard json.object != nil else {
        throw DocumentError(
          "expected keys and values",
          key: "Parameters.\(name)",
          at: parameter.location
        )
      }
      let secret = json["NoEcho"]
      parameters[name] = Parameter(
        type: json["Type"]?.string ?? "String",
        defaultValue: json["Default"],
        isSecret: secret?.bool == true || secret?.string?.lowercased() == "true"
      )
    }
  }

  private static func macros(_ node: DocumentNode) -> [String] {
    let json = node.json
    return (json.array ?? [json]).map { $0.string ?? $0["Name"]?.string ?? $0.text }
  }

  private mutating func readResources(_ node: DocumentNode) throws(DocumentError) {
    let members = try Self.members(node, "Resources")
    ids = Set(members.map(\.key))
    for (id, resource) in members {
      let key = "Resources.\(id)"
      if id.hasPrefix("Fn::") {
        let reason =
          id.hasPrefix("Fn::ForEach") ? "a loop, which CloudFormation unrolls" : "a macro's result"
        outside.append((id, reason + "; scan the processed template"))
        continue
      }
      guard case .mapping(let parts) = resource.value else {
        faults.append(DocumentError("expected keys and values", key: key, at: resource.location))
        continue
      }
      func part(_ name: String) -> DocumentNode? { parts.first { $0.key == name }?.value }
      guard case .scalar(.string(let type)) = part("Type")?.value else {
        faults.append(DocumentError("missing key \"Type\"", key: key, at: resource.location))
        continue
      }
      if type == "AWS::CloudFormation::Stack" {
        outside.append((id, "a nested stack; scan its template by itself"))
        continue
      }
      if type.hasSuffix("::MODULE") {
        outside.append((id, "a module; scan the processed template"))
        continue
      }
      var properties: [(key: String, value: DocumentNode)] = []
      if let node = part("Properties") {
        guard case .mapping(let members) = node.value else {
          faults.append(
            DocumentError("expected keys and values", key: "\(key).Properties", at: node.location)
          )
          continue
        }
        properties = members
      }
      declarations.append(
        Declaration(
          id: id,
          type: type,
          properties: properties,
          condition: part("Condition"),
          location: resource.location
        )
      )
    }
  }

  /// Tells of macros that may change any resource; those of AWS change only types of their own.
  private mutating func noteMacros() {
    for macro in macros where !macro.hasPrefix("AWS::") {
      let reason = "a macro, which may change every resource; scan the processed template"
      outside.append(("Transform \(macro)", reason))
    }
  }
}
