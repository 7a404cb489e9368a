/// What a guardrail does when a configuration is not as required, from the mildest on.
package enum Enforcement: String, Sendable, CaseIterable, Comparable {
  /// The violation is recorded, and nothing is told or held up.
  case auditLog = "audit_log"
  /// The request goes through, and whoever sent it is told.
  case warn
  /// The request is refused.
  case disallow

  private var rank: Int {
    switch self {
    case .auditLog: 0
    case .warn: 1
    case .disallow: 2
    }
  }

  /// Orders by strictness: ``auditLog`` is smallest.
  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  /// What comes of a verdict under this enforcement.
  ///
  /// What could not be read never counts as passed: under ``disallow`` the guardrail's own choice
  /// decides it, otherwise it is told as a failure would be. An exception that is in force covers a
  /// failure, and so the doubt whether there is one.
  package func effect(of verdict: Verdict, _ choice: FailureChoice, isExcepted: Bool) -> Effect {
    switch verdict {
    case .pass, .notApplicable: return .allowed
    case .fail, .unknown:
      if isExcepted { return .allowed }
      switch self {
      case .auditLog: return .allowed
      case .warn: return .warned
      case .disallow: return verdict == .fail || choice == .closed ? .refused : .warned
      }
    }
  }
}

/// What a guardrail that disallows does with what cannot be judged.
package enum FailureChoice: String, Sendable, CaseIterable {
  /// It lets the request through with a warning.
  case open
  /// It refuses the request.
  case closed
}

/// What becomes of a request.
package enum Effect: String, Sendable, CaseIterable, Comparable {
  case allowed, warned, refused

  private var rank: Int {
    switch self {
    case .allowed: 0
    case .warned: 1
    case .refused: 2
    }
  }

  /// Orders by strictness: ``allowed`` is smallest.
  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
