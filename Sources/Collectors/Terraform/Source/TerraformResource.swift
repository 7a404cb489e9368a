import JSON
import Model

/// One instance of a resource block.
final class TerraformResource: HCLInstance {
  /// Arguments that are Terraform's own.
  private static let own: Set<String> = [
    "count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection",
  ]

  let declaration: TerraformModule.Declaration<HCLBlock>
  let key: TerraformKey
  private unowned let scope: TerraformScope
  private var found: [String: HCLValue] = [:]
  private var asked: Set<String> = []

  init(
    _ declaration: TerraformModule.Declaration<HCLBlock>,
    _ scope: TerraformScope,
    _ key: TerraformKey
  ) {
    self.declaration = declaration
    self.scope = scope
    self.key = key
  }

  var block: HCLBlock { declaration.node }
  var type: String { block.labels[0] }
  var name: String { block.labels[1] }

  var address: String {
    (scope.address.isEmpty ? "" : scope.address + ".") + "\(type).\(name)\(key.suffix)"
  }

  private var evaluator: HCLEvaluator { scope.evaluator.binding(key.bound) }

  /// An attribute as other expressions see it.
  func attribute(_ name: String) throws -> HCLValue {
    if let value = found[name] { return value }
    guard asked.insert(name).inserted else { throw HCLError("\(address).\(name) rests on itself") }
    defer { asked.remove(name) }
    let value = argument(name, of: block.body, evaluator) ?? unwritten(name)
    found[name] = value
    return value
  }

  /// What plans say of an argument that is not written.
  private func unwritten(_ name: String) -> HCLValue {
    let facts = scope.run.facts[type]
    let absent = SourceValue(value: [:], unknown: nil, sensitive: nil, facts: facts).member(name)
    if absent.obstacle != nil { return .unknown(HCLValue.afterApply) }
    return absent.value.map { HCLValue($0) } ?? .null
  }

  /// The arguments, with what of them is unknown and where they are written.
  var value: SourceValue {
    let own = Self.own
    var body = block.body
    body.attributes.removeAll { own.contains($0.name) }
    body.blocks.removeAll { own.contains($0.type) }
    let evaluator = evaluator
    var members: [String: HCLValue] = [:]
    for name in Self.names(of: body) {
      members[name] =
        found[name] ?? argument(name, of: body, evaluator) ?? .unknown(HCLValue.afterApply)
    }
    if let tags = tags(members["tags"]) { members["tags_all"] = tags }
    let (value, unknown) = HCLValue.object(members).planned
    return SourceValue(
      value: value,
      unknown: unknown,
      sensitive: nil,
      facts: scope.run.facts[type] ?? .empty,
      places: places(of: body, at: block.position.line, evaluator)
    )
  }

  // MARK: - Bodies

  /// The names of what is written in a body, in order.
  private static func names(of body: HCLBody) -> [String] {
    var seen: Set<String> = []
    let names =
      body.attributes.map(\.name)
      + body.blocks.map { $0.type == "dynamic" ? $0.labels.first ?? "" : $0.type }
    return names.filter { seen.insert($0).inserted }
  }

  /// An attribute, or the list of the blocks of a type; nil where neither is written.
  private func argument(
    _ name: String,
    of body: HCLBody,
    _ evaluator: HCLEvaluator
  ) -> HCLValue? {
    if let attribute = body[name] { return evaluator.known(attribute.expression) }
    var elements: [HCLValue] = []
    var isWritten = false
    for block in body.blocks {
      if block.type == "dynamic", block.labels.first == name {
        isWritten = true
        let items = dynamic(block, evaluator)
        guard case .list(let generated) = items else { return items }
        elements += generated
      } else if block.type == name, block.type != "dynamic" {
        isWritten = true
        elements.append(object(block.body, evaluator))
      }
    }
    return isWritten ? .list(elements) : nil
  }

