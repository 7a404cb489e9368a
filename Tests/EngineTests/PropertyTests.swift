import Engine
import JSON
import Model
import Operations
import TestSupport
import Testing

struct TruthPropertyTests {
  static let three: [Truth] = [.no, .unknown, .yes]
  static let four: [Truth] = three + [.vacuous]

  @Test func `and and or are commutative and associative`() {
    for a in Self.four {
      for b in Self.four {
        #expect(Truth.and(a, b) == .and(b, a))
        #expect(Truth.or(a, b) == .or(b, a))
        for c in Self.four {
          #expect(Truth.and(a, .and(b, c)) == .and(.and(a, b), c))
          #expect(Truth.or(a, .or(b, c)) == .or(.or(a, b), c))
        }
      }
    }
  }

  @Test func `the three values obey De Morgan and double negation`() {
    for a in Self.three {
      #expect(!(!a) == a)
      for b in Self.three {
        #expect(!(Truth.and(a, b)) == .or(!a, !b))
        #expect(!(Truth.or(a, b)) == .and(!a, !b))
      }
    }
  }

  @Test func `an unknown stays open for both outcomes`() {
    #expect(Truth.and(.unknown, .no) == .no)
    #expect(Truth.and(.unknown, .yes) == .unknown)
    #expect(Truth.or(.unknown, .no) == .unknown)
    #expect(Truth.or(.unknown, .yes) == .yes)
    #expect(!Truth.unknown == .unknown)
  }

  @Test func `vacuous behaves as true and gives way to true`() {
    #expect(Truth.vacuous.holds)
    #expect(!Truth.vacuous == .no)
    for a in Self.four {
      #expect(Truth.and(.vacuous, a).holds == Truth.and(.yes, a).holds)
      #expect(Truth.or(.vacuous, a).holds == Truth.or(.yes, a).holds)
      #expect(!Truth.and(.vacuous, a) == !Truth.and(.yes, a))
      #expect(!Truth.or(.vacuous, a) == !Truth.or(.yes, a))
    }
    #expect(Truth.and(.vacuous, .yes) == .yes)
    #expect(Truth.or(.vacuous, .yes) == .yes)
    #expect(Truth.and(.vacuous, .vacuous) == .vacuous)
  }
}

/// Rules and resources of one seed.
private struct Sample {
  let seed: Int
  var rules: [Rule]
  var resources: [Resource]
  /// Continues the sequence that rules and resources came from.
  var generator: RuleGenerator

  init(seed: Int, rules: Int, resources: Int) {
    var generator = RuleGenerator(seed: UInt64(seed))
    self.seed = seed
    self.rules = (0..<rules).map { generator.rule(id: "rule-\($0)") }
    self.resources = (0..<resources).map { generator.resource(id: "resource-\($0)") }
    self.generator = generator
  }

  /// Everything needed to look into one pair.
  func description(_ rule: Int, _ resource: Int) -> String {
    """
    seed \(seed), rule \(rule), resource \(resource)
      applies: \(rules[rule].applies?.grammar.text ?? "always")
      required_config: \(rules[rule].requiredConfig.grammar.text)
      resource: \(resources[resource].inventoryLine.text)
    """
  }
}

/// The results of judging: `[rule][resource]`, nil where the target leaves a resource out.
private typealias Results = [[(verdict: Verdict, reason: String)?]]

private func parse(_ lines: [UInt8], rules: Int, resources: Int) throws -> Results {
  var results = Results(repeating: Array(repeating: nil, count: resources), count: rules)
  for line in try Fixtures.lines(lines) {
    let rule = try #require(line["rule"]?.string.flatMap { Int($0.dropFirst("rule-".count)) })
    let resource = try #require(
      line["resource"]?["id"]?.string.flatMap { Int($0.dropFirst("resource-".count)) }
    )
    let verdict = try #require(line["verdict"]?.string.flatMap(Verdict.init))
    #expect(results[rule][resource] == nil, "one result for each rule and resource")
    results[rule][resource] = (verdict, line["reason"]?.string ?? "")
  }
  return results
}

/// Judges resources with rules that are compiled together, in one call.
private func judge(
  _ rules: [Rule],
  _ resources: [Resource],
  hasProof: Bool = false
) throws -> Results {
  let judge = Judge(
    try RuleSet(try RuleIndex(rules)),
    JudgeOptions(selection: .all, hasProof: hasProof, now: RuleGenerator.now)
  )
  let outcome = judge.judge(resources.map(\.inventoryLine))
  #expect(outcome.summary.faults == [])
  return try parse(outcome.lines, rules: rules.count, resources: resources.count)
}

/// Judges resources with each rule compiled alone.
private func judgeOneByOne(_ rules: [Rule], _ resources: [Resource]) throws -> Results {
  var text = JSONWriter()
  for resource in resources {
    text.value(resource.inventoryLine)
    text.raw("\n")
  }
  return try rules.map { rule in
    var rule = rule
    rule.id = "rule-0"
    let judge = Judge(
      try RuleSet(try RuleIndex([rule])),
      JudgeOptions(selection: .all, hasProof: false, now: RuleGenerator.now)
    )
    let outcome = judge.judge(text.bytes)
    #expect(outcome.summary.faults == [])
    return try parse(outcome.lines, rules: 1, resources: resources.count)[0]
  }
}

