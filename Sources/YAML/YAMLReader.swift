import JSON
package import Model
import Yams

/// Reads YAML and JSON text into nodes that know their lines.
///
/// Scalars follow YAML's core schema; ``Dialect/kubernetes`` adds what Kubernetes' own reader takes,
/// and ``Dialect/cloudFormation`` the short forms of CloudFormation's functions.
package struct YAMLReader: Sendable {
  /// How plain scalars are read.
  package enum Dialect: Sendable {
    /// YAML 1.2's core schema.
    case core
    /// YAML 1.1 as Kubernetes reads it: `yes`, `on` and their opposites are booleans, `0644` is octal.
    case kubernetes
    /// YAML 1.1 with tags as functions: `!Ref x` is `{"Ref": "x"}`. A node's line is that of its key.
    case cloudFormation
  }

  /// How deeply a document may nest.
  package static let depthLimit = 512
  /// How many values a document may hold when its aliases are followed.
  package static let valueLimit = 4_000_000

  private let dialect: Dialect

  package init(_ dialect: Dialect = .core) { self.dialect = dialect }

  /// One document of a text: its node, or what is wrong with it; nil for an empty document.
  package typealias Document = Result<DocumentNode?, DocumentError>

  /// Reads the only document of a text.
  package func document(_ text: String, file: String) throws(DocumentError) -> DocumentNode {
    let documents = documents(text, file: file)
    guard let first = documents.first else {
      throw DocumentError(
        "empty where a document is expected",
        key: "",
        at: SourceLocation(file: file, line: 1)
      )
    }
    if documents.count > 1 {
      throw DocumentError(
        "expected one document, found \(documents.count)",
        key: "",
        at: SourceLocation(file: file)
      )
    }
    guard let node = try first.get() else {
      throw DocumentError(
        "empty where a document is expected",
        key: "",
        at: SourceLocation(file: file, line: 1)
      )
    }
    return node
  }

  /// Reads every document of a text; a broken one does not keep the others from being read.
  package func documents(_ text: String, file: String) -> [Document] {
    Self.split(text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text).map { part in
      Result { () throws(DocumentError) in
        try node(part.text, file: file, firstLine: part.line)
      }
    }.filter { document in
      if case .success(nil) = document { return false }
      return true
    }
  }

  /// Cuts a text at its document markers, which stand at the start of a line.
  private static func split(_ text: String) -> [(text: String, line: Int)] {
    var parts: [(text: String, line: Int)] = []
    var current: [Substring] = []
    var start = 1
    // CRLF is one character in Swift and would hide the line end.
    let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
    for (index, line) in lines.enumerated() {
      let isMarker =
        ["---", "..."].contains(line.prefix(3))
        && (line.count == 3 || line.dropFirst(3).first?.isWhitespace == true)
      guard isMarker else {
        current.append(line)
        continue
      }
      parts.append((current.joined(separator: "\n"), start))
      // What stands behind the marker belongs to the document; spaces keep its columns.
      current = [line.hasPrefix("---") ? "   " + line.dropFirst(3) : ""]
      start = index + 1
    }
    parts.append((current.joined(separator: "\n"), start))
    return parts
  }

  private func node(
    _ text: String,
    file: String,
    firstLine: Int
  ) throws(DocumentError) -> DocumentNode? {
    let location = SourceLocation(file: file, line: firstLine)
    if let first = text.first(where: { !$0.isWhitespace }), first == "{" || first == "[" {
      // JSON may be indented by tabs, which YAML forbids.
      if let json = try? JSONValue(parsing: text) {
        if dialect == .cloudFormation,
          let lined = try? block(text, file: file, firstLine: firstLine), lined.json == json
        {
          return lined
        }
        return DocumentNode(json, at: location)
      }
    }
    return try block(text, file: file, firstLine: firstLine)
  }

  /// What a key is taken for where the library compares keys: all that is not quoted for the same.
  ///
  /// What a value is, a dialect tells; the library's own patterns for that cost more than all its reading.
  private static let resolver: Resolver = {
    guard let plain = try? Resolver.Rule(Tag.Name(rawValue: "plain"), "^") else {
      preconditionFailure("the pattern of a start compiles")
    }
    return Resolver.basic.appending(plain)
  }()

  /// Reads one document as YAML.
  private func block(
    _ text: String,
    file: String,
    firstLine: Int
  ) throws(DocumentError) -> DocumentNode? {
    let location = SourceLocation(file: file, line: firstLine)
    guard Self.nestingBound(text) <= Self.depthLimit else {
      throw DocumentError(
        "nested deeper than \(Self.depthLimit) levels",
        key: "",
        at: location
      )
    }
    let root: Node?
    do {
      root = try Parser(yaml: text, resolver: Self.resolver).nextRoot()
    } catch let error as YamlError {
      throw Self.fault(error, file: file, firstLine: firstLine)
    } catch {
      throw DocumentError("\(error)", key: "", at: location)
    }
    guard let root else { return nil }
    var converter = Converter(dialect: dialect, file: file, firstLine: firstLine)
    let node = try converter.node(root)
    if case .scalar(.null) = node.value { return nil }
    return node
  }

  /// An upper bound of how deeply a text nests, found before a recursive reader meets it.
  private static func nestingBound(_ text: String) -> Int {
    var flow = 0
    var deepestFlow = 0
    var deepestLine = 0
    var indent = 0
    var isAtLineStart = true
    for byte in text.utf8 {
      switch byte {
      case 0x0A:
        deepestLine = max(deepestLine, indent)
        indent = 0
        isAtLineStart = true
      case 0x20 where isAtLineStart: indent += 1
      case 0x2D where isAtLineStart, 0x3F where isAtLineStart: indent += 2
      case 0x5B, 0x7B:
        flow += 1
        deepestFlow = max(deepestFlow, flow)
        isAtLineStart = false
      case 0x5D, 0x7D:
        flow = max(flow - 1, 0)
        isAtLineStart = false
      default: isAtLineStart = false
      }
    }
    // A level of a block takes at least one column, in practice two.
    return deepestFlow + max(deepestLine, indent) / 2
  }

  private static func fault(_ error: YamlError, file: String, firstLine: Int) -> DocumentError {
    func located(_ mark: Mark?, _ message: String) -> DocumentError {
      let line = mark.map { $0.line + firstLine - 1 } ?? firstLine
      return DocumentError(message, key: "", at: SourceLocation(file: file, line: line))
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return located(mark, "not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.sorted().joined(separator: "\", \"")
      return located(context.mark, "duplicate key \"\(names)\"")
    case .reader(let problem, _, _, _): return located(nil, "not valid YAML: \(problem)")
    default: return located(nil, "not valid YAML: \(error)")
    }
  }
}

