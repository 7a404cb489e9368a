import JSON

/// The references of expressions, as plans list them: `aws_s3_bucket.logs`, `var.name`.
struct TerraformReferences {
  private let module: TerraformModule
  private var followed: Set<String> = []
  private var seen: Set<String> = []
  private var texts: [String] = []

  init(_ module: TerraformModule) { self.module = module }

  /// The list for an attribute.
  static func list(_ expression: HCLExpression, in module: TerraformModule) -> JSONValue {
    var references = TerraformReferences(module)
    references.add(expression, bound: [])
    return references.json
  }

  /// The list for all that stands in a body.
  static func list(_ body: HCLBody, in module: TerraformModule) -> JSONValue {
    var references = TerraformReferences(module)
    references.add(body, bound: [])
    return references.json
  }

  /// What plans hold for a body's arguments.
  static func expressions(of body: HCLBody, in module: TerraformModule) -> JSONValue {
    var members = JSONObject()
    for attribute in body.attributes {
      members[attribute.name] = ["references": list(attribute.expression, in: module)]
    }
    var blocks: [String: TerraformReferences] = [:]
    for block in body.blocks {
      let name = block.type == "dynamic" ? block.labels.first ?? "" : block.type
      blocks[name, default: TerraformReferences(module)].add(block.body, bound: [])
    }
    for (name, references) in blocks.sorted(by: { $0.key < $1.key }) {
      members[name] = ["references": references.json]
    }
    return .object(members)
  }

  private var json: JSONValue { .array(texts.map { .string($0) }) }

  private mutating func add(_ body: HCLBody, bound: Set<String>) {
    for attribute in body.attributes { add(attribute.expression, bound: bound) }
    for block in body.blocks {
      let iterator = block.type == "dynamic" ? block.labels.first ?? "" : ""
      add(block.body, bound: iterator.isEmpty ? bound : bound.union([iterator]))
    }
  }

  private mutating func add(_ parts: [HCLTemplatePart], bound: Set<String>) {
    for part in parts {
      switch part {
      case .literal: break
      case .interpolation(let expression): add(expression, bound: bound)
      case .choice(let condition, let then, let otherwise):
        add(condition, bound: bound)
        add(then, bound: bound)
        add(otherwise, bound: bound)
      case .loop(let keyName, let valueName, let collection, let body):
        add(collection, bound: bound)
        add(body, bound: bound.union([valueName] + (keyName.map { [$0] } ?? [])))
      }
    }
  }

  private mutating func add(_ expression: HCLExpression, bound: Set<String>) {
    switch expression.kind {
    case .literal: break
    case .template(let parts): add(parts, bound: bound)
    case .variable(let name): note(name, [], bound)
    case .access(let base, let steps):
      if case .variable(let name) = base.kind {
        note(name, steps, bound)
      } else {
        add(base, bound: bound)
      }
      for case .index(let key) in steps { add(key, bound: bound) }
    case .call(_, let arguments, _): for argument in arguments { add(argument, bound: bound) }
    case .negation(let operand), .not(let operand): add(operand, bound: bound)
    case .operation(let first, let rest):
      add(first, bound: bound)
      for (_, operand) in rest { add(operand, bound: bound) }
    case .conditional(let condition, let then, let otherwise):
      // Which way it goes is no part of what is referred to, but either value is.
      for part in [condition, then, otherwise] { add(part, bound: bound) }
    case .tuple(let elements): for element in elements { add(element, bound: bound) }
    case .object(let members):
      for (key, value) in members {
        add(key, bound: bound)
        add(value, bound: bound)
      }
    case .loop(let loop):
      add(loop.collection, bound: bound)
      let inner = bound.union([loop.valueName] + (loop.keyName.map { [$0] } ?? []))
      for part in [loop.key, loop.value, loop.condition] {
        if let part { add(part, bound: inner) }
      }
    }
  }

  private mutating func note(
    _ root: String,
    _ steps: [HCLExpression.Step],
    _ bound: Set<String>
  ) {
    guard !bound.contains(root), case .attribute(let name) = steps.first else { return }
    if root == "local" {
      // Plans do not say what is behind a local; sources do.
      guard followed.insert(name).inserted, followed.count <= 200,
        let local = module.locals[name]
      else { return }
      return add(local.node.expression, bound: [])
    }
    var text = "\(root).\(name)"
    var rest = steps.dropFirst()
    if case .index(let key) = rest.first {
      if case .literal(let literal) = key.kind { text += "[\(literal.text)]" }
      rest = rest.dropFirst()
    }
    if root == "module", case .attribute(let output) = rest.first { text += ".\(output)" }
    if seen.insert(text).inserted { texts.append(text) }
  }
}
