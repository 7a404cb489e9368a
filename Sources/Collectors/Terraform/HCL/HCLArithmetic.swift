import JSON

/// Operators over known and unknown values.
enum HCLArithmetic {
  static func apply(
    _ operation: HCLExpression.Operation,
    _ left: HCLValue,
    _ right: HCLValue
  ) throws -> HCLValue {
    switch operation {
    case .and, .or:
      // One side may decide alone.
      let decisive = operation == .or
      for side in [left, right] where side.obstacle == nil {
        if try side.asBool() == decisive { return .scalar(.bool(decisive)) }
      }
      return left.obstacle != nil ? left : right.obstacle != nil ? right : .scalar(.bool(!decisive))
    case .equal, .notEqual:
      guard let isEqual = left.isEqual(to: right) else {
        return .unknown(left.firstReason ?? right.firstReason ?? HCLValue.afterApply)
      }
      return .scalar(.bool(isEqual == (operation == .equal)))
    default: break
    }
    if left.obstacle != nil { return left }
    if right.obstacle != nil { return right }
    let (one, other) = (try left.asNumber(), try right.asNumber())
    let (a, b) = (one.double ?? 0, other.double ?? 0)
    switch operation {
    case .less: return .scalar(.bool(a < b))
    case .lessOrEqual: return .scalar(.bool(a <= b))
    case .greater: return .scalar(.bool(a > b))
    case .greaterOrEqual: return .scalar(.bool(a >= b))
    default: break
    }
    if case .integer(let a) = one, case .integer(let b) = other,
      let result = whole(operation, a, b)
    {
      return .scalar(.integer(result))
    }
    switch operation {
    case .plus: return number(a + b)
    case .minus: return number(a - b)
    case .times: return number(a * b)
    case .divide, .modulo:
      guard b != 0 else { throw HCLError("a division by zero") }
      return number(operation == .divide ? a / b : a.truncatingRemainder(dividingBy: b))
    default: throw HCLError("\(operation.rawValue) has no value here")
    }
  }

  /// The whole result of whole numbers; nil where there is none that fits.
  private static func whole(
    _ operation: HCLExpression.Operation,
    _ a: Int64,
    _ b: Int64
  ) -> Int64? {
    let result: (partialValue: Int64, overflow: Bool)
    switch operation {
    case .plus: result = a.addingReportingOverflow(b)
    case .minus: result = a.subtractingReportingOverflow(b)
    case .times: result = a.multipliedReportingOverflow(by: b)
    case .divide where b != 0 && b != -1 && a % b == 0: return a / b
    case .modulo where b != 0 && b != -1: return a % b
    default: return nil
    }
    return result.overflow ? nil : result.partialValue
  }

  /// A number as a value; whole ones exactly.
  static func number(_ value: Double) -> HCLValue {
    if let whole = Int64(exactly: value) { return .scalar(.integer(whole)) }
    return value.isFinite ? .scalar(.number(value)) : .unknown("a number beyond bounds")
  }
}
