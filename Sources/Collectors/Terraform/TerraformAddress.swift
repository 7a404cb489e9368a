import JSON

/// An address or reference such as `module.a["x.y"].aws_s3_bucket.b[0].id`, split into its steps.
struct TerraformAddress {
  /// A name and the instance key behind it.
  struct Step {
    var name: String
    var key: JSONValue?
  }

  private(set) var steps: [Step] = []

  /// The keys of the modules that a module's address names.
  var moduleKeys: [JSONValue?] {
    stride(from: 1, to: steps.count, by: 2).map { steps[$0].key }
  }

  init(_ text: String) {
    var rest = Substring(text)
    while !rest.isEmpty {
      let name = rest.prefix { $0 != "." && $0 != "[" }
      rest = rest[name.endIndex...]
      var step = Step(name: String(name))
      while rest.first == "[" {
        // The key is JSON, so its text ends at the bracket that makes it complete.
        var end = rest.startIndex
        var key: JSONValue?
        while key == nil, let close = rest[rest.index(after: end)...].firstIndex(of: "]") {
          end = close
          key = try? JSONValue(parsing: String(rest[rest.index(after: rest.startIndex)..<close]))
        }
        guard let key else { return }
        step.key = step.key ?? key
        rest = rest[rest.index(after: end)...]
      }
      steps.append(step)
      if rest.first == "." { rest.removeFirst() } else if !rest.isEmpty { return }
    }
  }
}
