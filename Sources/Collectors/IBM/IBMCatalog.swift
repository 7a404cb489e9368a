import Foundation
package import Model
import YAML

/// What is known about IBM Cloud: the kinds of resources and how its APIs are asked.
package struct IBMCatalog: Sendable {
  package let kinds: [APIKind]
  package let facts: IBMFacts

  /// The catalogue of `resources.yaml` and `operations.yaml`.
  ///
  /// - Throws: ``DocumentError`` for a broken entry, ``IBMCatalogError`` where a file is missing.
  package init() throws {
    facts = try IBMFacts(Self.document("operations.yaml"))
    let node = try Self.document("resources.yaml")
    guard case .sequence(let entries) = node.value else {
      throw DocumentError("expected a list of kinds", key: "", at: node.location)
    }
    kinds = try entries.map { try APIKind($0) }
  }

  private static func document(_ name: String) throws -> DocumentNode {
    let folders = Installation.folders(of: "Collectors").map { $0.appendingPathComponent("ibm") }
    for folder in folders {
      let file = folder.appendingPathComponent(name)
      guard let data = try? Data(contentsOf: file) else { continue }
      return try YAMLReader().document(String(decoding: data, as: UTF8.self), file: file.path)
    }
    throw IBMCatalogError.missing(name, folders.map(\.path))
  }

  /// What the goals of rules need: the kinds that they read, and the members of each.
  package func needs(of rules: [Rule]) -> [ResourceKind: Set<String>] {
    let known = Set(kinds.map(\.kind))
    var needs: [ResourceKind: Set<String>] = [:]
    for rule in rules {
      for (kind, members) in rule.reads where known.contains(kind) {
        needs[kind, default: []].formUnion(members)
      }
    }
    return needs
  }
}

/// Why the catalogue cannot be read.
package enum IBMCatalogError: Error, Equatable, CustomStringConvertible {
  case missing(String, [String])

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .missing(let name, let folders):
      "\(name) is in none of \(folders.joined(separator: ", ")); install the data with the binary"
    }
  }
}