/// Properties of judging, each on generated rules and resources.
///
/// A failure names its seed; the same seed gives the same rules and resources again.
struct JudgePropertyTests {
  private static let resourceCount = 50
  /// With 40 seeds of 50 rules and 50 resources the reference is asked 100,000 times.
  private static let referenceSeeds = 0..<40
  private static let referenceRules = 50
  /// With 5 seeds of 40 rules and 50 resources each other property is tried 10,000 times.
  private static let seeds = 1000..<1005
  private static let ruleCount = 40

  @Test(arguments: referenceSeeds)
  func `the engine and the reference give the same verdicts`(seed: Int) throws {
    let sample = Sample(seed: seed, rules: Self.referenceRules, resources: Self.resourceCount)
    let results = try judgeOneByOne(sample.rules, sample.resources)
    var mismatches: [String] = []
    var verdicts: [Verdict: Int] = [:]
    for (number, rule) in sample.rules.enumerated() {
      for (place, resource) in sample.resources.enumerated() {
        let given = results[number][place]?.verdict
        let expected = ReferenceEvaluator.verdict(of: rule, on: resource, now: RuleGenerator.now)
        if let expected { verdicts[expected, default: 0] += 1 }
        guard given != expected else { continue }
        mismatches.append(
          """
          \(sample.description(number, place))
            engine: \(given?.rawValue ?? "none"), reference: \(expected?.rawValue ?? "none")
          """
        )
      }
    }
    let shortest = mismatches.sorted { $0.count < $1.count }.prefix(3).joined(separator: "\n")
    #expect(mismatches.count == 0, "the shortest:\n\(shortest)")
    // A sample that decides everything the same way would prove nothing.
    for verdict in Verdict.allCases { #expect(verdicts[verdict, default: 0] > 0) }
  }

  @Test(arguments: seeds)
  func `reading less never turns a pass into a fail or a fail into a pass`(seed: Int) throws {
    var sample = Sample(seed: seed, rules: Self.ruleCount, resources: Self.resourceCount)
    let before = try judge(sample.rules, sample.resources)
    for place in sample.resources.indices {
      let path = sample.generator.unreadPath()
      if sample.resources[place].unread.contains(where: { $0.path == path }) { continue }
      sample.resources[place].unread.append((path, "added"))
    }
    let after = try judge(sample.rules, sample.resources)
    for rule in sample.rules.indices {
      for place in sample.resources.indices {
        let verdicts = [before[rule][place]?.verdict, after[rule][place]?.verdict]
        #expect(
          verdicts != [.pass, .fail] && verdicts != [.fail, .pass],
          "\(sample.description(rule, place))\n  the last unread path was added"
        )
      }
    }
  }

  @Test(arguments: seeds)
  func `the order of the children of and and or does not matter`(seed: Int) throws {
    var sample = Sample(seed: seed, rules: Self.ruleCount, resources: Self.resourceCount)
    let before = try judge(sample.rules, sample.resources)
    var shuffled = sample.rules
    for index in shuffled.indices {
      shuffled[index].requiredConfig = sample.generator.shuffled(shuffled[index].requiredConfig)
      shuffled[index].applies = shuffled[index].applies.map { sample.generator.shuffled($0) }
    }
    expectSameVerdicts(before, try judge(shuffled, sample.resources), sample)
  }

  @Test(arguments: seeds)
  func `rules compiled together give the verdicts of rules compiled alone`(seed: Int) throws {
    let sample = Sample(seed: seed, rules: Self.ruleCount, resources: Self.resourceCount)
    expectSameVerdicts(
      try judge(sample.rules, sample.resources),
      try judgeOneByOne(sample.rules, sample.resources),
      sample
    )
  }

  @Test(arguments: seeds, [false, true])
  func `an unknown names a reason`(seed: Int, hasProof: Bool) throws {
    let sample = Sample(seed: seed, rules: Self.ruleCount, resources: Self.resourceCount)
    let results = try judge(sample.rules, sample.resources, hasProof: hasProof)
    for rule in sample.rules.indices {
      for place in sample.resources.indices {
        guard let result = results[rule][place], result.verdict == .unknown else { continue }
        let reasons = sample.resources[place].unread.map(\.reason)
        #expect(
          reasons.contains { result.reason.contains($0) },
          "\(sample.description(rule, place))\n  reason: \(result.reason)"
        )
      }
    }
  }

  private func expectSameVerdicts(_ one: Results, _ other: Results, _ sample: Sample) {
    for rule in sample.rules.indices {
      for place in sample.resources.indices {
        let verdicts = (one[rule][place]?.verdict, other[rule][place]?.verdict)
        #expect(
          verdicts.0 == verdicts.1,
          "\(sample.description(rule, place))\n  verdicts: \(verdicts)"
        )
      }
    }
  }
}
