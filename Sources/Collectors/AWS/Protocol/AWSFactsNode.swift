import JSON

/// A place in the facts, for reading what must stand there.
struct AWSFactsNode {
  let value: JSONValue
  let path: String

  init(_ value: JSONValue, _ path: String) {
    self.value = value
    self.path = path
  }

  func error(_ key: String, _ reason: String) -> AWSFactsError {
    AWSFactsError(path: place(key), reason: reason)
  }

  private func place(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// A text that must be there.
  func text(_ key: String) throws(AWSFactsError) -> String {
    guard let text = try optionalText(key) else { throw error(key, "is missing") }
    return text
  }

  /// A text that may be left out.
  func optionalText(_ key: String) throws(AWSFactsError) -> String? {
    guard let value = value[key] else { return nil }
    guard let text = value.string else { throw error(key, "expected a text") }
    return text
  }

  /// A flag, which is off where it is left out.
  func flag(_ key: String) throws(AWSFactsError) -> Bool {
    guard let value = value[key] else { return false }
    guard let flag = value.bool else { throw error(key, "expected true or false") }
    return flag
  }

  /// A list of texts, which is empty where it is left out.
  func texts(_ key: String) throws(AWSFactsError) -> [String] {
    guard let value = value[key] else { return [] }
    let texts = value.array?.compactMap(\.string)
    guard let texts, texts.count == value.array?.count else {
      throw error(key, "expected a list of texts")
    }
    return texts
  }

  /// The members of an object that must be there.
  func members(_ key: String) throws(AWSFactsError) -> [(String, JSONValue)] {
    guard let object = value[key]?.object else { throw error(key, "expected an object") }
    return object.members.map { ($0.key, $0.value) }
  }

  /// The objects in an object that may be left out.
  func nodes(_ key: String) throws(AWSFactsError) -> [(name: String, node: AWSFactsNode)] {
    guard value[key] != nil else { return [] }
    return try members(key).map { ($0.0, AWSFactsNode($0.1, "\(place(key)).\($0.0)")) }
  }

  /// A word of a closed set.
  func word<Word: RawRepresentable & CaseIterable>(
    _ key: String,
    _ type: Word.Type
  ) throws(AWSFactsError) -> Word? where Word.RawValue == String {
    guard let text = try optionalText(key) else { return nil }
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(key, "expected one of \(words); found \"\(text)\"")
    }
    return word
  }
}
