import JSON
import Model

extension TerraformPlan {
  /// What the sources of a root module come to, in the shape that a plan has; addresses begin with
  /// the prefix.
  init(_ run: TerraformRun, prefix: String = "") {
    var survey = TerraformSurvey(run, prefix: prefix)
    survey.visit(TerraformScope(run.root, run))
    let configuration: JSONValue = [
      "provider_config": .object(survey.providers),
      "root_module": survey.configuration(of: []),
    ]
    self.init(
      instances: survey.instances,
      outside: survey.outside,
      file: run.folder,
      configuration: configuration
    )
    noun = "source"
    if let file = run.unreadFiles.first {
      let more = run.unreadFiles.count > 1 ? " and \(run.unreadFiles.count - 1) more" : ""
      gap = "\(file)\(more) may configure it and is not read"
    }
    if survey.isFull { gap = "what is beyond the limit of resources may configure it" }
    for (path, body, module, reason) in survey.remoteCalls {
      touch(TerraformReferences.list(body, in: module), in: path, reason: reason)
    }
  }
}

/// Gathers the resources of a module and of those that it calls.
struct TerraformSurvey {
  private let run: TerraformRun
  private let prefix: String
  private(set) var instances: [TerraformPlan.Instance] = []
  private(set) var outside: [(address: String, reason: String)] = []
  private(set) var providers = JSONObject()
  /// Calls of modules that are not read.
  private(set) var remoteCalls:
    [(path: [String], body: HCLBody, module: TerraformModule, reason: String)] = []
  /// The configuration of each module, once for all of its instances.
  private var modules: [[String]: JSONObject] = [:]
  private var calls: [[String]: [(name: String, expressions: JSONValue)]] = [:]
  /// Whether there was more than is surveyed.
  private(set) var isFull = false
  private var visited = 0

  init(_ run: TerraformRun, prefix: String) {
    self.run = run
    self.prefix = prefix
  }

  /// Visits a module.
  mutating func visit(_ scope: TerraformScope) {
    visited += 1
    guard visited <= TerraformRun.resourceLimit else {
      return fill(prefix + scope.address, "modules")
    }
    let isNew = modules[scope.path] == nil
    if isNew { modules[scope.path] = configuration(of: scope) }
    let address = prefix + (scope.address.isEmpty ? "" : scope.address + ".")
    for declaration in scope.module.dataSources {
      outside.append(
        (address + "data." + declaration.node.labels.joined(separator: "."), "a data source")
      )
    }
    for declaration in scope.module.resources {
      let expansion = scope.instances(of: declaration)
      if case .unread(let reason) = expansion {
        outside.append((address + declaration.node.labels.joined(separator: "."), reason))
      }
      for resource in expansion.instances {
        if isFull { return }
        add(resource, in: scope)
      }
    }
    for call in scope.module.calls {
      let name = call.node.labels[0]
      let expansion = scope.instances(ofCall: call)
      if isNew {
        calls[scope.path, default: []].append(
          (name, TerraformReferences.expressions(of: call.node.body, in: scope.module))
        )
      }
      if case .unread(let reason) = expansion {
        outside.append((address + "module.\(name)", reason))
        if isNew { remoteCalls.append((scope.path, call.node.body, scope.module, reason)) }
      }
      for inner in expansion.instances {
        if isFull { return }
        visit(inner)
      }
    }
  }

  private mutating func add(_ resource: TerraformResource, in scope: TerraformScope) {
    guard instances.count < TerraformRun.resourceLimit else {
      return fill(prefix + resource.address, "resources")
    }
    note(resource.providerName, in: scope)
    let line = resource.block.position.line
    instances.append(
      TerraformPlan.Instance(
        address: prefix + resource.address,
        module: scope.address,
        modulePath: scope.path,
        type: resource.type,
        name: resource.name,
        index: resource.key.index,
        value: resource.value,
        isCreated: true,
        provider: "",
        openCondition: resource.key.openCondition ?? scope.openCondition,
        location: SourceLocation(file: resource.declaration.file, line: line)
      )
    )
  }

  /// Ends the survey at an address, and tells so once.
  private mutating func fill(_ address: String, _ noun: String) {
    if !isFull {
      outside.append((address, "there are more than \(TerraformRun.resourceLimit) \(noun)"))
    }
    isFull = true
  }

  // MARK: - Configuration

  /// The key of a provider's configuration, with what it says of the region.
  private mutating func note(_ name: String, in scope: TerraformScope) {
    let key = Self.key(name, in: scope)
    guard providers[key] == nil else { return }
    var region: JSONValue?
    if let found = scope.provider(name), let written = found.block.body["region"] {
      region = found.scope.evaluator.known(written.expression).json
    }
    let expressions: JSONValue = region.map { ["region": ["constant_value": $0]] } ?? [:]
    providers[key] = ["expressions": expressions]
  }

  private static func key(_ name: String, in scope: TerraformScope) -> String {
    scope.path.isEmpty ? name : scope.path.joined(separator: ".") + ":" + name
  }

  private func configuration(of scope: TerraformScope) -> JSONObject {
    let module = scope.module
    let resources = module.resources.map { declaration -> JSONValue in
      let block = declaration.node
      let provider =
        block.body["provider"]?.expression.dotted ?? String(block.labels[0].prefix { $0 != "_" })
      var object: JSONObject = [
        "mode": "managed", "type": .string(block.labels[0]), "name": .string(block.labels[1]),
        "provider_config_key": .string(Self.key(provider, in: scope)),
        "expressions": TerraformReferences.expressions(of: block.body, in: module),
      ]
      if let forEach = block.body["for_each"] {
        object["for_each_expression"] = [
          "references": TerraformReferences.list(forEach.expression, in: module)
        ]
      }
      return .object(object)
    }
    var outputs = JSONObject()
    for (name, output) in module.outputs.sorted(by: { $0.key < $1.key }) {
      guard let value = output.node.body["value"] else { continue }
      outputs[name] = [
        "expression": ["references": TerraformReferences.list(value.expression, in: module)]
      ]
    }
    return ["resources": .array(resources), "outputs": .object(outputs)]
  }

  /// The configuration of a module with those that it calls.
  func configuration(of path: [String]) -> JSONValue {
    var object = modules[path] ?? JSONObject()
    var members = JSONObject()
    for (name, expressions) in calls[path] ?? [] {
      members[name] = [
        "expressions": expressions, "module": configuration(of: path + [name]),
      ]
    }
    object["module_calls"] = .object(members)
    return .object(object)
  }
}
