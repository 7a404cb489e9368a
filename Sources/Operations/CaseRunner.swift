package import Engine
package import JSON
package import Model

/// Runs rules against their cases.
package enum CaseRunner {
  /// What a case came to.
  package struct Outcome: Sendable {
    package let rule: String
    package let testCase: RuleCase
    /// The verdict given; nil when the resource was outside the target.
    package let verdict: Verdict?
    /// The reason given with the verdict, or why the case could not be judged.
    package let reason: String

    /// Whether the verdict is the one expected.
    package var isAsExpected: Bool { verdict == testCase.verdict && fault == nil }
    /// Why the case could not be judged at all.
    package let fault: String?
  }

  /// Judges one case.
  ///
  /// - Throws: ``GoalError`` when the case gives a wrong parameter.
  package static func run(
    _ testCase: RuleCase,
    of rule: Rule
  ) throws -> Outcome {
    let index = try RuleIndex([rule])
    let ruleSet = try RuleSet(
      goals: [Goal(rule: rule.id, parameters: testCase.parameters)],
      rules: index
    )
    var population = Population()
    for kind in testCase.complete.map(Set.init) ?? ruleSet.relatedKinds {
      population.note(Coverage(account: testCase.resource.account, kind: kind))
    }
    let judge = Judge(ruleSet, JudgeOptions(now: testCase.now))
    let lines = ([testCase.resource] + testCase.related).map(\.inventoryLine)
    let first = judge.judge(lines)
    population.merge(first.population)
    var results = first.lines
    var faults = first.summary.faults
    if !first.deferred.isEmpty {
      let second = judge.judge(first.deferred, population: population)
      results += second.lines
      faults += second.summary.faults
    }
    let result = try results.split(separator: 0x0A).map { try JSONParser().parse($0) }
      .first { $0["resource"]?["id"]?.string == testCase.resource.id }
    return Outcome(
      rule: rule.id,
      testCase: testCase,
      verdict: result?["verdict"]?.string.flatMap(Verdict.init),
      reason: result?["reason"]?.string ?? "",
      fault: faults.first?.message
    )
  }
}

extension Judge {
  /// Judges lines that are still values.
  package func judge(_ lines: [JSONValue]) -> ChunkOutcome {
    var writer = JSONWriter()
    for line in lines {
      writer.value(line)
      writer.raw("\n")
    }
    return judge(writer.bytes)
  }

  /// Judges text that has no padding of its own.
  package func judge(_ text: [UInt8], population: Population? = nil) -> ChunkOutcome {
    let padded = text + [UInt8](repeating: 0, count: JSONParser.padding)
    return unsafe padded.withUnsafeBufferPointer { buffer in
      let chunk = unsafe UnsafeBufferPointer(rebasing: buffer[..<text.count])
      let lines =
        unsafe JSONParser.lineEnds(in: chunk) + (text.last.map { $0 == 0x0A ? 0 : 1 } ?? 0)
      return unsafe judge(chunk, firstLine: 1, lineCount: lines, population: population)
    }
  }
}
