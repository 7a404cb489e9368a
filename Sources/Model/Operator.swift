/// The operators of a leaf condition.
///
/// Their meaning is in docs/rules.md; `strings_in_list` and `strings_allowed` are one operator.
package enum Operator: String, Sendable, CaseIterable {
  case exists
  case notExists = "not_exists"
  case isEmpty = "is_empty"
  case isNotEmpty = "is_not_empty"
  case isTrue = "is_true"
  case isFalse = "is_false"
  case stringEquals = "string_equals"
  case stringNotEquals = "string_not_equals"
  case stringMatch = "string_match"
  case stringNotMatch = "string_not_match"
  case stringContains = "string_contains"
  case stringNotContains = "string_not_contains"
  case stringsInList = "strings_in_list"
  case stringsAllowed = "strings_allowed"
  case stringsRequired = "strings_required"
  case ipsInRange = "ips_in_range"
  case ipsNotInRange = "ips_not_in_range"
  case numEquals = "num_equals"
  case numNotEquals = "num_not_equals"
  case numLessThan = "num_less_than"
  case numLessThanEquals = "num_less_than_equals"
  case numGreaterThan = "num_greater_than"
  case numGreaterThanEquals = "num_greater_than_equals"
  case daysLessThan = "days_less_than"
  case daysGreaterThan = "days_greater_than"

  /// What an operator takes as its value.
  package enum Operand: Sendable, Equatable {
    case none, stringOrList, stringList, networkList, number, numberOrList

    /// The kind of value in words.
    package var expected: String {
      switch self {
      case .none: "no value"
      case .stringOrList: "a string or a list of strings"
      case .stringList: "a list of strings"
      case .networkList: "a list of IP addresses or networks such as 10.0.0.0/8"
      case .number: "a number"
      case .numberOrList: "a number or a list of numbers"
      }
    }
  }

  /// What the operator takes as its value.
  package var operand: Operand {
    switch self {
    case .exists, .notExists, .isEmpty, .isNotEmpty, .isTrue, .isFalse: .none
    case .stringEquals, .stringNotEquals, .stringMatch, .stringNotMatch, .stringContains,
      .stringNotContains:
      .stringOrList
    case .stringsInList, .stringsAllowed, .stringsRequired: .stringList
    case .ipsInRange, .ipsNotInRange: .networkList
    case .numEquals, .numNotEquals: .numberOrList
    case .numLessThan, .numLessThanEquals, .numGreaterThan, .numGreaterThanEquals,
      .daysLessThan, .daysGreaterThan:
      .number
    }
  }

  /// The operator of which this one is the exact opposite, or nil.
  package var negated: Operator? {
    switch self {
    case .notExists: .exists
    case .isNotEmpty: .isEmpty
    case .stringNotEquals: .stringEquals
    case .stringNotMatch: .stringMatch
    case .stringNotContains: .stringContains
    case .numNotEquals: .numEquals
    default: nil
    }
  }

  /// Whether the operator compares two numbers, as a count needs.
  package var isNumeric: Bool { rawValue.hasPrefix("num_") }
}
