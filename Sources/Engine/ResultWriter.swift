import CSimdjson
import JSON
import Model

/// Writes results as lines of JSON.
final class ResultWriter {
  private let ruleSet: RuleSet
  private let hasProof: Bool
  /// The instant of judgement, ISO 8601.
  var now: String
  /// What every result of a goal says, written once.
  private let goalTexts: [[UInt8]]
  private let requirements: [[UInt8]]
  /// The results since the buffer was last taken, one JSON object per line.
  let lines = LineBuffer(capacity: 1 << 16)
  private let identity = LineBuffer()
  private var digest: String?
  /// In the second pass: what related resources add up to, and the account at hand.
  var population: (counts: Population, account: String)?

  init(_ ruleSet: RuleSet, _ options: JudgeOptions) {
    self.ruleSet = ruleSet
    (hasProof, now) = (options.hasProof, options.now)
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

  /// Why a resource without a configuration is unread.
  static let noConfiguration = "no configuration was given"

  /// Begins the results of another resource.
  func begin(_ envelope: Envelope) {
    identity.removeAll()
    digest = nil
  }

  /// Appends one result; nothing of it when the resource turns out to be faulty.
  func write(
    _ verdict: Verdict,
    _ goal: GoalProgram,
    _ evaluator: Evaluator,
    _ envelope: Envelope
  ) throws(JSONError) {
    let start = lines.count
    do {
      try append(verdict, goal, evaluator, envelope)
    } catch {
      lines.truncate(to: start)
      identity.removeAll()
      throw error
    }
  }

  private func append(
    _ verdict: Verdict,
    _ goal: GoalProgram,
    _ evaluator: Evaluator,
    _ envelope: Envelope
  ) throws(JSONError) {
    if identity.count == 0 { try writeIdentity(envelope, evaluator) }
    unsafe lines.append(identity.text)
    lines.append(goalTexts[Int(goal.goal)])
    switch verdict {
    case .pass: lines.append(",\"verdict\":\"pass\",\"reason\":")
    case .fail: lines.append(",\"verdict\":\"fail\",\"reason\":")
    case .unknown: lines.append(",\"verdict\":\"unknown\",\"reason\":")
    case .notApplicable: lines.append(",\"verdict\":\"not_applicable\",\"reason\":")
    }
    writeReason(verdict, goal, evaluator)
    if hasProof {
      lines.append(",\"proof\":")
      var proof = JSONWriter()
      try self.proof(goal, evaluator, envelope, into: &proof)
      lines.append(proof.bytes)
    }
    lines.append("}\n")
  }

  private func writeReason(_ verdict: Verdict, _ goal: GoalProgram, _ evaluator: Evaluator) {
    switch verdict {
    case .pass: lines.append("null")
    case .fail where !hasProof: lines.append(requirements[Int(goal.goal)])
    case .notApplicable where !hasProof: lines.append("\"there was nothing to judge\"")
    default:
      let explainer = Explainer(evaluator: evaluator, ruleSet: ruleSet, population: population)
      var reason = JSONWriter()
      reason.string(explainer.reason(verdict, goal))
      lines.append(reason.bytes)
    }
  }

  private func writeIdentity(_ envelope: Envelope, _ evaluator: Evaluator) throws(JSONError) {
    let tape = unsafe evaluator.tape
    identity.append("{\"resource\":{")
    let start = identity.count
    func field(_ key: StaticString, _ place: Int) {
      guard unsafe place != 0 && tape.kind(place) == .string else { return }
      if identity.count > start { identity.append(",") }
      identity.append(key)
      unsafe identity.appendString(tape.bytes(place))
    }
    field("\"provider\":", envelope.provider)
    field("\"account\":", envelope.account)
    field("\"region\":", envelope.region)
    if identity.count > start { identity.append(",") }
    identity.append(evaluator.program.kindText)
    field("\"id\":", envelope.id)
    field("\"name\":", envelope.name)
    if envelope.source != 0 {
      let source = unsafe try tape.value(envelope.source)
      var writer = JSONWriter()
      writer.value(source)
      identity.append(",\"source\":")
      identity.append(writer.bytes)
    }
    identity.append("}")
  }

  private func proof(
    _ goal: GoalProgram,
    _ evaluator: Evaluator,
    _ envelope: Envelope,
    into line: inout JSONWriter
  ) throws(JSONError) {
    let member = ruleSet.members[Int(goal.goal)]
    line.raw("{\"rule\":")
    line.string(member.rule.id)
    line.raw(",\"rule_version\":")
    line.value(.integer(Int64(member.rule.version)))
    line.raw(",\"judged_at\":")
    line.string(now)
    line.raw(",\"configuration_sha256\":")
    line.string(try configurationDigest(envelope, evaluator))
    let program = evaluator.program
    if program.readsEnvelope { try envelopeValues(envelope, evaluator, into: &line) }
    if evaluator.hasUnread {
      line.raw(",\"unread\":")
      var unread = JSONObject()
      if envelope.configuration == 0 { unread["$root"] = .string(Self.noConfiguration) }
      if envelope.unread != 0 {
        let given = unsafe try evaluator.tape.value(envelope.unread).object?.members ?? []
        for (path, reason) in given { unread[path] = reason }
      }
      line.value(.object(unread))
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

  private func configurationDigest(_ envelope: Envelope, _ evaluator: Evaluator) throws(JSONError)
    -> String
  {
    if let digest { return digest }
    var configuration = JSONValue.null
    if envelope.configuration != 0 {
      configuration = unsafe try evaluator.tape.value(envelope.configuration)
    }
    let computed = Digest.sha256(of: configuration)
    digest = computed
    return computed
  }

  /// The parts of the resource beside its configuration, for rules that read them.
  private func envelopeValues(
    _ envelope: Envelope,
    _ evaluator: Evaluator,
    into line: inout JSONWriter
  ) throws(JSONError) {
    let tape = unsafe evaluator.tape
    line.raw(",\"resource\":{")
    let fields: [(StaticString, Int)] = [
      ("\"provider\":", envelope.provider), ("\"account\":", envelope.account),
      ("\"region\":", envelope.region), ("\"id\":", envelope.id), ("\"name\":", envelope.name),
      ("\"tags\":", envelope.tags),
      ("\"attributes\":", envelope.attributes),
    ]
    var isFirst = true
    for (key, place) in fields where place != 0 {
      if !isFirst { line.raw(",") }
      isFirst = false
      line.raw(key)
      line.value(unsafe try tape.value(place))
    }
    line.raw("}")
  }
}
