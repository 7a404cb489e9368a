import CExpat

/// An element of an XML document that was read to its end.
struct XMLTree: Sendable {
  /// The name without the prefix of a namespace.
  let name: String
  /// Names, with their prefixes, and values.
  let attributes: [(name: String, value: String)]
  /// The text of an element that holds no other; else empty.
  fileprivate(set) var text = ""
  fileprivate(set) var children: [XMLTree] = []

  fileprivate init(name: String, attributes: [(name: String, value: String)]) {
    self.name = name
    self.attributes = attributes
  }

  /// Reads a whole document.
  ///
  /// - Throws: ``XMLError`` for anything but one well-formed document without declarations of its own.
  init(parsing text: [UInt8]) throws(XMLError) { self = try XMLReader().tree(of: text) }

  /// The first child with a name.
  subscript(name: String) -> XMLTree? { children.first { $0.name == name } }

  /// The children with a name; nil where there are none.
  func all(_ name: String) -> [XMLTree]? {
    let found = children.filter { $0.name == name }
    return found.isEmpty ? nil : found
  }
}

/// Why an XML text is not read.
enum XMLError: Error, Equatable, CustomStringConvertible {
  /// The text is not XML, or ends early; the parser's own explanation.
  case malformed(String)
  /// The text declares a document type, which could name entities and files.
  case declaration
  case tooDeep(limit: Int)

  /// The fault in words.
  var description: String {
    switch self {
    case .malformed(let reason): "not well-formed XML: \(reason)"
    case .declaration: "XML with a document type, which is not taken"
    case .tooDeep(let limit): "XML nested deeper than \(limit) levels"
    }
  }
}

/// Builds a tree from what expat reports.
@safe private final class XMLReader {
  private static let depthLimit = 100

  /// The elements that are open, the root first.
  private var open: [XMLTree] = []
  private var root: XMLTree?
  private var failure: XMLError?
  private let parser: XML_Parser

  init() throws(XMLError) {
    guard let parser = unsafe XML_ParserCreate(nil) else {
      throw .malformed("there is no memory for a parser")
    }
    unsafe self.parser = parser
  }

  deinit { unsafe XML_ParserFree(parser) }

  func tree(of text: [UInt8]) throws(XMLError) -> XMLTree {
    guard let count = Int32(exactly: text.count) else { throw .malformed("too large") }
    listen()
    let status = unsafe text.withUnsafeBytes { bytes in
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      return unsafe XML_Parse(parser, start, count, 1)
    }
    if let failure { throw failure }
    guard status == XML_STATUS_OK, let root else {
      let code = unsafe XML_GetErrorCode(parser)
      throw .malformed(unsafe XML_ErrorString(code).map { unsafe String(cString: $0) } ?? "unknown")
    }
    return root
  }

  private func listen() {
    unsafe XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
    unsafe XML_SetElementHandler(
      parser,
      { context, name, attributes in
        guard let reader = unsafe XMLReader.from(context), let name = unsafe name else { return }
        unsafe reader.begin(name, attributes)
      },
      { context, _ in unsafe XMLReader.from(context)?.end() }
    )
    unsafe XML_SetCharacterDataHandler(parser) { context, text, count in
      guard let reader = unsafe XMLReader.from(context), let text = unsafe text else { return }
      unsafe reader.take(UnsafeRawBufferPointer(start: text, count: Int(count)))
    }
    unsafe XML_SetStartDoctypeDeclHandler(parser) { context, _, _, _, _ in
      unsafe XMLReader.from(context)?.stop(.declaration)
    }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> XMLReader? {
    unsafe context.map { unsafe Unmanaged<XMLReader>.fromOpaque($0).takeUnretainedValue() }
  }

  private func stop(_ error: XMLError) {
    failure = failure ?? error
    _ = unsafe XML_StopParser(parser, 0)
  }

  private func begin(
    _ name: UnsafePointer<CChar>,
    _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) {
    guard open.count < Self.depthLimit else { return stop(.tooDeep(limit: Self.depthLimit)) }
    var pairs: [(name: String, value: String)] = []
    var next = unsafe attributes
    while let name = unsafe next?[0], let value = unsafe next?[1] {
      unsafe pairs.append((String(cString: name), String(cString: value)))
      unsafe next = next?.advanced(by: 2)
    }
    // What stood before the first child is only there for the eye.
    if !open.isEmpty { open[open.count - 1].text = "" }
    open.append(XMLTree(name: Self.local(unsafe String(cString: name)), attributes: pairs))
  }

  private func end() {
    guard let element = open.popLast() else { return }
    if open.isEmpty {
      root = element
    } else {
      open[open.count - 1].children.append(element)
    }
  }

  private func take(_ text: UnsafeRawBufferPointer) {
    guard !open.isEmpty, open[open.count - 1].children.isEmpty else { return }
    unsafe open[open.count - 1].text += String(decoding: text, as: UTF8.self)
  }

  private static func local(_ name: String) -> String {
    guard let colon = name.utf8.firstIndex(of: 0x3A) else { return name }
    return String(name[name.index(after: colon)...])
  }
}
