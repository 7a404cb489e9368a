package import Foundation
package import Model
import YAML

/// The shipped documents: rules with their cases, profiles, Terraform mappings.
///
/// They lie in a folder beside the binary, so that content can be read, and replaced, without a
/// build. An operator's own folder has the same form.
package struct ContentLibrary: Sendable {
  /// The folder that holds `rules`, `profiles` and `terraform`.
  package let folder: URL

  /// A library in a folder.
  package init(folder: URL) { self.folder = folder }

  /// The library that belongs to the running binary.
  ///
  /// Looks at `PLUMB_CONTENT`, beside the binary, and under `../share/plumb`.
  /// - Throws: ``ContentError/notFound(_:)`` when none of them is there.
  package static func shipped(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ContentLibrary {
    var candidates: [URL] = []
    if let named = environment["PLUMB_CONTENT"] {
      candidates = [URL(fileURLWithPath: named)]
    } else {
      let binary = executableFolder
      candidates = ["plumbline_Content.resources", "../share/plumb"].map {
        binary.appendingPathComponent($0)
      }
    }
    for folder in candidates {
      let rules = folder.appendingPathComponent("rules").path
      if FileManager.default.fileExists(atPath: rules) { return ContentLibrary(folder: folder) }
    }
    throw ContentError.notFound(candidates.map(\.path))
  }

  private static var executableFolder: URL {
    let path =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return URL(fileURLWithPath: path).deletingLastPathComponent()
  }

  /// Every shipped rule.
  package func rules() throws -> [Rule] {
    try Self.rules(under: folder.appendingPathComponent("rules").path)
  }

  /// Every shipped profile, sorted by id.
  package func profiles() throws -> [Profile] {
    try Self.documents(under: folder.appendingPathComponent("profiles").path).map { file in
      try ProfileDecoder.profile(try Self.node(file))
    }.sorted { $0.id < $1.id }
  }

  /// The cases of a folder's rules, by rule id.
  package func cases(for rules: [Rule]) throws -> [String: [RuleCase]] {
    try Self.cases(under: folder.appendingPathComponent("rules").path, for: rules)
  }

  /// The documents of a subfolder, as nodes.
  package func nodes(_ subfolder: String) throws -> [DocumentNode] {
    try Self.documents(under: folder.appendingPathComponent(subfolder).path).map(Self.node)
  }

  /// The rules of a file or of a folder and all below it.
  ///
  /// - Throws: ``DocumentError`` for a document that is no rule, ``ContentError`` for a path that
  ///   holds none.
  package static func rules(under path: String) throws -> [Rule] {
    let files = try documents(under: path).filter { !isCases($0) }
    if files.isEmpty { throw ContentError.noRules(path) }
    return try files.map { file in
      try RuleDecoder.rule(
        try node(file),
        name: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
      )
    }
  }

  /// The cases of a file or folder, by rule id.
  package static func cases(under path: String, for rules: [Rule]) throws -> [String: [RuleCase]] {
    var cases: [String: [RuleCase]] = [:]
    let byID = Dictionary(rules.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for file in try documents(under: path) where isCases(file) {
      let node = try node(file)
      let (id, found) = try RuleDecoder.cases(node) { id throws(DocumentError) in
        guard let rule = byID[id] else {
          throw DocumentError("there is no rule \"\(id)\"", key: "rule", at: node.location)
        }
        return rule
      }
      cases[id, default: []] += found
    }
    return cases
  }

  private static func isCases(_ file: String) -> Bool {
    ["yaml", "yml", "json"].contains { file.hasSuffix(".cases.\($0)") }
  }

  /// The YAML and JSON files at or below a path, sorted; their names begin as the path does.
  private static func documents(under path: String) throws -> [String] {
    let url = URL(fileURLWithPath: path)
    guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else {
      throw ContentError.missing(path)
    }
    guard values.isDirectory == true else { return [path] }
    let found = FileManager.default.enumerator(atPath: path)
    var files: [String] = []
    while let name = found?.nextObject() as? String {
      if ["yaml", "yml", "json"].contains(URL(fileURLWithPath: name).pathExtension) {
        files.append(path.hasSuffix("/") ? path + name : "\(path)/\(name)")
      }
    }
    return files.sorted()
  }

  private static func node(_ file: String) throws -> DocumentNode {
    guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
      throw ContentError.unreadable(file)
    }
    return try YAMLReader().document(text, file: file)
  }
}

/// Why content cannot be read.
package enum ContentError: Error, Equatable, CustomStringConvertible {
  case notFound([String])
  case missing(String)
  case noRules(String)
  case unreadable(String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .notFound(let paths):
      "nothing is at \(paths.joined(separator: " or ")); PLUMB_CONTENT names a content folder"
    case .missing(let path): "\(path): No such file or directory"
    case .noRules(let path): "\(path): holds no rule documents (.yaml, .yml, .json)"
    case .unreadable(let path): "\(path): cannot be read as UTF-8 text"
    }
  }
}
