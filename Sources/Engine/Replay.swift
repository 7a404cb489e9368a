package import JSON
package import Model

/// Judges a stored proof's condition again, without rules or network.
package enum Replay {
  /// Why a proof cannot be replayed.
  package enum Failure: Error, Equatable, CustomStringConvertible {
    case notAProof(String)
    case otherConfiguration(expected: String, found: String)

    /// The fault in words.
    package var description: String {
      switch self {
      case .notAProof(let fault): "not a proof: \(fault)"
      case .otherConfiguration(let expected, let found):
        "this is not the configuration that was judged: its digest is \(found), the proof names "
          + expected
      }
    }
  }

  /// The verdict that the proof's condition gives the configuration, as of the proof's instant.
  ///
  /// Counts over related resources are taken from the proof; the configuration alone does not hold
  /// them. The configuration is nil where there was none, the verdict where the resource was outside
  /// the target.
  ///
  /// - Throws: ``Failure``.
  package static func verdict(
    of proof: JSONValue,
    configuration: JSONValue?
  ) throws(Failure) -> Verdict? {
    let digest = Digest.sha256(of: configuration ?? .null)
    guard let expected = proof["configuration_sha256"]?.string, let now = proof["judged_at"]?.string
    else { throw .notAProof("it names no digest or instant") }
    guard digest == expected else { throw .otherConfiguration(expected: expected, found: digest) }
    var tallies: [Tally] = []
    let kind = ResourceKind(service: "replay", kind: "replay")
    var rule = Rule(
      id: "replay",
      title: "",
      target: Rule.Target(kinds: [kind]),
      requiredConfig: .and([])
    )
    var attributes: [Condition.Leaf] = []
    do {
      if let target = proof["target"] {
        guard case .and(let leaves) = try condition(target, &tallies) else {
          throw Failure.notAProof("its target is no list")
        }
        for case .leaf(var leaf) in leaves {
          leaf.fallback = ConditionDecoder.fallback(of: leaf.property)
          attributes.append(leaf)
        }
      }
      rule.target = Rule.Target(kinds: [kind], attributes: attributes)
      rule.applies = try proof["applies"].map { try condition($0, &tallies) }
      guard let required = proof["condition"] else {
        throw Failure.notAProof("it has no condition")
      }
      rule.requiredConfig = try condition(required, &tallies)
      let ruleSet = try RuleSet(try RuleIndex([rule]))
      return try evaluate(ruleSet, proof, configuration, kind, tallies, now)
    } catch let failure as Failure {
      throw failure
    } catch {
      throw .notAProof("\(error)")
    }
  }

  /// Reads a condition back from its tree, and the counts over related resources in their order.
  private static func condition(
    _ node: JSONValue,
    _ tallies: inout [Tally]
  ) throws -> Condition {
    collect(node, &tallies)
    let grammar = DocumentNode(plain(node), at: SourceLocation(file: "proof"))
    return try ConditionDecoder(isReplay: true).condition(grammar, path: "condition")
  }

  /// The tree without what the proof adds to the grammar.
  private static func plain(_ node: JSONValue) -> JSONValue {
    guard let object = node.object else { return node }
    let grammar: Set<String> = [
      "and", "or", "not", "property", "operator", "any", "all", "none", "count", "join", "satisfy",
    ]
    var result = JSONObject()
    for (key, value) in object.members {
      switch key {
      case "and", "or": result[key] = .array((value.array ?? []).map(plain))
      case "not": result[key] = plain(value)
      case "expected": result["value"] = value
      default: if grammar.contains(key) { result[key] = value }
      }
    }
    return .object(result)
  }

  private static func collect(_ node: JSONValue, _ tallies: inout [Tally]) {
    for part in (node["and"] ?? node["or"])?.array ?? [] { collect(part, &tallies) }
    if let part = node["not"] { collect(part, &tallies) }
    let isRelated = ["any", "all", "none", "count"].contains { node[$0]?.object != nil }
    guard isRelated else { return }
    func number(_ key: String) -> Int32 { max(0, Int32(clamping: node[key]?.whole ?? 0)) }
    tallies.append(
      Tally(
        yes: number("satisfied") - number("vacuous"),
        no: number("not_satisfied"),
        unknown: number("unknown"),
        vacuous: number("vacuous"),
        isOpen: node["may_be_more"]?.bool ?? false
      )
    )
  }

  private static func evaluate(
    _ ruleSet: RuleSet,
    _ proof: JSONValue,
    _ configuration: JSONValue?,
    _ kind: ResourceKind,
    _ tallies: [Tally],
    _ now: String
  ) throws -> Verdict? {
    guard let program = ruleSet.program(for: kind), let seconds = Timestamp.seconds(now) else {
      throw Failure.notAProof("its instant is not ISO 8601")
    }
    var line = proof["resource"]?.object ?? JSONObject()
    line["service_name"] = .string(kind.service)
    line["resource_kind"] = .string(kind.kind)
    line["id"] = line["id"] ?? "replay"
    line["configuration"] = configuration
    var writer = JSONWriter()
    writer.value(.object(line))
    let text = writer.bytes + [UInt8](repeating: 0, count: JSONParser.padding)
    let evaluator = Evaluator(ruleSet, empty: program, now: seconds)
    for (path, reason) in proof["unread"]?.object?.members ?? [] {
      evaluator.unread.add(path, reason: reason.string ?? "")
    }
    evaluator.unread.settle()
    evaluator.population = { tallies[Int($0.population)] }
    return unsafe try text.withUnsafeBufferPointer { buffer in
      let body = unsafe UnsafeBufferPointer(rebasing: buffer[..<writer.bytes.count])
      return try unsafe JSONParser().withTape(of: body) { tape in
        let envelope = try unsafe Envelope(tape)
        unsafe evaluator.load(
          program,
          tape,
          resource: tape.root,
          configuration: envelope.configuration
        )
        return evaluator.verdict(of: program.tables.goals[0])
      }
    }
  }
}
