import JSON
import Model

/// A Terraform plan or state as `terraform show -json` prints it.
///
/// Format: <https://developer.hashicorp.com/terraform/internals/json-format>.
struct TerraformPlan {
  /// One instance of a managed resource.
  struct Instance {
    var address: String
    /// The address of its module, with instance keys; empty for the root.
    var module: String
    /// The names of the modules on the way to it, without keys.
    var modulePath: [String]
    var type: String
    var name: String
    /// The key of `count` or `for_each`, or nil.
    var index: JSONValue?
    var value: SourceValue
    /// Whether the plan creates it.
    var isCreated: Bool
    /// The provider's configuration key.
    var provider: String
    var openCondition: String?
    /// Where a source declares it.
    var location: SourceLocation?
  }

  /// What this is called where reasons speak of it.
  var noun = "plan"
  /// Why parts of every resource may be missing, if some may.
  var gap: String?
  /// The same for resources by their blocks.
  var gaps: [String: String] = [:]

  private(set) var instances: [Instance] = []
  /// What the file holds that is not to be judged, and why.
  private(set) var outside: [(address: String, reason: String)] = []
  let file: String
  private let configuration: JSONValue?
  /// The resource blocks of the configuration by module, type and name.
  private var blocks: [String: JSONValue] = [:]
  private let variables: JSONValue?

  /// Reads the parsed text of a plan or state.
  ///
  /// - Throws: ``DocumentError`` when it is neither.
  init(_ json: JSONValue, file: String) throws(DocumentError) {
    self.file = file
    configuration = json["configuration"]
    variables = json["variables"]
    index(configuration?["root_module"], path: [])
    let location = SourceLocation(file: file)
    guard json["format_version"]?.string != nil else {
      let hint =
        json["terraform_version"] != nil || json["lineage"] != nil
        ? "; this looks like a raw state file" : ""
      throw DocumentError(
        "not a Terraform plan or state as JSON\(hint); "
          + "make one with: terraform show -json plan.out > plan.json",
        key: "format_version",
        at: location
      )
    }
    if let changes = json["resource_changes"]?.array {
      for change in changes { readChange(change) }
      noteDataSources(json["prior_state"]?["values"]?["root_module"])
    } else if let root = json["values"]?["root_module"] ?? json["planned_values"]?["root_module"] {
      readModule(root, module: "")
    } else if json["planned_values"] == nil, json["values"] == nil {
      throw DocumentError(
        "holds neither resource_changes nor values",
        key: "",
        at: location
      )
    }
  }

  /// What sources come to.
  init(
    instances: [Instance],
    outside: [(address: String, reason: String)],
    file: String,
    configuration: JSONValue
  ) {
    self.instances = instances
    self.outside = outside
    self.file = file
    self.configuration = configuration
    variables = nil
    index(configuration["root_module"], path: [])
  }

  private mutating func readChange(_ change: JSONValue) {
    let address = change["address"]?.string ?? ""
    guard change["mode"]?.string == "managed" else {
      outside.append((address, "a data source"))
      return
    }
    let actions = change["change"]?["actions"]?.array?.compactMap(\.string) ?? []
    if actions == ["delete"] || actions == ["forget"] {
      outside.append(
        (address, actions == ["delete"] ? "the plan deletes it" : "the plan forgets it")
      )
      return
    }
    let body = change["change"]
    append(
      change,
      module: change["module_address"]?.string ?? "",
      SourceValue(
        value: body?["after"],
        unknown: body?["after_unknown"],
        sensitive: body?["after_sensitive"]
      ),
      isCreated: actions.contains("create")
    )
  }

  /// Notes the data sources that were read while planning; a plan lists no change for them.
  private mutating func noteDataSources(_ module: JSONValue?) {
    for resource in module?["resources"]?.array ?? [] where resource["mode"]?.string == "data" {
      let address = resource["address"]?.string ?? ""
      if !outside.contains(where: { $0.address == address }) {
        outside.append((address, "a data source"))
      }
    }
    for child in module?["child_modules"]?.array ?? [] { noteDataSources(child) }
  }

  private mutating func readModule(_ node: JSONValue, module: String) {
    for resource in node["resources"]?.array ?? [] {
      guard resource["mode"]?.string == "managed" else {
        outside.append((resource["address"]?.string ?? "", "a data source"))
        continue
      }
      append(
        resource,
        module: module,
        SourceValue(
          value: resource["values"],
          unknown: nil,
          sensitive: resource["sensitive_values"]
        ),
        isCreated: false
      )
    }
    for child in node["child_modules"]?.array ?? [] {
      readModule(child, module: child["address"]?.string ?? module)
    }
  }

  private mutating func append(
    _ resource: JSONValue,
    module: String,
    _ value: SourceValue,
    isCreated: Bool
  ) {
    instances.append(
      Instance(
        address: resource["address"]?.string ?? "",
        module: module,
        modulePath: Self.names(of: module),
        type: resource["type"]?.string ?? "",
        name: resource["name"]?.string ?? "",
        index: resource["index"],
        value: value,
        isCreated: isCreated,
        provider: resource["provider_name"]?.string ?? ""
      )
    )
  }

  /// The module names of an address such as `module.a["x"].module.b[0]`.
  private static func names(of module: String) -> [String] {
    let steps = TerraformAddress(module).steps
    return stride(from: 1, to: steps.count, by: 2).map { steps[$0].name }
  }

  // MARK: - Configuration

  static func key(_ module: [String], _ type: String, _ name: String) -> String {
    (module + [type, name]).joined(separator: "\u{1F}")
  }

  /// Indexes the blocks of a module and of those that it calls.
  private mutating func index(_ module: JSONValue?, path: [String]) {
    for block in module?["resources"]?.array ?? [] where block["mode"]?.string == "managed" {
      let key = Self.key(path, block["type"]?.string ?? "", block["name"]?.string ?? "")
      blocks[key] = block
    }
    for (name, call) in module?["module_calls"]?.object?.members ?? [] {
      index(call["module"], path: path + [name])
    }
  }

  func module(_ path: [String]) -> JSONValue? {
    var module = configuration?["root_module"]
    for name in path { module = module?["module_calls"]?[name]?["module"] }
    return module
  }

  func configuration(of instance: Instance) -> JSONValue? {
    blocks[Self.key(instance.modulePath, instance.type, instance.name)]
  }

  /// The arguments that HCL writes for an instance; nil where the file has no configuration.
  func writtenArguments(of instance: Instance) -> Set<String>? {
    guard configuration != nil, let found = configuration(of: instance) else { return nil }
    return Set(found["expressions"]?.object?.members.map(\.key) ?? [])
  }

  /// The region that an instance's provider is configured with, where the plan says it.
  func region(of instance: Instance) -> String {
    // Since version 6 the AWS provider takes a region from the resource itself.
    if instance.type.hasPrefix("aws_"), let own = instance.value.member("region").value?.string,
      !own.isEmpty
    {
      return own
    }
    let key = configuration(of: instance)?["provider_config_key"]?.string ?? ""
    let expression = configuration?["provider_config"]?[key]?["expressions"]?["region"]
    if let constant = expression?["constant_value"]?.string { return constant }
    for reference in expression?["references"]?.array?.compactMap(\.string) ?? []
    where reference.hasPrefix("var.") {
      if let value = variables?[String(reference.dropFirst(4))]?["value"]?.string { return value }
    }
    return ""
  }
}
