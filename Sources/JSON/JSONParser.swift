internal import CSimdjson

/// What is wrong with a JSON text.
package enum JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text is not JSON; the parser's own explanation.
  case malformed(String)
  /// A number is not written as JSON's are, or is beyond what 64 bits hold.
  case number
  /// An object names the member twice.
  case duplicateKey(String)
  /// The text is nested deeper than the parser's limit of levels.
  case tooDeep(limit: Int)
  /// There is no text.
  case empty

  /// The fault in words.
  package var description: String {
    switch self {
    case .malformed(let text): "not valid JSON: \(text)"
    case .number: "a number is malformed or beyond what 64 bits hold"
    case .duplicateKey(let key): "duplicate key \"\(key)\" in one object"
    case .tooDeep(let limit): "nested deeper than \(limit) levels"
    case .empty: "empty where a JSON document is expected"
    }
  }
}

/// Parses, and so validates, JSON with simdjson.
///
/// A parser owns its memory and reuses it; it serves one thread at a time.
@safe package final class JSONParser {
  private let parser: OpaquePointer

  /// Bytes that must be readable behind the end of a buffer given to ``withTape(of:_:)``.
  package static let padding = Int(plumb_padding)

  /// How many levels a document may be nested.
  package static let depthLimit = 512

  /// A parser without memory of its own yet.
  package init() {
    guard let parser = unsafe plumb_parser_create(Self.depthLimit) else {
      preconditionFailure("out of memory")
    }
    unsafe self.parser = parser
  }

  deinit { unsafe plumb_parser_destroy(parser) }

  /// Parses one document behind which ``padding`` bytes are readable, and lends out its tape.
  package func withTape<Result>(
    of text: UnsafeBufferPointer<UInt8>,
    _ body: (Tape) throws -> Result
  ) throws -> Result {
    guard let start = text.baseAddress, text.count > 0 else { throw JSONError.empty }
    var document = unsafe plumb_document()
    let code = unsafe plumb_parse(parser, start, text.count, &document)
    guard code == 0 else { throw Self.error(code) }
    return try unsafe body(document.tape)
  }

  /// Parses the documents that stand one after another in a buffer, and lends out each tape.
  ///
  /// The body receives the tape and the document's offset in the buffer. What comes back is the
  /// error that ended the stream early, or nil.
  package func eachTape(
    of text: UnsafeBufferPointer<UInt8>,
    _ body: (Tape, Int) throws -> Void
  ) rethrows -> JSONError? {
    guard let start = text.baseAddress, text.count > 0 else { return nil }
    let begun = unsafe plumb_stream_begin(parser, start, text.count)
    guard begun == 0 else { return Self.error(begun) }
    var document = unsafe plumb_document()
    while true {
      let code = unsafe plumb_stream_next(parser, &document)
      if code == -1 { return nil }
      guard code == 0 else { return Self.error(code) }
      try unsafe body(document.tape, document.offset)
    }
  }

  /// Parses a text of any kind of bytes into a value that owns its memory.
  package func parse(_ text: some Collection<UInt8>) throws -> JSONValue {
    var padded: [UInt8] = []
    padded.reserveCapacity(text.count + Self.padding)
    padded.append(contentsOf: text)
    // A byte order mark is no JSON, but some editors write one.
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    if padded.starts(with: mark) { padded.removeFirst(mark.count) }
    let count = padded.count
    padded.append(contentsOf: repeatElement(0, count: Self.padding))
    return try unsafe padded.withUnsafeBufferPointer { buffer in
      let body = unsafe UnsafeBufferPointer(rebasing: buffer[..<count])
      return try unsafe withTape(of: body) { tape in unsafe try tape.value(tape.root) }
    }
  }

  /// How many line ends a text holds.
  package static func lineEnds(in text: UnsafeBufferPointer<UInt8>) -> Int {
    unsafe plumb_count_lines(text.baseAddress, text.count)
  }

  /// How many bytes stand before the first line end, or all of them where there is none.
  package static func lineLength(of text: UnsafeBufferPointer<UInt8>) -> Int {
    unsafe plumb_line_length(text.baseAddress, text.count)
  }

  /// What simdjson found, told by the sentence that it has for each of its codes.
  private static func error(_ code: Int32) -> JSONError {
    let text = unsafe String(cString: plumb_error_text(code)).lowercased()
    if text.contains("depth") || text.contains("nested") { return .tooDeep(limit: depthLimit) }
    if text.contains("number") || text.contains("does not fit") { return .number }
    if text.contains("structure") {
      return .malformed("a comma, bracket, name or value is missing or one too many")
    }
    // simdjson ends its sentences and sometimes adds advice for its own callers.
    return .malformed(String(text.prefix { $0 != "." }))
  }
}

extension JSONValue {
  /// Parses a JSON text.
  package init(parsing text: String) throws { self = try JSONParser().parse(text.utf8) }
}
