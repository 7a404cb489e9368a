package import Model

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
  /// judged.
  package init(
    from former: Enforcement?,
    to next: Enforcement,
    onFailure: FailureChoice,
    violators: Int,
    unknown: Int
  ) {
    var obstacles: [String] = []
    if next == .disallow, former != .disallow {
      if former != .warn {
        obstacles.append("it has not warned before; let it warn first")
      }
      if violators > 0 {
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
