import Engine
import JSON
package import Model
package import Store

/// Makes the proof of a stored result again from what was stored: configuration and rule version.
package enum StoredProof {
  /// The result with its reason and proof, as it was judged.
  ///
  /// The rule is decoded from the document kept with the result, so an old result opens under the
  /// version by which it was judged, whatever is shipped today.
  ///
  /// - Throws: ``StoreError/damaged(_:)`` when the parts do not give the stored verdict again.
  package static func result(
    _ stored: StoredResult,
    _ transaction: StoreTransaction
  ) throws -> ResultRecord {
    var record = try make(stored, transaction)
    record.exception = stored.exception
    // A line that names no account belongs to the one of its scan.
    record.resource.account = stored.place.accounts.first ?? ""
    record.id = stored.id
    guard record.verdict == stored.verdict else {
      throw StoreError.damaged(
        "\(stored.id) is stored as \(stored.verdict.rawValue) and its configuration gives "
          + record.verdict.rawValue
      )
    }
    return record
  }

  private static func make(
    _ stored: StoredResult,
    _ transaction: StoreTransaction
  ) throws -> ResultRecord {
    let kept = try transaction.proof(
      of: stored.goal.id,
      resource: stored.state.resource,
      from: stored.state.begins
    )
    if let kept, let record = ResultRecord(try JSONValue(parsing: kept)) { return record }
    guard let document = try transaction.ruleDocument(stored.goal.digest) else {
      throw StoreError.damaged("version \(stored.goal.version) of rule \(stored.goal.rule) is gone")
    }
    let location = SourceLocation(file: "the store")
    let rule = try RuleDecoder.rule(DocumentNode(document, at: location), name: stored.goal.rule)
    let ruleSet = try RuleSet(
      goals: [Goal(rule: rule.id, parameters: stored.goal.parameters)],
      rules: try RuleIndex([rule])
    )
    let line = try transaction.lines(of: [stored.state])[0]
    let judge = Judge(ruleSet, JudgeOptions(now: "\(stored.state.begins)"))
    let text = line + [0x0A] + [UInt8](repeating: 0, count: JSONParser.padding)
    let outcome = unsafe text.withUnsafeBufferPointer { buffer in
      let body = unsafe UnsafeBufferPointer(rebasing: buffer[...line.count])
      return unsafe judge.judge(body, firstLine: 1, lineCount: 1)
    }
    if let fault = outcome.summary.faults.first { throw StoreError.damaged(fault.message) }
    for line in outcome.lines.split(separator: 0x0A) {
      if let record = ResultRecord(try JSONParser().parse(line)) { return record }
    }
    throw StoreError.damaged("the stored configuration of \(stored.state.id) gives no result")
  }
}
