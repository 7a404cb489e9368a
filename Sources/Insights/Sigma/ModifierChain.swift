import JSON
import Model

/// A value while modifiers change it; one may become several, of which any has to match.
struct ModifiedValue {
  var comparisons: [SigmaTest.Comparison]
}

/// A field's modifiers, applied from left to right.
struct ModifierChain {
  let field: String?
  let placeholders: [String: [String]]
  let key: String
  let location: SourceLocation

  private var modifiers: [String] = []
  private var isAll = false
  private var isNot = false

  init(
    field: String?,
    placeholders: [String: [String]],
    key: String,
    location: SourceLocation
  ) {
    self.field = field
    self.placeholders = placeholders
    self.key = key
    self.location = location
  }

  private static let known: Set<String> = [
    "contains", "startswith", "endswith", "cased", "exists", "windash", "re", "i", "m", "s",
    "ignorecase", "multiline", "dotall", "base64", "base64offset", "wide", "utf16le", "utf16be",
    "utf16", "cidr", "expand", "fieldref", "lt", "lte", "gt", "gte", "minute", "hour", "day",
    "week", "month", "year",
  ]

  mutating func add(_ name: String) throws(DocumentError) {
    switch name {
    case "all": isAll = true
    case "neq": isNot = true
    default:
      guard Self.known.contains(name) else { throw fault("there is no modifier \"\(name)\"") }
      modifiers.append(name)
    }
  }

  /// One value with all modifiers applied.
  func value(_ scalar: JSONValue, at location: SourceLocation) throws(DocumentError)
    -> ModifiedValue
  {
    var draft = ValueDraft(scalar, key: key, location: location, placeholders: placeholders)
    for modifier in modifiers { try draft.apply(modifier) }
    return ModifiedValue(comparisons: try draft.comparisons(hasField: field != nil))
  }

  /// What the values come to.
  func expression(_ values: [ModifiedValue]) throws(DocumentError) -> SigmaExpression {
    let parts = values.map { value -> SigmaExpression in
      let tests = value.comparisons.map {
        SigmaExpression.test(SigmaTest(field: field, comparison: $0))
      }
      return tests.count == 1 ? tests[0] : .any(tests)
    }
    let whole: SigmaExpression =
      parts.count == 1 ? parts[0] : isAll ? .all(parts) : .any(parts)
    return isNot ? .not(whole) : whole
  }

  private func fault(_ message: String) -> DocumentError {
    DocumentError(message, key: key, at: location)
  }
}

/// One value on its way through the modifiers.
struct ValueDraft {
  private enum Form {
    case scalar(JSONValue)
    case texts([SigmaPattern])
    case regex([String])
    case network
    case exists
    case order(SigmaTest.Order)
    case time(SigmaTest.TimePart, SigmaTest.Order)
    case field(SigmaTest.FieldRelation)
  }

  private let scalar: JSONValue
  private let key: String
  private let location: SourceLocation
  private let placeholders: [String: [String]]
  private var form: Form
  private var isCased = false
  private var flags = ""
  /// How a field is compared with another, where the modifier for it stands before `fieldref`.
  private var relation = SigmaTest.FieldRelation.equal

  init(
    _ scalar: JSONValue,
    key: String,
    location: SourceLocation,
    placeholders: [String: [String]]
  ) {
    self.scalar = scalar
    self.key = key
    self.location = location
    self.placeholders = placeholders
    form = .scalar(scalar)
  }

  private func fault(_ message: String) -> DocumentError {
    DocumentError(message, key: key, at: location)
  }

  /// The value as patterns.
  private func patterns(_ modifier: String) throws(DocumentError) -> [SigmaPattern] {
    switch form {
    case .texts(let patterns): return patterns
    case .scalar(.string(let text)): return [SigmaPattern(text)]
    case .scalar(let value) where value.double != nil || value.bool != nil:
      return [SigmaPattern(literal: Array(value.text.utf8))]
    default: throw fault("\(modifier) needs a text")
    }
  }

  private func plain(_ modifier: String) throws(DocumentError) -> [[UInt8]] {
    var texts: [[UInt8]] = []
    for pattern in try patterns(modifier) {
      guard let literal = pattern.literal else {
        throw fault("\(modifier) needs a text without wildcards")
      }
      texts.append(literal)
    }
    return texts
  }

