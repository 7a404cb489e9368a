/// How far rules judge a profile's controls, and what is left to people.
package struct ProfileCoverage: Sendable {
  /// How far a control is judged without a person.
  package enum Degree: String, Sendable, CaseIterable {
    /// Stable rules judge the whole control.
    case automatic
    /// Rules judge it, but not all of them are stable, or they leave a part to a person.
    case partly
    /// No rule judges it: a person attests it.
    case attested
  }

  /// A control with its degree.
  package struct Entry: Sendable {
    package let control: Profile.Control
    package let degree: Degree
    /// What keeps the control from being automatic.
    package let gaps: [String]
  }

  /// The controls in the profile's order.
  package let entries: [Entry]

  /// The coverage of a profile by rules, which are looked up by id or alias.
  package init(_ profile: Profile, rule: (String) -> Rule?) {
    entries = profile.controls.map { control in
      guard !control.isManual else {
        return Entry(control: control, degree: .attested, gaps: [control.manualReason])
      }
      var gaps = control.goals.compactMap { goal -> String? in
        guard let rule = rule(goal.rule) else { return "there is no rule \(goal.rule)" }
        return switch rule.status {
        case .stable: nil
        case .draft: "\(rule.id) is a draft"
        case .deprecated: "\(rule.id) is deprecated"
        }
      }
      if !control.manualReason.isEmpty { gaps.append("by a person: \(control.manualReason)") }
      return Entry(control: control, degree: gaps.isEmpty ? .automatic : .partly, gaps: gaps)
    }
  }

  /// How many of the controls that rules judge were mapped on each basis.
  package var mapped: [(kind: MappingBasis.Kind, count: Int)] {
    let judged = entries.filter { $0.degree != .attested }
    return MappingBasis.Kind.allCases.map { kind in
      (kind: kind, count: judged.filter { $0.control.basis.kind == kind }.count)
    }
  }

  /// The controls of a degree, in the profile's order.
  package func entries(_ degree: Degree) -> [Entry] { entries.filter { $0.degree == degree } }

  /// The share of controls that have a degree, in percent, to one digit behind the point.
  package func share(_ degree: Degree) -> Double {
    guard !entries.isEmpty else { return 0 }
    return (Double(entries(degree).count) * 1000 / Double(entries.count)).rounded() / 10
  }
}
