import JSON
import Model

/// Writes results as lines of JSON.
final class ResultWriter {
  private let ruleSet: RuleSet
  private let options: JudgeOptions
  /// What every result of a goal says, written once.
  private let goalTexts: [[UInt8]]
  private let requirements: [[UInt8]]
  private var identity = JSONWriter()
  private var hasIdentity = false
  private var digest: String?
  /// In the second pass: what related resources add up to, and the account at hand.
  var population: (counts: Population, account: String)?

  init(_ ruleSet: RuleSet, _ options: JudgeOptions) {
    self.ruleSet = ruleSet
    self.options = options
    goalTexts = ruleSet.members.map { member in
      var writer = JSONWriter()
      writer.raw(",\"rule\":")
      writer.string(member.rule.id)
      writer.raw(",\"rule_version\":")
      writer.value(.integer(Int64(member.rule.version)))
      writer.raw(",\"severity\":")
      writer.string(member.rule.severity.rawValue)
      if !member.parameters.isEmpty {
        writer.raw(",\"parameters\":")
        let sorted = member.parameters.sorted { $0.key < $1.key }
        writer.value(.object(JSONObject(sorted.map { (key: $0.key, value: $0.value) })))
      }
      return writer.bytes
    }
    requirements = ruleSet.members.map { member in
      var writer = JSONWriter()
      let text = member.rule.requirement.isEmpty ? member.rule.title : member.rule.requirement
      writer.string("not as required: \(text)")
      return writer.bytes
    }
  }

  /// Begins the results of another resource.
  func begin(_ envelope: Envelope) {
    hasIdentity = false
    digest = nil
  }

  /// Appends one result.
  func write(
    _ verdict: Verdict, _ goal: GoalProgram, _ evaluator: Evaluator, _ envelope: Envelope,
    into lines: inout [UInt8]
  ) {
    if !hasIdentity { writeIdentity(envelope, evaluator) }
    var line = JSONWriter()
    swap(&line.bytes, &lines)
    line.raw(identity.bytes)
    line.raw(goalTexts[Int(goal.goal)])
    line.raw(",\"verdict\":\"")
    line.raw(Self.words[verdict.index])
    line.raw("\",\"reason\":")
    reason(verdict, goal, evaluator, into: &line)
    if options.hasProof {
      line.raw(",\"proof\":")
      proof(goal, evaluator, envelope, into: &line)
    }
    line.raw("}\n")
    swap(&line.bytes, &lines)
  }

  private static let words: [StaticString] = ["pass", "fail", "unknown", "not_applicable"]

  private func reason(
    _ verdict: Verdict, _ goal: GoalProgram, _ evaluator: Evaluator, into line: inout JSONWriter
  ) {
    switch verdict {
    case .pass: line.raw("null")
    case .fail where !options.hasProof: line.raw(requirements[Int(goal.goal)])
    case .notApplicable where !options.hasProof: line.raw("\"there was nothing to judge\"")
    default:
      let explainer = Explainer(evaluator: evaluator, ruleSet: ruleSet, population: population)
      line.string(explainer.reason(verdict, goal))
    }
  }

  private func writeIdentity(_ envelope: Envelope, _ evaluator: Evaluator) {
    let tape = unsafe evaluator.tape
    identity.bytes.removeAll(keepingCapacity: true)
    identity.raw("{\"resource\":{")
    let fields: [(StaticString, Int)] = [
      ("\"provider\":", envelope.provider), ("\"account\":", envelope.account),
      ("\"region\":", envelope.region), ("\"service_name\":", envelope.service),
      ("\"resource_kind\":", envelope.kind), ("\"id\":", envelope.id), ("\"name\":", envelope.name),
    ]
    var isFirst = true
    for (key, place) in fields where unsafe place != 0 && tape.kind(place) == .string {
      if !isFirst { identity.raw(",") }
      isFirst = false
      identity.raw(key)
      unsafe identity.string(tape.bytes(place))
    }
    identity.raw("}")
    hasIdentity = true
  }

  private func proof(
    _ goal: GoalProgram, _ evaluator: Evaluator, _ envelope: Envelope, into line: inout JSONWriter
  ) {
    let member = ruleSet.members[Int(goal.goal)]
    line.raw("{\"rule\":")
    line.string(member.rule.id)
    line.raw(",\"rule_version\":")
    line.value(.integer(Int64(member.rule.version)))
    line.raw(",\"judged_at\":")
    line.string(options.now)
    line.raw(",\"configuration_sha256\":")
    line.string(configurationDigest(envelope, evaluator))
    let program = evaluator.program
    if program.readsEnvelope { envelopeValues(envelope, evaluator, into: &line) }
    if evaluator.hasUnread {
      line.raw(",\"unread\":")
      if envelope.configuration == 0 {
        line.raw("{\"$root\":\"no configuration was given\"}")
      } else {
        line.value(unsafe (try? evaluator.tape.value(envelope.unread)) ?? .null)
      }
    }
    let tree = ProofWriter(evaluator: evaluator, ruleSet: ruleSet, population: population)
    for (key, operation) in [
      (",\"target\":" as StaticString, goal.select), (",\"applies\":", goal.applies),
      (",\"condition\":", goal.required),
    ] where operation >= 0 {
      line.raw(key)
      line.value(tree.node(operation))
    }
    line.raw("}")
  }

  private func configurationDigest(_ envelope: Envelope, _ evaluator: Evaluator) -> String {
    if let digest { return digest }
    var configuration = JSONValue.null
    if envelope.configuration != 0 {
      configuration = unsafe (try? evaluator.tape.value(envelope.configuration)) ?? .null
    }
    let computed = Digest.sha256(of: configuration)
    digest = computed
    return computed
  }

  /// The parts of the resource beside its configuration, for rules that read them.
  private func envelopeValues(
    _ envelope: Envelope, _ evaluator: Evaluator, into line: inout JSONWriter
  ) {
    let tape = unsafe evaluator.tape
    line.raw(",\"resource\":{")
    let fields: [(StaticString, Int)] = [
      ("\"region\":", envelope.region), ("\"name\":", envelope.name), ("\"tags\":", envelope.tags),
      ("\"attributes\":", envelope.attributes),
    ]
    var isFirst = true
    for (key, place) in fields where place != 0 {
      if !isFirst { line.raw(",") }
      isFirst = false
      line.raw(key)
      line.value(unsafe (try? tape.value(place)) ?? .null)
    }
    line.raw("}")
  }
}
