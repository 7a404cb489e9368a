/// A body of several parts, as forms with files are sent (RFC 7578).
enum Multipart {
  /// A field, or a file with its name.
  struct Part: Sendable {
    var name: String
    var file: String?
    var bytes: [UInt8]
  }

  /// The parts of a body; nil where it is not made so.
  static func parts(_ body: [UInt8], boundary: String) -> [Part]? {
    guard !boundary.isEmpty, boundary.utf8.count <= 70 else { return nil }
    let mark = Array("\r\n--\(boundary)".utf8)
    // The first mark stands without a line before it.
    let bytes = Array("\r\n".utf8) + body
    var parts: [Part] = []
    var from = bytes.firstRange(of: mark)?.upperBound
    while let start = from {
      let rest = bytes[start...]
      if rest.starts(with: "--".utf8) { return parts }
      guard rest.starts(with: "\r\n".utf8), let end = rest.firstRange(of: mark),
        let part = part(rest[start..<end.lowerBound].dropFirst(2))
      else { return nil }
      parts.append(part)
      from = end.upperBound
    }
    return nil
  }

  private static func part(_ bytes: ArraySlice<UInt8>) -> Part? {
    guard let gap = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
    let head = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
    let lines = head.split(separator: "\r\n")
    guard
      let line = lines.first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
      let name = line.firstMatch(of: /[; ]name="([^"]*)"/)
    else { return nil }
    let file = line.firstMatch(of: /[; ]filename="([^"]*)"/).map { String($0.1) }
    return Part(name: String(name.1), file: file, bytes: Array(bytes[gap.upperBound...]))
  }
}
