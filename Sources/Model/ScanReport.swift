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
  package var results: [ResultRecord]
  /// The rules that were judged, by id.
  package var rules: [String: Rule]
  package var profiles: [ProfileReport]
  package var score: Score
  package var diagnostics: [Diagnostic]
  /// Types that no mapping or rule covers, with how many resources there are.
  package var notCovered: [(type: String, count: Int)]
  /// What is not to be judged, and why.
  package var outside: [(address: String, reason: String)]
  /// Remarks on exceptions: expired ones, and those that cover nothing.
  package var exceptionRemarks: [String]

  package init(
    subject: String,
    judgedAt: String,
    toolVersion: String,
    content: ContentStamp? = nil,
    resourceCount: Int,
    results: [ResultRecord],
    rules: [String: Rule],
    profiles: [ProfileReport],
    diagnostics: [Diagnostic] = [],
    notCovered: [(type: String, count: Int)] = [],
    outside: [(address: String, reason: String)] = [],
    exceptionRemarks: [String] = []
  ) {
    self.subject = subject
    self.judgedAt = judgedAt
    self.toolVersion = toolVersion
    self.content = content
    self.resourceCount = resourceCount
    self.results = results
    self.rules = rules
    self.profiles = profiles
    self.diagnostics = diagnostics
    self.notCovered = notCovered
    self.outside = outside
    self.exceptionRemarks = exceptionRemarks
    score = Score(results)
  }

  /// Results that failed, those without an exception first, then by weight and rule.
  package var failures: [ResultRecord] {
    results.filter { $0.verdict == .fail }.sorted {
      ($0.exception == nil ? 0 : 1, -$0.severity.weight, $0.goal.rule, $0.resource.id)
        < ($1.exception == nil ? 0 : 1, -$1.severity.weight, $1.goal.rule, $1.resource.id)
    }
  }

  /// The failures by rule, heaviest first.
  package var failingGoals: [(rule: String, results: [ResultRecord])] {
    Dictionary(grouping: failures, by: \.goal.rule).map { (rule: $0.key, results: $0.value) }
      .sorted {
        let left = $0.results.filter { $0.exception == nil }.count
        let right = $1.results.filter { $0.exception == nil }.count
        return (-$0.results[0].severity.weight, -left, $0.rule)
          < (-$1.results[0].severity.weight, -right, $1.rule)
      }
  }

  /// The resources with the heaviest failures, exceptions left out.
  package var worstResources: [(resource: ResultRecord.Identity, weight: Int, failures: Int)] {
    let open = failures.filter { $0.exception == nil }
    return Dictionary(grouping: open, by: \.resource).map { resource, failures in
      (resource, failures.reduce(0) { $0 + $1.severity.weight }, failures.count)
    }.sorted { ($0.1, $1.0.id) > ($1.1, $0.0.id) }
  }

  /// Why results are unknown, most frequent first.
  package var unknownReasons: [(reason: String, count: Int)] {
    Dictionary(grouping: results.filter { $0.verdict == .unknown }, by: \.reason)
      .map { (reason: $0.key, count: $0.value.count) }
      .sorted { (-$0.count, $0.reason) < (-$1.count, $1.reason) }
  }
}

/// How the controls of a profile stand.
package struct ProfileReport: Sendable {
  package var profile: Profile
  package var score: Score
  package var controls: [(control: Profile.Control, state: ControlState)]

  /// The state of a profile's controls after a scan.
  ///
  /// `resolve` gives a goal with every parameter filled, as results name it.
  package init(_ profile: Profile, _ results: [ResultRecord], resolve: (Goal) -> Goal) {
    let byGoal = Dictionary(grouping: results, by: \.goal)
    self.profile = profile
    var score = Score()
    for goal in Set(profile.goals.map(resolve)) {
      for result in byGoal[goal] ?? [] {
        score.add(result.verdict, result.severity, isExcepted: result.exception != nil)
      }
    }
    self.score = score
    controls = profile.controls.map { control in
      let results = control.goals.flatMap { byGoal[resolve($0)] ?? [] }
      return (control, ControlState(control, results))
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

  /// The state that a control's results give it.
  package init(_ control: Profile.Control, _ results: [ResultRecord]) {
    let verdicts = Set(results.map(\.verdict))
    if control.isManual {
      self = .manual
    } else if verdicts.contains(.fail) {
      self = .fail
    } else if verdicts.contains(.unknown) {
      self = .unknown
    } else {
      self = verdicts.contains(.pass) ? .pass : .notApplicable
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
