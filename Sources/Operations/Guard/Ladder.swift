package import Model

/// By what a guardrail becomes stricter that keeps its enforcement.
package enum Tightening: String, Sendable, CaseIterable {
  case scope = "another scope"
  case exclusions = "fewer exclusions"
  case parameters = "other parameters"
  case failureChoice = "it refuses what cannot be judged"
}

extension Guardrail {
  /// By what it is, or may be, stricter than it was.
  package func tightenings(since former: Guardrail) -> [Tightening] {
    Tightening.allCases.filter { tightening in
      switch tightening {
      case .scope: scope != former.scope
      case .exclusions: !Set(former.excludes).isSubset(of: excludes)
      // Which of two values is stricter is known to the rule alone.
      case .parameters: parameters != former.parameters
      case .failureChoice: onFailure == .closed && former.onFailure == .open
      }
    }
  }
}

/// The steps by which a guardrail comes to be enforced: first it records, then it warns, then it refuses.
///
/// A step up needs that nothing which is there already would stand against it, or a reason that
/// somebody gives. A step down needs nothing.
package struct Ladder: Sendable {
  /// What stands against a step, in words.
  package let obstacles: [String]

  /// The step from one enforcement, or from none, to another.
  ///
  /// `violators` is how many present resources fail without an exception, `unknown` how many cannot be
  /// judged, `tightenings` by what a guardrail becomes stricter that disallows already.
  package init(
    from former: Enforcement?,
    to next: Enforcement,
    onFailure: FailureChoice,
    violators: Int,
    unknown: Int,
    tightenings: [Tightening] = []
  ) {
    var obstacles: [String] = []
    let isStep = former != .disallow
    if next == .disallow, isStep || !tightenings.isEmpty {
      // What cannot be judged was warned of before.
      let unwarned = tightenings.filter { $0 != .failureChoice }.map(\.rawValue)
      if isStep, former != .warn {
        obstacles.append("it has not warned before; let it warn first")
      }
      if !isStep, !unwarned.isEmpty {
        obstacles.append(
          "it disallows already and becomes stricter (\(unwarned.joined(separator: ", "))), of which "
            + "it has not warned before"
        )
      }
      if violators > 0, isStep || !unwarned.isEmpty {
        obstacles.append(
          violators == 1
            ? "a present resource fails" : "\(violators) present resources fail"
        )
      }
      if unknown > 0, onFailure == .closed {
        obstacles.append(
          unknown == 1
            ? "a present resource cannot be judged"
            : "\(unknown) present resources cannot be judged"
        )
      }
    }
    self.obstacles = obstacles
  }

  /// Lets the step be made where nothing stands against it or a reason is given.
  ///
  /// - Throws: ``GuardrailError`` that lists what stands against it.
  package func check(reason: String) throws(GuardrailError) {
    guard !obstacles.isEmpty, reason.allSatisfy(\.isWhitespace) else { return }
    throw GuardrailError(
      description:
        "it cannot disallow yet: \(obstacles.joined(separator: "; ")); mend them, except "
        + "them, or say why it shall nevertheless, by --reason or the member reason"
    )
  }
}
