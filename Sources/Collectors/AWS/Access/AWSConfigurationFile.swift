package import Model

/// A setting of the shared files and where it stands.
package struct AWSSetting: Sendable, Hashable {
  /// The value, which may be a key.
  package let value: Secret
  package let file: String
  package let line: Int

  /// The value of a setting that is no secret.
  package var text: String { value.revealed }

  /// The file and the line.
  package var place: String { "\(file), line \(line)" }
}

/// The settings below one heading of a shared file.
package struct AWSSection: Sendable, Hashable {
  package let file: String
  package let line: Int
  /// The settings by key, in small letters.
  package internal(set) var settings: [String: AWSSetting] = [:]
  /// The settings indented below a key without a value, by that key.
  package internal(set) var nested: [String: [String: AWSSetting]] = [:]

  /// The file and the line of the heading.
  package var place: String { "\(file), line \(line)" }
}

/// One of the two files that AWS's tools share, `config` or `credentials`.
package struct AWSConfigurationFile: Sendable {
  /// The sections by heading, without brackets.
  package private(set) var sections: [String: AWSSection] = [:]
  private let file: String
  private var heading: String?
  private var key: String?
  private var indentation = 0

  /// A file without a section.
  init(absent file: String) { self.file = file }

  /// Reads the text of a file.
  ///
  /// As with AWS's own tools the last of equal settings counts, a line that is indented deeper than
  /// the setting above belongs to it, and ` #` or ` ;` ends a value.
  package init(_ bytes: [UInt8], file: String) throws(AWSCredentialError) {
    self.file = file
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .file(place: file, reason: "is not UTF-8 text; save it as UTF-8")
    }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let line = index == 0 && line.hasPrefix("\u{FEFF}") ? line.dropFirst() : line
      let content = line.drop { $0 == " " || $0 == "\t" }
      guard let first = content.first, first != "#", first != ";" else { continue }
      try take(content, indented: line.count - content.count, index + 1)
    }
  }

  private mutating func take(
    _ content: Substring,
    indented: Int,
    _ line: Int
  ) throws(AWSCredentialError) {
    if let heading, let key, indented > indentation {
      return try continueSetting(heading, key, content, line)
    }
    indentation = indented
    key = nil
    if content.hasPrefix("[") { return try begin(content, line) }
    guard let heading else {
      throw .file(place: "\(file), line \(line)", reason: "a setting stands before any [section]")
    }
    let (key, setting) = try setting(content, line)
    sections[heading]?.settings[key] = setting
    sections[heading]?.nested[key] = nil
    self.key = key
  }

  private mutating func begin(_ content: Substring, _ line: Int) throws(AWSCredentialError) {
    guard let end = content.firstIndex(of: "]") else {
      throw .file(place: "\(file), line \(line)", reason: "the section's heading has no closing ]")
    }
    let words = content[..<end].dropFirst().split { $0 == " " || $0 == "\t" }
    let name = words.joined(separator: " ")
    heading = name
    if sections[name] == nil { sections[name] = AWSSection(file: file, line: line) }
  }

  private mutating func continueSetting(
    _ heading: String,
    _ key: String,
    _ content: Substring,
    _ line: Int
  ) throws(AWSCredentialError) {
    guard let former = sections[heading]?.settings[key], !former.text.isEmpty else {
      let (inner, setting) = try setting(content, line)
      sections[heading]?.nested[key, default: [:]][inner] = setting
      return
    }
    sections[heading]?.settings[key] = AWSSetting(
      value: Secret(former.text + "\n" + Self.value(content)),
      file: file,
      line: former.line
    )
  }

  private func setting(
    _ content: Substring,
    _ line: Int
  ) throws(AWSCredentialError) -> (String, AWSSetting) {
    guard let sign = content.firstIndex(where: { $0 == "=" || $0 == ":" }),
      sign > content.startIndex
    else {
      // The line itself is not shown: it may be a key that was broken in two.
      throw .file(
        place: "\(file), line \(line)",
        reason: "is neither [section] nor key = value nor a comment"
      )
    }
    let key = Self.trimmed(content[..<sign]).lowercased()
    let value = Self.value(content[content.index(after: sign)...])
    return (key, AWSSetting(value: Secret(value), file: file, line: line))
  }

  /// A value without the white space around it and the comment behind it.
  private static func value(_ text: Substring) -> String {
    let text = trimmed(text)
    var wasSpace = false
    for index in text.indices {
      if wasSpace, text[index] == "#" || text[index] == ";" {
        return String(trimmed(text[..<index]))
      }
      wasSpace = text[index].isWhitespace
    }
    return String(text)
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text.drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
