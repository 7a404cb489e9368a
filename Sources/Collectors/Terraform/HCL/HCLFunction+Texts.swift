import Foundation
import JSON

extension HCLFunction {
  static let texts: [String: HCLFunction] = [
    "lower": text { $0.lowercased() },
    "upper": text { $0.uppercased() },
    "title": text { text in
      text.split(separator: " ", omittingEmptySubsequences: false)
        .map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined(separator: " ")
    },
    "trimspace": text { $0.trimmingCharacters(in: .whitespacesAndNewlines) },
    "chomp": text { text in
      var text = Substring(text)
      while let last = text.last, last.isNewline { text = text.dropLast() }
      return String(text)
    },
    "strrev": text { String($0.reversed()) },
    "trim": HCLFunction(2...2) { values, _ in
      let set = CharacterSet(charactersIn: try values[1].asText())
      return .text(try values[0].asText().trimmingCharacters(in: set))
    },
    "trimprefix": HCLFunction(2...2) { values, _ in
      let (text, prefix) = (try values[0].asText(), try values[1].asText())
      return .text(text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text)
    },
    "trimsuffix": HCLFunction(2...2) { values, _ in
      let (text, suffix) = (try values[0].asText(), try values[1].asText())
      return .text(text.hasSuffix(suffix) ? String(text.dropLast(suffix.count)) : text)
    },
    "startswith": HCLFunction(2...2) { values, _ in
      .scalar(.bool(try values[0].asText().hasPrefix(values[1].asText())))
    },
    "endswith": HCLFunction(2...2) { values, _ in
      .scalar(.bool(try values[0].asText().hasSuffix(values[1].asText())))
    },
    "strcontains": HCLFunction(2...2) { values, _ in
      let (text, part) = (try values[0].asText(), try values[1].asText())
      return .scalar(.bool(part.isEmpty || text.contains(part)))
    },
    "replace": HCLFunction(3...3) { values, evaluator in
      let (text, pattern) = (try values[0].asText(), try values[1].asText())
      if pattern.count > 1, pattern.hasPrefix("/"), pattern.hasSuffix("/") {
        return .unknown("regular expressions are not worked out here")
      }
      let other = try values[2].asText()
      try evaluator.work.spend(text.utf8.count * max(1, other.utf8.count))
      return .text(text.replacing(pattern, with: other))
    },
    "split": HCLFunction(2...2) { values, _ in
      let (separator, text) = (try values[0].asText(), try values[1].asText())
      if text.isEmpty { return .list([.text("")]) }
      if separator.isEmpty { return .list(text.map { .text(String($0)) }) }
      return .list(text.components(separatedBy: separator).map { .text($0) })
    },
    "join": HCLFunction(2...Int.max) { values, evaluator in
      let separator = try values[0].asText()
      let texts = try values.dropFirst().flatMap { try $0.asList() }.map { try $0.asText() }
      try evaluator.work.spend(
        texts.reduce(texts.count * separator.utf8.count) { $0 + $1.utf8.count }
      )
      return .text(texts.joined(separator: separator))
    },
    "substr": HCLFunction(3...3) { values, _ in
      let text = Array(try values[0].asText())
      let offset = try values[1].asInteger()
      let length = try values[2].asInteger()
      let start = min(max(offset < 0 ? text.count + offset : offset, 0), text.count)
      let end = length < 0 ? text.count : start + min(length, text.count - start)
      return .text(String(text[start..<end]))
    },
    "indent": HCLFunction(2...2) { values, evaluator in
      let count = try values[0].asInteger()
      let lines = try values[1].asText().components(separatedBy: "\n")
      guard count >= 0 else { throw HCLError("a negative number of spaces") }
      try evaluator.work.spend(min(count, HCLWork.limit) * lines.count)
      return .text(lines.joined(separator: "\n" + String(repeating: " ", count: count)))
    },
    "format": HCLFunction(1...Int.max) { values, evaluator in
      .text(try formatted(try values[0].asText(), Array(values.dropFirst()), evaluator))
    },
    "formatlist": HCLFunction(1...Int.max) { values, evaluator in
      let format = try values[0].asText()
      let lists = values.dropFirst().map { value -> [HCLValue]? in
        if case .list(let elements) = value { elements } else { nil }
      }
      let counts = Set(lists.compactMap { $0?.count })
      guard counts.count < 2 else { throw HCLError("lists of different lengths") }
      return .list(
        try (0..<(counts.first ?? 1)).map { index in
          let arguments = zip(values.dropFirst(), lists).map { $1?[index] ?? $0 }
          return .text(try formatted(format, arguments, evaluator))
        }
      )
    },
  ]

