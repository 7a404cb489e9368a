/// Everything that a report tells about one scan.
package struct ScanReport: Sendable {
  /// What was scanned, in words.
  package var subject: String
  /// The instant of judgement, ISO 8601.
  package var judgedAt: String
  package var toolVersion: String
  /// The content set that was used; nil where everything came from files of one's own.
  package var content: ContentStamp?
  package var resourceCount: Int
  /// Every result, in the order in which they were judged.
  package var results: ResultList
  /// What the results come to.
  package var summary: ResultSummary
  /// The rules that were judged, by id.
  package var rules: [String: Rule]
  package var profiles: [ProfileReport]
  package var diagnostics: [Diagnostic]
  /// Types that no mapping or rule covers, with how many resources there are.
  package var notCovered: [(type: String, count: Int)]
  /// Why calls to a provider brought nothing, with how many resources lack what they would have.
  package var unread: [(reason: String, count: Int)]
  /// The kinds that were not fully read, and why.
  package var gaps: [(kind: ResourceKind, reason: String)]
  /// What is not to be judged, and why.
  package var outside: [(address: String, reason: String)]
  /// Remarks on exceptions: expired ones, and those that cover nothing.
  package var exceptionRemarks: [String]
  /// The address below which each rule has its page; nil where nobody said so.
  package var rulePages: String?

  package init(
    subject: String,
    judgedAt: String,
    toolVersion: String,
    content: ContentStamp? = nil,
    resourceCount: Int,
    results: ResultList,
    summary: ResultSummary,
    rules: [String: Rule],
    profiles: [ProfileReport],
    diagnostics: [Diagnostic] = [],
    notCovered: [(type: String, count: Int)] = [],
    unread: [(reason: String, count: Int)] = [],
    gaps: [(kind: ResourceKind, reason: String)] = [],
    outside: [(address: String, reason: String)] = [],
    exceptionRemarks: [String] = []
  ) {
    self.subject = subject
    self.judgedAt = judgedAt
    self.toolVersion = toolVersion
    self.content = content
    self.resourceCount = resourceCount
    self.results = results
    self.summary = summary
    self.rules = rules
    self.profiles = profiles
    self.diagnostics = diagnostics
    self.notCovered = notCovered
    self.unread = unread
    self.gaps = gaps
    self.outside = outside
    self.exceptionRemarks = exceptionRemarks
  }

  /// The score of all results.
  package var score: Score { summary.score }

  /// Every failure by rule, the rules as in ``ResultSummary/failingGoals``.
  ///
  /// Of each rule those without an exception come first, then by resource. All are held in memory.
  package var failingGoals: [(rule: String, results: [ResultRecord])] {
    let failures = Dictionary(
      grouping: results.lazy.filter { $0.verdict == .fail },
      by: \.goal.rule
    )
    return summary.failingGoals.map { goal in
      let sorted = (failures[goal.rule] ?? []).sorted {
        ($0.exception == nil ? 0 : 1, $0.resource.id)
          < ($1.exception == nil ? 0 : 1, $1.resource.id)
      }
      return (goal.rule, sorted)
    }
  }
}

/// How the controls of a profile stand.
package struct ProfileReport: Sendable {
  package var profile: Profile
  package var score: Score
  package var controls: [(control: Profile.Control, state: ControlState)]

  /// The state of a profile's controls after a scan.
  ///
  /// `resolve` gives a goal with every parameter filled, as results name it; `isUnseen` tells of a
  /// goal without results that this is because its kind was not fully read.
  package init(
    _ profile: Profile,
    _ summary: ResultSummary,
    resolve: (Goal) -> Goal,
    isUnseen: (Goal) -> Bool = { _ in false }
  ) {
    self.profile = profile
    score = Set(profile.goals.map(resolve)).reduce(into: Score()) { sum, goal in
      if let one = summary.goals[goal] { sum.add(one) }
    }
    controls = profile.controls.map { control in
      let sum = control.goals.reduce(into: Score()) { sum, goal in
        if let one = summary.goals[resolve(goal)] { sum.add(one) }
      }
      var counts = sum.counts
      counts[2] += control.goals.count { isUnseen(resolve($0)) }
      return (control, ControlState(control, counts: counts))
    }
  }

  /// How many controls are in a state.
  package func count(_ state: ControlState) -> Int { controls.filter { $0.state == state }.count }
}

/// How a control stands: by its goals' results, or open for a person to attest.
package enum ControlState: String, Sendable, CaseIterable {
  case pass, fail, unknown
  case notApplicable = "not_applicable"
  case manual

  /// The state that the results of a control's goals give it, counted by verdict in the order of
  /// ``Verdict/allCases``.
  package init(_ control: Profile.Control, counts: [Int]) {
    if control.isManual {
      self = .manual
    } else if counts[1] > 0 {
      self = .fail
    } else if counts[2] > 0 {
      self = .unknown
    } else {
      self = counts[0] > 0 ? .pass : .notApplicable
    }
  }
}

extension String {
  /// The text with control characters replaced, so that it cannot steer a terminal.
  package var withoutControls: String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      result.unicodeScalars.append(scalar.isControl ? "\u{FFFD}" : scalar)
    }
    return result
  }
}

extension Unicode.Scalar {
  /// Whether the scalar is a C0 or C1 control.
  fileprivate var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
