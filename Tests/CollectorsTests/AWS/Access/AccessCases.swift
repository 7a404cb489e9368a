import Foundation
import TestSupport
import Testing

/// AWS's own cases, which `script/aws-access-cases` downloads.
enum AccessCases {
  static let folder = Fixtures.root.appendingPathComponent(".build/aws-access-cases")

  /// The bytes of a file.
  static func bytes(_ path: String) throws -> [UInt8] {
    let url = folder.appendingPathComponent(path)
    let comment: Comment = "\(path) is missing; script/prepare --tests downloads it"
    return Array(try #require(try? Data(contentsOf: url), comment))
  }

  /// The text of a file.
  static func text(_ path: String) throws -> String {
    String(decoding: try bytes(path), as: UTF8.self)
  }

  /// The paths of all files below a folder whose names end so, without that end.
  static func all(_ below: String, ending: String) -> [String] {
    let root = folder.appendingPathComponent(below)
    let paths = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String }
    return (paths ?? []).filter { $0.hasSuffix(ending) }.map { String($0.dropLast(ending.count)) }
      .sorted()
  }
}
