package import Foundation
package import Model
import YAML

/// The documents in use: rules with their cases, profiles, Terraform mappings.
///
/// The shipped ones lie in a folder beside the binary, so that content can be read, and replaced,
/// without a build. Overlays, an operator's own folders of the same form, add rules and profiles; a
/// document replaces that of the same id in the layers below.
package struct ContentLibrary: Sendable {
  /// The folder that holds `rules`, `profiles` and `terraform`.
  package let folder: URL
  /// The folders that hold `rules`, `profiles` or `detections`, the uppermost last.
  package let overlays: [String]

  /// A library in a folder.
  package init(folder: URL) {
    self.folder = folder
    overlays = []
  }

  private init(folder: URL, overlays: [String]) {
    self.folder = folder
    self.overlays = overlays
  }

  /// The library with overlays.
  ///
  /// - Throws: ``ContentError/noOverlay(_:)`` for a folder without `rules`, `profiles` and
  ///   `detections`.
  package func with(overlays paths: [String]) throws -> ContentLibrary {
    for path in paths {
      let parts = ["rules", "profiles", "detections"].map { Self.join(path, $0) }
      if !parts.contains(where: Self.isFolder) { throw ContentError.noOverlay(path) }
    }
    return ContentLibrary(folder: folder, overlays: paths)
  }

  /// The library that commands work with: the shipped one with overlays.
  ///
  /// Without overlays named, those of `PLUMB_OVERLAY`, separated by colons.
  package static func layered(
    _ overlays: [String] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws -> ContentLibrary {
    let named = (environment["PLUMB_OVERLAY"] ?? "").split(separator: ":").map(String.init)
    return try shipped(environment: environment).with(overlays: overlays.isEmpty ? named : overlays)
  }

  /// The library that belongs to the running binary, without overlays.
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
      candidates = Installation.folders(of: "Content")
    }
    for folder in candidates {
      let rules = folder.appendingPathComponent("rules").path
      if FileManager.default.fileExists(atPath: rules) { return ContentLibrary(folder: folder) }
    }
    throw ContentError.notFound(candidates.map(\.path))
  }

  /// Every rule, each id once.
  package func rules() throws -> [Rule] { try layeredRules().map(\.document) }

  /// Every profile, sorted by id.
  package func profiles() throws -> [Profile] { try layeredProfiles().map(\.document) }

  /// Every rule with where it comes from.
  package func layeredRules() throws -> [Layered<Rule>] {
    var layers = [try Self.rules(under: Self.join(folder.path, "rules"))]
    layers += try overlayFolders("rules").map { try Self.rules(in: Self.documents(under: $0)) }
    return try Layered.merge(layers, id: { $0.id }, location: { $0.source })
  }

  /// Every profile with where it comes from, sorted by id; those that extend another are whole.
  package func layeredProfiles() throws -> [Layered<Profile>] {
    let shelf = try shelf()
    let merged = try Layered<ProfileShelf.Entry>
      .merge(shelf.layers, id: { $0.id }, location: { $0.node.location })
    return try merged.map { entry in
      Layered(document: try shelf.profile(entry.document), origin: entry.origin)
    }.sorted { $0.document.id < $1.document.id }
  }

  /// The profile of a document that the library does not hold, but may extend one of it.
  package func profile(_ node: DocumentNode) throws -> Profile { try shelf().profile(node) }

  private func shelf() throws -> ProfileShelf {
    let folders = [Self.join(folder.path, "profiles")] + overlayFolders("profiles")
    return try ProfileShelf(folders.map { try Self.documents(under: $0).map(Self.node) })
  }

  /// The cases of the library's rules, by rule id.
  ///
  /// A rule's cases stand in its own layer or above it; those of a rule that it replaces are left
  /// out.
  package func cases(for rules: [Rule]) throws -> [String: [RuleCase]] {
    let folders = [Self.join(folder.path, "rules")] + overlayFolders("rules")
    // By the folder that a rule was read from, which the name of its file begins with.
    let layers = Dictionary(
      rules.map { rule in
        (rule.id, folders.lastIndex { rule.source.file.hasPrefix($0 + "/") } ?? 0)
      },
      uniquingKeysWith: { first, _ in first }
    )
    var cases: [String: [RuleCase]] = [:]
    for (layer, folder) in folders.enumerated() {
      for (id, found) in try Self.cases(under: folder, for: rules) where layer >= layers[id] ?? 0 {
        cases[id, default: []] += found
      }
    }
    return cases
  }

  /// The folders of a name that the overlays have.
  func overlayFolders(_ subfolder: String) -> [String] {
    overlays.map { Self.join($0, subfolder) }.filter(Self.isFolder)
  }

  /// Whether a folder, or a link to one, is at a path.
  static func isFolder(_ path: String) -> Bool {
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    return (try? url.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true
  }

  static func join(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  /// The shipped documents of a subfolder, as nodes.
  package func nodes(_ subfolder: String) throws -> [DocumentNode] {
    try Self.documents(under: Self.join(folder.path, subfolder)).map(Self.node)
  }

  /// The rules of a file or of a folder and all below it.
  ///
  /// - Throws: ``DocumentError`` for a document that is no rule, ``ContentError`` for a path that
  ///   holds none.
  package static func rules(under path: String) throws -> [Rule] {
    let rules = try rules(in: documents(under: path))
    if rules.isEmpty { throw ContentError.noRules(path) }
    return rules
  }

  private static func rules(in files: [String]) throws -> [Rule] {
    try files.filter { !isCases($0) }.map { file in
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

  static func isCases(_ file: String) -> Bool {
    ["yaml", "yml", "json"].contains { file.hasSuffix(".cases.\($0)") }
  }

  /// The YAML and JSON files at or below a path, sorted; their names begin as the path does.
  static func documents(under path: String) throws -> [String] {
    let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
    guard let values = try? url.resourceValues(forKeys: [.isDirectoryKey]) else {
      throw ContentError.missing(path)
    }
    guard values.isDirectory == true else { return [path] }
    let found = FileManager.default.enumerator(atPath: url.path)
    var files: [String] = []
    while let name = found?.nextObject() as? String {
      if ["yaml", "yml", "json"].contains(URL(fileURLWithPath: name).pathExtension) {
        files.append(join(path, name))
      }
    }
    return files.sorted()
  }

  static func node(_ file: String) throws -> DocumentNode {
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
  case noDetections(String)
  case noOverlay(String)
  case unreadable(String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .notFound(let paths):
      "nothing is at \(paths.joined(separator: " or ")); PLUMB_CONTENT names a content folder"
    case .missing(let path): "\(path): No such file or directory"
    case .noRules(let path): "\(path): holds no rule documents (.yaml, .yml, .json)"
    case .noDetections(let path): "\(path): holds no detections (.yaml, .yml)"
    case .noOverlay(let path):
      "\(path): is no content folder: it holds no folder rules, profiles or detections"
    case .unreadable(let path): "\(path): cannot be read as UTF-8 text"
    }
  }
}
