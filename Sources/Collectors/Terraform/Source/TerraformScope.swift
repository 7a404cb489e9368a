import Foundation
import JSON
import Model

/// One module as it is called: its inputs are known, and names in it have values.
final class TerraformScope: HCLScope, HCLInstance {
  let module: TerraformModule
  let run: TerraformRun
  /// The address with instance keys; empty for the root.
  let address: String
  /// The names of the modules on the way, without keys.
  let path: [String]
  /// The condition under which the module is there at all, where that is not known.
  let openCondition: String?
  /// Whence the inputs come: the call's body and what evaluates it; nil for the root.
  private let call: (body: HCLBody, evaluator: HCLEvaluator)?
  private weak var parent: TerraformScope?

  private enum Found {
    case inProgress
    case value(HCLValue)
  }

  private var found: [String: Found] = [:]
  private var expansions: [String: TerraformExpansion<TerraformResource>] = [:]
  private var calls: [String: TerraformExpansion<TerraformScope>] = [:]

  init(
    _ module: TerraformModule,
    _ run: TerraformRun,
    address: String = "",
    path: [String] = [],
    openCondition: String? = nil,
    parent: TerraformScope? = nil,
    call: (body: HCLBody, evaluator: HCLEvaluator)? = nil
  ) {
    self.module = module
    self.run = run
    self.address = address
    self.path = path
    self.openCondition = openCondition
    self.parent = parent
    self.call = call
  }

  var evaluator: HCLEvaluator { HCLEvaluator(scope: self, work: run.work) }

  /// Works something out once; a value that needs itself has none.
  private func once(_ name: String, _ find: () throws -> HCLValue) throws -> HCLValue {
    switch found[name] {
    case .value(let value): return value
    case .inProgress: throw HCLError("\(name) rests on itself")
    case nil: break
    }
    found[name] = .inProgress
    do {
      let value = try find()
      found[name] = .value(value)
      return value
    } catch {
      found[name] = nil
      throw error
    }
  }

  // MARK: - Names

  func value(of root: String, _ names: [String]) throws -> (value: HCLValue, taken: Int) {
    guard let name = names.first else { throw HCLError("\(root) stands for nothing by itself") }
    switch root {
    case "var": return (try variable(name), 1)
    case "local": return (try local(name), 1)
    case "module": return (try moduleValue(name), 1)
    case "path":
      switch name {
      case "module": return (.text(module.folder), 1)
      case "root": return (.text(run.folder), 1)
      default: return (.unknown("path.\(name) is not known before Terraform runs"), 1)
      }
    case "terraform": return (.unknown("the workspace is not known"), 1)
    case "data", "ephemeral":
      guard names.count > 1 else { throw HCLError("\(root).\(name) stands for nothing") }
      return (.unknown("read by \(root).\(name).\(names[1]), which is not read here"), 2)
    case "each", "count", "self": throw HCLError("there is no \(root) here")
    default: return (try resourceValue(root, name), 1)
    }
  }

  private func variable(_ name: String) throws -> HCLValue {
    try once("var.\(name)") {
      guard let declaration = module.variables[name] else {
        return .unknown("the variable \(name) is not declared\(module.remark)")
      }
      let body = declaration.node.body
      let type = body["type"].map { TerraformVariableType($0.expression, evaluator) } ?? .any
      var value: HCLValue?
      if let call {
        value = call.body[name].map { call.evaluator.known($0.expression) }
        if value?.isNull == true, body["nullable"]?.expression.isFalse == true { value = nil }
      } else {
        value = run.inputs[name]
      }
      let fallback = body["default"].map { evaluator.known($0.expression) }
      guard let value = value ?? fallback else {
        return .unknown("the variable \(name) has no value; --var gives one")
      }
      if body["sensitive"]?.expression.isFalse == false, !value.isNull {
        return .unknown("sensitive")
      }
      return type.convert(value)
    }
  }

  private func local(_ name: String) throws -> HCLValue {
    try once("local.\(name)") {
      guard let declaration = module.locals[name] else {
        return .unknown("local.\(name) is not declared\(module.remark)")
      }
      return try evaluator.value(declaration.node.expression)
    }
  }

  /// An output of this module.
  func attribute(_ name: String) throws -> HCLValue {
    try once("output.\(name)") {
      guard let output = module.outputs[name] else {
        return .unknown("the output \(name) is not declared\(module.remark)")
      }
      guard let value = output.node.body["value"] else { return .null }
      if output.node.body["sensitive"]?.expression.isFalse == false { return .unknown("sensitive") }
      return try evaluator.value(value.expression)
    }
  }

