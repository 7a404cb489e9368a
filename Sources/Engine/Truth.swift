/// The value of a condition: Kleene's three, and a true that rests on nothing.
///
/// `vacuous` is the value of `all` over an empty list. To `not`, and to whether a condition holds,
/// it is a true; it only remembers that nothing was there to judge.
package struct Truth: Equatable, Sendable {
  package let rawValue: UInt8

  @inlinable init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let no = Truth(rawValue: 0)
  package static let unknown = Truth(rawValue: 1)
  package static let yes = Truth(rawValue: 2)
  package static let vacuous = Truth(rawValue: 3)

  /// A known value.
  @inlinable package init(_ value: Bool) { rawValue = value ? 2 : 0 }

  /// Whether the condition is known to hold.
  package var holds: Bool { rawValue >= 2 }

  /// Conjunction: the lesser; true beside vacuous is true.
  package static func and(_ left: Truth, _ right: Truth) -> Truth {
    Truth(rawValue: min(left.rawValue, right.rawValue))
  }

  /// Disjunction: the greater; true beside vacuous is true.
  package static func or(_ left: Truth, _ right: Truth) -> Truth {
    if left == .yes || right == .yes { return .yes }
    return Truth(rawValue: max(left.rawValue, right.rawValue))
  }

  /// Negation.
  package static prefix func ! (value: Truth) -> Truth {
    switch value {
    case .no: .yes
    case .unknown: .unknown
    default: .no
    }
  }

  /// The value as a proof writes it.
  package var word: String {
    switch self {
    case .no: "false"
    case .unknown: "unknown"
    case .yes: "true"
    default: "vacuous"
    }
  }
}