  private func object(_ body: HCLBody, _ evaluator: HCLEvaluator) -> HCLValue {
    var members: [String: HCLValue] = [:]
    for name in Self.names(of: body) { members[name] = argument(name, of: body, evaluator) }
    return .object(members)
  }

  /// The blocks that a dynamic block makes; unknown where what it goes through is.
  private func dynamic(_ block: HCLBlock, _ evaluator: HCLEvaluator) -> HCLValue {
    guard let content = block.body.blocks("content").first else {
      return .unknown("a dynamic block without content")
    }
    switch Self.iterations(block, evaluator) {
    case .failure(let error): return .unknown(error.description)
    case .success(let evaluators): return .list(evaluators.map { object(content.body, $0) })
    }
  }

  /// The evaluators of a dynamic block's iterations, which know its iterator.
  private static func iterations(
    _ block: HCLBlock,
    _ evaluator: HCLEvaluator
  ) -> Result<[HCLEvaluator], HCLError> {
    guard let forEach = block.body["for_each"] else {
      return .failure(HCLError("a dynamic block without for_each"))
    }
    let items = evaluator.known(forEach.expression)
    if let reason = items.obstacle { return .failure(HCLError(reason)) }
    let iterator = block.body["iterator"]?.expression.dotted ?? block.labels.first ?? ""
    do {
      let isSet = forEach.expression.isSet
      return .success(
        try HCLEvaluator.items(of: items).map { key, item in
          let key = isSet ? item : .scalar(key)
          return evaluator.binding([iterator: .object(["key": key, "value": item])])
        }
      )
    } catch {
      return .failure(HCLError("cannot be worked out: \(error)"))
    }
  }

  // MARK: - Places

  private func places(
    of body: HCLBody,
    at line: Int,
    _ evaluator: HCLEvaluator
  ) -> SourcePlaces {
    let file = declaration.file
    var places = SourcePlaces(SourceLocation(file: file, line: line))
    for attribute in body.attributes {
      places.members[attribute.name] = SourcePlaces(
        attribute.expression,
        file: file,
        line: attribute.position.line
      )
    }
    for block in body.blocks {
      let line = block.position.line
      var type = block.type
      var elements: [SourcePlaces]
      if type == "dynamic", let name = block.labels.first {
        type = name
        let content = block.body.blocks("content").first?.body ?? HCLBody()
        let count = (try? Self.iterations(block, evaluator).get().count) ?? 0
        elements = Array(repeating: self.places(of: content, at: line, evaluator), count: count)
      } else {
        elements = [self.places(of: block.body, at: line, evaluator)]
      }
      var own = places.members[type] ?? SourcePlaces(SourceLocation(file: file, line: line))
      own.elements += elements
      places.members[type] = own
    }
    return places
  }

  // MARK: - Providers

  /// The name of the provider's configuration, such as `aws.west`.
  var providerName: String {
    if let written = block.body["provider"]?.expression.dotted { return written }
    return String(type.prefix { $0 != "_" })
  }

  /// AWS's provider lays the tags of a resource over those that it adds to all; nil where plans do
  /// not tell either.
  private func tags(_ own: HCLValue?) -> HCLValue? {
    guard type.hasPrefix("aws_") else { return nil }
    var shared: HCLValue?
    if let provider = scope.provider(providerName),
      let block = provider.block.body.blocks("default_tags").first,
      let tags = block.body["tags"]
    {
      shared = provider.scope.evaluator.known(tags.expression)
    }
    guard let shared else { return own.flatMap { (try? $0.asObject()) == nil ? nil : $0 } }
    guard let all = try? shared.asObject() else { return shared }
    guard let own, !own.isNull else { return shared }
    guard let tags = try? own.asObject() else { return own }
    return .object(all.merging(tags) { $1 })
  }
}

extension HCLExpression {
  /// Whether this plainly makes a set, of which keys and values are the same.
  fileprivate var isSet: Bool {
    if case .call("toset", _, _) = kind { return true }
    return false
  }
}
