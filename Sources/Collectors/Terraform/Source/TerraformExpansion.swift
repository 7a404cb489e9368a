import JSON

/// Which instance of a block something is.
struct TerraformKey {
  /// The key of `count` or `for_each`; nil where the block has neither, or its instances are not known.
  var index: JSONValue?
  /// The names that `count` and `for_each` give.
  var bound: [String: HCLValue] = [:]
  /// The condition under which the instance is there, where that is not known.
  var openCondition: String?

  /// The key behind an address.
  var suffix: String { index.map { "[\($0.text)]" } ?? "" }
}

/// The instances that a block comes to.
enum TerraformExpansion<Instance: HCLInstance> {
  case single(Instance)
  case list([Instance])
  case map([(key: String, instance: Instance)])
  /// How many there are is not known: one stands for all.
  case open(String, [Instance], String)
  /// What the block stands for cannot be read.
  case unread(String)

  /// How many instances a block may have.
  static var limit: Int { 10_000 }
  /// What an instance costs of the work that may be done.
  private static var cost: Int { 100 }

  /// Works out `count` and `for_each`.
  init(
    _ body: HCLBody,
    _ evaluator: HCLEvaluator,
    address: String,
    make: (TerraformKey) -> Instance
  ) {
    if let count = body["count"] {
      self = Self.counted(count, evaluator, address, make)
    } else if let forEach = body["for_each"] {
      self = Self.each(forEach, evaluator, address, make)
    } else {
      self = .single(make(TerraformKey()))
    }
  }

  private static func counted(
    _ attribute: HCLAttribute,
    _ evaluator: HCLEvaluator,
    _ address: String,
    _ make: (TerraformKey) -> Instance
  ) -> Self {
    let value = evaluator.known(attribute.expression)
    if value.obstacle == nil {
      guard let count = try? value.asInteger() else {
        return .unread("its count is no whole number")
      }
      if count < 0 { return .unread("its count is \(count)") }
    }
    guard let count = try? value.asInteger(), (0...limit).contains(count),
      (try? evaluator.work.spend(count * cost)) != nil
    else {
      let reason = value.obstacle ?? "of more than \(limit) one stands for all"
      var key = TerraformKey()
      key.bound = ["count": .object(["index": .unknown(reason)])]
      key.openCondition = condition("\(attribute.text) > 0", address, reason)
      return .open(key.openCondition ?? "", [make(key)], reason)
    }
    return .list(
      (0..<count).map { index in
        let number = JSONValue.integer(Int64(index))
        return make(
          TerraformKey(index: number, bound: ["count": .object(["index": .scalar(number)])])
        )
      }
    )
  }

  private static func each(
    _ attribute: HCLAttribute,
    _ evaluator: HCLEvaluator,
    _ address: String,
    _ make: (TerraformKey) -> Instance
  ) -> Self {
    let value = evaluator.known(attribute.expression)
    guard let members = members(of: value),
      (try? evaluator.work.spend(members.count * cost)) != nil
    else {
      let reason = value.firstReason ?? "for_each is neither a map nor a set of texts"
      var key = TerraformKey()
      key.bound = ["each": .object(["key": .unknown(reason), "value": .unknown(reason)])]
      key.openCondition = condition("length(\(attribute.text)) > 0", address, reason)
      return .open(key.openCondition ?? "", [make(key)], reason)
    }
    return .map(
      members.map { name, value in
        let each: [String: HCLValue] = ["key": .text(name), "value": value]
        return (name, make(TerraformKey(index: .string(name), bound: ["each": .object(each)])))
      }
    )
  }

  /// The keys and values of what `for_each` goes through; nil where the keys are not known.
  private static func members(of value: HCLValue) -> [(key: String, value: HCLValue)]? {
    switch value {
    case .object(let members) where members.count <= limit:
      return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    case .list(let elements) where elements.count <= limit:
      guard let set = try? elements.asSet() else { return nil }
      let names = set.compactMap { try? $0.asText() }
      return names.count == set.count ? zip(names, set).map { ($0, $1) } : nil
    default: return nil
    }
  }

  /// A condition in words; the same text in the same module is the same condition.
  private static func condition(_ text: String, _ address: String, _ reason: String) -> String {
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    return (address.isEmpty ? "" : "\(address): ") + "\(line) (\(reason))"
  }

  /// All instances.
  var instances: [Instance] {
    switch self {
    case .single(let instance): [instance]
    case .list(let instances): instances
    case .map(let members): members.map(\.instance)
    case .open(_, let instances, _): instances
    case .unread: []
    }
  }

  /// What the block's address stands for in expressions.
  var value: HCLValue {
    switch self {
    case .single(let instance): return .instance(instance)
    case .list(let instances): return .list(instances.map { .instance($0) })
    case .map(let members):
      return .object(
        Dictionary(members.map { ($0.key, HCLValue.instance($0.instance)) }) { first, _ in first }
      )
    case .open(_, _, let reason), .unread(let reason): return .unknown(reason)
    }
  }
}
