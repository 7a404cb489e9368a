/// A value that does not fit its shape, and where it stands.
///
/// The text names kinds of values, never a value: answers and inputs hold secrets.
struct AWSMisfit: Error {
  private(set) var path = ""
  let reason: String

  init(_ reason: String) { self.reason = reason }

  /// The same inside a member or an element of something larger.
  func inside(_ step: String) -> AWSMisfit {
    var outer = self
    outer.path = path.isEmpty || path.hasPrefix("[") ? step + path : "\(step).\(path)"
    return outer
  }

  /// Where and why, on one line.
  var text: String { path.isEmpty ? reason : "\(path): \(reason)" }

  /// Does something whose faults are inside a member or an element.
  static func at<Value>(
    _ step: @autoclosure () -> String,
    _ body: () throws -> Value
  ) throws -> Value {
    do {
      return try body()
    } catch let misfit as AWSMisfit {
      throw misfit.inside(step())
    }
  }

  /// Does something for each element of a list.
  static func each<Element, Value>(
    _ elements: some Collection<Element>,
    _ body: (Element) throws -> Value
  ) throws -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(elements.count)
    for element in elements {
      values.append(try at("[\(values.count)]") { try body(element) })
    }
    return values
  }
}