  /// The text of a file; only of files in the module's own folder.
  func file(_ path: String) throws -> [UInt8] {
    let base = URL(fileURLWithPath: run.folder, isDirectory: true)
    let file = URL(fileURLWithPath: path, relativeTo: base).resolvingSymlinksInPath()
    // path.module is part of what is given, so a path may be relative to where we are too.
    let here = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    let folder = URL(fileURLWithPath: module.folder, isDirectory: true).resolvingSymlinksInPath()
    for candidate in [here, file] where candidate.path.hasPrefix(folder.path + "/") {
      do {
        return try BoundedFile.read(candidate.path, limit: 1 << 20)
      } catch FileError.empty {
        return []
      } catch {
        continue
      }
    }
    throw HCLError("\(path) is no file of the module's folder that can be read")
  }

  // MARK: - Resources

  private func resourceValue(_ type: String, _ name: String) throws -> HCLValue {
    guard let index = module.resourceIndex["\(type).\(name)"] else {
      guard type.contains("_") else { throw HCLError("nothing is called \(type)") }
      return .unknown("\(type).\(name) is not declared\(module.remark)")
    }
    return instances(of: module.resources[index]).value
  }

  /// The instances of a resource block.
  func instances(
    of declaration: TerraformModule.Declaration<HCLBlock>
  ) -> TerraformExpansion<TerraformResource> {
    let key = declaration.node.labels.joined(separator: ".")
    if let known = expansions[key] { return known }
    // What refers to itself by its own count has none.
    expansions[key] = .open("count of \(key)", [], "\(key) rests on itself")
    let expansion = TerraformExpansion(declaration.node.body, evaluator, address: address) {
      TerraformResource(declaration, self, $0)
    }
    expansions[key] = expansion
    return expansion
  }

  // MARK: - Modules

  private func moduleValue(_ name: String) throws -> HCLValue {
    guard let call = module.calls.first(where: { $0.node.labels[0] == name }) else {
      return .unknown("module.\(name) is not declared\(module.remark)")
    }
    return instances(ofCall: call).value
  }

  /// The modules that a block calls; with a reason where they cannot be read.
  func instances(
    ofCall call: TerraformModule.Declaration<HCLBlock>
  ) -> TerraformExpansion<TerraformScope> {
    let name = call.node.labels[0]
    if let known = calls[name] { return known }
    calls[name] = .unread("module.\(name) rests on itself")
    let expansion: TerraformExpansion<TerraformScope>
    switch run.source(of: call.node, from: self) {
    case .unread(let reason): expansion = .unread(reason)
    case .module(let inner):
      expansion = TerraformExpansion(call.node.body, evaluator, address: address) { key in
        TerraformScope(
          inner,
          run,
          address: (address.isEmpty ? "" : address + ".") + "module.\(name)\(key.suffix)",
          path: path + [name],
          openCondition: key.openCondition ?? openCondition,
          parent: self,
          call: (call.node.body, evaluator.binding(key.bound))
        )
      }
    }
    calls[name] = expansion
    return expansion
  }

  // MARK: - Providers

  /// The configuration of a provider by the name that a resource uses, if it is written somewhere.
  func provider(_ name: String) -> (scope: TerraformScope, block: HCLBlock)? {
    for declaration in module.providers {
      var own = declaration.node.labels[0]
      if let alias = declaration.node.body["alias"]?.expression.literalText { own += ".\(alias)" }
      if own == name { return (self, declaration.node) }
    }
    guard let parent else { return nil }
    if let given = call?.body["providers"]?.expression, case .object(let members) = given.kind {
      for (key, value) in members where (key.literalText ?? key.dotted) == name {
        return parent.provider(value.dotted ?? name)
      }
    }
    return name.contains(".") ? nil : parent.provider(name)
  }
}

extension TerraformModule {
  /// What may be why something is not found.
  fileprivate var remark: String {
    unreadFiles.isEmpty ? "" : " in the files that were read"
  }
}

extension HCLExpression {
  /// Whether this is `false` written out; nil where it is something else than `true` or `false`.
  fileprivate var isFalse: Bool? {
    if case .literal(.bool(let flag)) = kind { return !flag }
    return nil
  }

  /// A name, or names with dots between them, such as `aws.west`.
  var dotted: String? {
    switch kind {
    case .variable(let name): return name
    case .literal(.string(let text)): return text
    case .access(let base, let steps):
      guard var result = base.dotted else { return nil }
      for step in steps {
        guard case .attribute(let name) = step else { return nil }
        result += ".\(name)"
      }
      return result
    case .template(let parts):
      guard parts.count == 1, case .interpolation(let inner) = parts[0] else { return nil }
      return inner.dotted
    default: return nil
    }
  }
}