  mutating func apply(_ modifier: String) throws(DocumentError) {
    switch modifier {
    case "contains", "startswith", "endswith":
      relation =
        modifier == "contains" ? .contains : modifier == "startswith" ? .startsWith : .endsWith
      if case .field = form {
        form = .field(relation)
        return
      }
      form = .texts(
        try patterns(modifier).map {
          $0.open(atStart: modifier != "startswith", atEnd: modifier != "endswith")
        }
      )
    case "cased": isCased = true
    case "windash": form = .texts(TextCodings.dashes(try patterns(modifier)))
    case "base64":
      form = .texts(
        try plain(modifier).map { SigmaPattern(literal: TextCodings.base64($0)) }
      )
    case "base64offset":
      form = .texts(
        try plain(modifier).flatMap { text in
          (0..<3).map { SigmaPattern(literal: TextCodings.base64($0, of: text)) }
        }
      )
    case "wide", "utf16le", "utf16be", "utf16":
      form = .texts(
        try patterns(modifier).map { $0.mapTexts { TextCodings.utf16($0, as: modifier) } }
      )
    case "expand": form = .texts(try expanded())
    default: try applyTyped(modifier)
    }
  }

  private mutating func applyTyped(_ modifier: String) throws(DocumentError) {
    switch modifier {
    case "re":
      guard case .scalar(.string(let text)) = form else { throw fault("re needs a text") }
      form = .regex([text])
    case "i", "ignorecase", "m", "multiline", "s", "dotall":
      guard case .regex = form else { throw fault("\(modifier) stands only behind re") }
      flags += modifier == "dotall" ? "s" : String(modifier.prefix(1))
    case "cidr": form = .network
    case "exists": form = .exists
    case "fieldref": form = .field(relation)
    case "lt", "lte", "gt", "gte":
      guard let order = SigmaTest.Order(rawValue: modifier) else { return }
      if case .time(let part, _) = form {
        form = .time(part, order)
      } else {
        form = .order(order)
      }
    default:
      if let part = SigmaTest.TimePart(rawValue: modifier) { form = .time(part, .eq) }
    }
  }

  private func expanded() throws(DocumentError) -> [SigmaPattern] {
    guard case .scalar(.string(let text)) = form else { throw fault("expand needs a text") }
    // Every other part stands between percent signs.
    let parts = text.split(separator: "%", omittingEmptySubsequences: false).map(String.init)
    guard parts.count % 2 == 1 else { throw fault("lacks a closing % behind a placeholder") }
    var texts = [""]
    for (index, part) in parts.enumerated() {
      if index % 2 == 0 {
        texts = texts.map { $0 + part }
      } else {
        guard let values = placeholders[part] else {
          throw fault("there are no values for the placeholder %\(part)%; give them by --values")
        }
        texts = texts.flatMap { text in values.map { text + $0 } }
      }
      if texts.count > 10_000 { throw fault("expands to more than 10,000 values") }
    }
    return texts.map { SigmaPattern($0) }
  }

  /// What the value is compared by.
  func comparisons(hasField: Bool) throws(DocumentError) -> [SigmaTest.Comparison] {
    switch form {
    case .scalar(.null): return [.null]
    case .scalar(.bool(let flag)) where hasField: return [.bool(flag)]
    case .scalar(let number) where hasField && number.double != nil:
      return [.number(number.double ?? 0, text: number.text)]
    case .scalar, .texts:
      return try patterns("a value").map { pattern in
        // A keyword may stand anywhere in a value.
        let open = hasField ? pattern : pattern.open(atStart: true, atEnd: true)
        return .text(open, isCased: isCased)
      }
    case .regex(let texts): return [.regex(try regex(texts[0]))]
    case .network:
      guard let text = scalar.string, let network = IPNetwork(text) else {
        throw fault("cidr needs a network such as 10.0.0.0/8 or 2001:db8::/32")
      }
      return [.network(network)]
    case .exists:
      guard let flag = scalar.bool else { throw fault("exists needs true or false") }
      return [.exists(flag)]
    case .order(let order): return [.order(order, try number())]
    case .time(let part, let order): return [.time(part, order, try number())]
    case .field(let relation):
      guard let other = scalar.string else { throw fault("fieldref needs the name of a field") }
      return [.field(other, relation, isCased: isCased)]
    }
  }

  private func number() throws(DocumentError) -> Double {
    guard let number = scalar.double ?? scalar.string.flatMap(Double.init) else {
      throw fault("needs a number")
    }
    return number
  }

  private func regex(_ pattern: String) throws(DocumentError) -> Regex {
    do {
      return try Regex(flags.isEmpty ? pattern : "(?\(flags))\(pattern)")
    } catch {
      throw fault(
        "\"\(pattern)\" is no regular expression that runs in linear time: \(error.message)"
      )
    }
  }
}