  private static func text(_ change: @escaping @Sendable (String) -> String) -> HCLFunction {
    HCLFunction(1...1) { values, _ in .text(change(try values[0].asText())) }
  }

  /// `printf`'s verbs as Terraform has them: `%s %v %q %d %f %b %x %X %o %t %%` with width.
  private static func formatted(
    _ format: String,
    _ arguments: [HCLValue],
    _ evaluator: HCLEvaluator
  ) throws -> String {
    var result = ""
    var rest = arguments[...]
    var text = format[...]
    while let start = text.firstIndex(of: "%") {
      result += text[..<start]
      text = text[text.index(after: start)...]
      let flags = text.prefix { "+-# 0".contains($0) }
      text = text[flags.endIndex...]
      let width = text.prefix { $0.isASCII && $0.isNumber }
      text = text[width.endIndex...]
      var precision: Substring?
      if text.first == "." {
        text.removeFirst()
        precision = text.prefix { $0.isASCII && $0.isNumber }
        text = text[(precision ?? "").endIndex...]
      }
      guard let verb = text.popFirst() else { throw HCLError("a verb is missing behind %") }
      if verb == "%" {
        result += "%"
        continue
      }
      guard let argument = rest.popFirst() else { throw HCLError("too few arguments") }
      var piece = try piece(verb, argument, precision.flatMap { Int($0) })
      if flags.contains("+"), "dfegv".contains(verb), !piece.hasPrefix("-") { piece = "+" + piece }
      let missing = (Int(width) ?? 0) - piece.count
      guard missing <= 10_000 else { throw HCLError("a width beyond 10000") }
      if missing > 0 {
        let fill = String(repeating: flags.contains("0") ? "0" : " ", count: missing)
        if flags.contains("-") {
          piece += String(repeating: " ", count: missing)
        } else if flags.contains("0"), let sign = piece.first, "+-".contains(sign) {
          piece = String(sign) + fill + piece.dropFirst()
        } else {
          piece = fill + piece
        }
      }
      try evaluator.work.spend(piece.utf8.count)
      result += piece
    }
    if !rest.isEmpty { throw HCLError("too many arguments") }
    return result + text
  }

  private static func piece(
    _ verb: Character,
    _ argument: HCLValue,
    _ precision: Int?
  ) throws -> String {
    switch verb {
    case "s":
      let text = try argument.asText()
      return precision.map { String(text.prefix($0)) } ?? text
    case "v":
      if case .scalar(let value) = argument { return value.string ?? value.text }
      return argument.json?.text ?? ""
    case "q": return JSONValue.string(try argument.asText()).text
    case "t": return try argument.asBool() ? "true" : "false"
    case "d": return String(try whole(argument))
    case "b": return String(try whole(argument), radix: 2)
    case "o": return String(try whole(argument), radix: 8)
    case "x", "X":
      if case .scalar(.string(let text)) = argument, Int64(text) == nil {
        let digits = text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return verb == "X" ? digits.uppercased() : digits
      }
      return String(try whole(argument), radix: 16, uppercase: verb == "X")
    case "f":
      let precision = min(precision ?? 6, 100)
      return String(format: "%.\(precision)f", try argument.double)
    default: throw HCLError("the verb %\(verb) is not known here")
    }
  }

  private static func whole(_ value: HCLValue) throws -> Int64 { Int64(try value.asInteger()) }
}
