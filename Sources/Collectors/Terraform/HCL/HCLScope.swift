/// Where the names of expressions stand for something.
protocol HCLScope: AnyObject {
  /// What a name stands for, and how many of the names behind it belong to it: of `var.region` one.
  func value(of root: String, _ names: [String]) throws -> (value: HCLValue, taken: Int)

  /// The text of a file of the module.
  func file(_ path: String) throws -> [UInt8]
}

/// How much may be done for one set of files, so that none takes for ever.
final class HCLWork {
  /// How deeply values may rest on other values.
  static let depthLimit = 250
  /// How many steps, elements and bytes of texts may be worked out.
  static let limit = 20_000_000

  private var depth = 0
  private var rest = HCLWork.limit

  func deeper<Result>(_ run: () throws -> Result) throws -> Result {
    guard depth < Self.depthLimit else {
      throw HCLError("rests on values that rest on others, more than \(Self.depthLimit) deep")
    }
    depth += 1
    defer { depth -= 1 }
    try spend(1)
    return try run()
  }

  func spend(_ amount: Int) throws {
    guard amount <= rest else {
      rest = 0
      throw HCLError("takes too much work to find out")
    }
    rest -= max(amount, 0)
  }
}