/// Turns the library's nodes into ours.
private struct Converter {
  let dialect: YAMLReader.Dialect
  let file: String
  let firstLine: Int
  var count = 0

  init(dialect: YAMLReader.Dialect, file: String, firstLine: Int) {
    self.dialect = dialect
    self.file = file
    self.firstLine = firstLine
  }

  mutating func node(_ node: Node) throws(DocumentError) -> DocumentNode {
    count += 1
    let line = node.mark.map { $0.line + firstLine - 1 } ?? firstLine
    let location = SourceLocation(file: file, line: line)
    guard count <= YAMLReader.valueLimit else {
      throw DocumentError(
        "holds more than \(YAMLReader.valueLimit) values when its aliases are followed",
        key: "",
        at: location
      )
    }
    let result: DocumentNode
    let tag: Tag
    switch node {
    case .scalar(let scalar):
      tag = scalar.tag
      result = DocumentNode(.scalar(value(of: scalar)), at: location)
    case .sequence(let sequence):
      tag = sequence.tag
      var nodes: [DocumentNode] = []
      for element in sequence { nodes.append(try self.node(element)) }
      result = DocumentNode(.sequence(nodes), at: location)
    case .mapping(let mapping):
      tag = mapping.tag
      result = DocumentNode(.mapping(try members(of: mapping)), at: location)
    case .alias:
      throw DocumentError("an alias refers to nothing", key: "", at: location)
    }
    return dialect == .cloudFormation ? result.function(tag: tag.description) : result
  }

  private mutating func members(
    of mapping: Node.Mapping
  ) throws(DocumentError) -> [(key: String, value: DocumentNode)] {
    var members: [(key: String, value: DocumentNode)] = []
    var merged: [(key: String, value: DocumentNode)] = []
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key else {
        let line = key.mark.map { $0.line + firstLine - 1 }
        throw DocumentError(
          "a key must be a text",
          key: "",
          at: SourceLocation(file: file, line: line)
        )
      }
      var converted = try node(value)
      if dialect == .cloudFormation, let line = key.mark?.line {
        converted.location.line = line + firstLine - 1
      }
      guard scalar.string == "<<", scalar.style == .plain else {
        members.append((scalar.string, converted))
        continue
      }
      // YAML 1.1's merge key: members of the mapping, or mappings, named stand in where not given.
      switch converted.value {
      case .mapping(let inner): merged += inner
      case .sequence(let nodes):
        for case .mapping(let inner) in nodes.map(\.value) { merged += inner }
      case .scalar: members.append((scalar.string, converted))
      }
    }
    for member in merged where !members.contains(where: { $0.key == member.key }) {
      members.append(member)
    }
    return members
  }

  private func value(of scalar: Node.Scalar) -> JSONValue {
    guard scalar.style == .plain || scalar.style == .any else { return .string(scalar.string) }
    let tag = scalar.tag.description
    if tag == "tag:yaml.org,2002:str" { return .string(scalar.string) }
    if dialect == .cloudFormation, tag.hasPrefix("!") { return .string(scalar.string) }
    return dialect.value(ofPlain: scalar.string)
  }
}

extension YAMLReader.Dialect {
  /// The value of a plain scalar.
  func value(ofPlain text: String) -> JSONValue {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return true
    case "false", "False", "FALSE": return false
    case "yes", "Yes", "YES", "on", "On", "ON": if self != .core { return true }
    case "no", "No", "NO", "off", "Off", "OFF": if self != .core { return false }
    case "y", "Y": if self == .kubernetes { return true }
    case "n", "N": if self == .kubernetes { return false }
    default: break
    }
    guard let first = text.utf8.first, first < 0x3A, first != 0x2F else { return .string(text) }
    return number(text) ?? .string(text)
  }

  private func number(_ text: String) -> JSONValue? {
    if text.hasPrefix("0x"), let value = Int64(text.dropFirst(2), radix: 16) {
      return .integer(value)
    }
    if text.hasPrefix("0o"), let value = Int64(text.dropFirst(2), radix: 8) {
      return .integer(value)
    }
    if self == .kubernetes, text.count > 1, text.hasPrefix("0"),
      let value = Int64(text, radix: 8)
    {
      return .integer(value)
    }
    // An account's number may begin with a zero, which is part of it.
    let isPadded = text.count > 1 && text.hasPrefix("0") && text.allSatisfy(\.isNumber)
    if self == .cloudFormation, isPadded { return nil }
    if let value = Int64(text) { return .integer(value) }
    // Swift also reads words such as "nan" and hexadecimal fractions, which YAML does not.
    let isDecimal = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0)
    }
    return isDecimal ? Double(text).map(JSONValue.number) : nil
  }
}
