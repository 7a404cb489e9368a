import Model

/// All that is done with a record of one log source, compiled: its facts, and the rules for it.
@safe final class SourceProgram: @unchecked Sendable {
  /// A rule of the log source.
  struct Rule {
    /// The rule's place in the detection set.
    var number: Int
    var program: ConditionProgram
    /// The slots whose values are shown with a finding.
    var shown: [(name: String, slot: Int)]
    /// What correlations take of an event that matches.
    var feeds: [Feed]
  }

  /// What a correlation takes of an event: its group, and the value that it counts.
  struct Feed {
    var correlation: Int
    /// Which of the correlation's rules this is.
    var part: Int
    var groupBy: [[Int]]
    var values: [[Int]]
  }

  let source: LogSource
  let trie = FieldTrie()
  private(set) var rules: [Rule] = []
  private(set) var index: RuleIndex
  private(set) var facts: [LogSource.Fact: [Int]] = [:]
  private(set) var marks: [LogSource.Mark: ConditionProgram] = [:]

  init(_ source: LogSource, _ set: DetectionSet.Parts) {
    self.source = source
    let trie = trie
    // What a record calls the field that a rule names.
    func slot(_ field: String) -> Int { trie.slot(source.fields[field] ?? [field]) }
    for (fact, paths) in source.facts { facts[fact] = paths.map { trie.slot($0) } }
    for (mark, condition) in source.marks {
      marks[mark] = ConditionProgram(condition) { trie.slot($0) }
    }
    // A field that a correlation groups by may be one of the facts that every log source has.
    func slots(_ field: String) -> [Int] {
      if let fact = LogSource.Fact(rawValue: field), let paths = source.facts[fact] {
        return paths.map { trie.slot($0) }
      }
      return [slot(field)]
    }
    var conditions: [SigmaExpression] = []
    for (number, rule) in set.rules.enumerated() where source.meets(rule.logSource) {
      var condition = rule.condition
      for filter in set.filters where source.meets(filter.logSource) && filter.names(rule) {
        condition = .all([condition, filter.condition])
      }
      conditions.append(condition)
      let feeds = set.feeds[number, default: []].map { feed in
        Feed(
          correlation: feed.correlation,
          part: feed.part,
          groupBy: feed.groupBy.map(slots),
          values: feed.fields.map(slots)
        )
      }
      rules.append(
        Rule(
          number: number,
          program: ConditionProgram(condition, slot: slot),
          shown: rule.facts.fields.map { ($0, slot($0)) },
          feeds: feeds
        )
      )
    }
    index = RuleIndex(conditions, slot: slot)
    trie.close()
  }
}

extension SigmaFilter {
  /// Whether the filter names a rule, by id or name.
  func names(_ rule: SigmaRule) -> Bool {
    guard let rules else { return true }
    return rules.contains { $0 == rule.facts.id || $0 == rule.facts.name }
  }
}
