import Foundation
import JSON
package import Model
import YAML

/// What is known about AWS: the kinds of resources and the facts about the services' APIs.
package struct AWSCatalog: Sendable {
  package let kinds: [APIKind]
  package let facts: AWSFacts

  /// The catalogue of `resources.yaml` and `facts.json`.
  ///
  /// - Throws: ``DocumentError`` for a broken entry, ``InputError`` where a file is missing.
  package init() throws {
    let folders = Installation.folders(of: "Collectors", share: "aws")
    func data(_ name: String) throws -> (Data, path: String) {
      for folder in folders {
        let file = folder.appendingPathComponent(name)
        if let data = try? Data(contentsOf: file) { return (data, file.path) }
      }
      throw AWSCatalogError.missing(name, folders.map(\.path))
    }
    let (facts, _) = try data("facts.json")
    self.facts = try AWSFacts(try JSONParser().parse(Array(facts)))
    let (text, path) = try data("resources.yaml")
    let node = try YAMLReader().document(String(decoding: text, as: UTF8.self), file: path)
    guard case .sequence(let entries) = node.value else {
      throw DocumentError("expected a list of kinds", key: "", at: node.location)
    }
    kinds = try entries.map { try APIKind($0) }
  }

  /// The entry of a kind.
  package subscript(kind: ResourceKind) -> APIKind? { kinds.first { $0.kind == kind } }

  /// What the goals of rules need: the kinds that they read, and the members of each.
  package func needs(of rules: [Rule]) -> [ResourceKind: Set<String>] {
    var needs: [ResourceKind: Set<String>] = [:]
    for rule in rules {
      for (kind, members) in rule.reads where self[kind] != nil {
        needs[kind, default: []].formUnion(members)
      }
    }
    return needs
  }
}

/// Why the catalogue cannot be read.
package enum AWSCatalogError: Error, Equatable, CustomStringConvertible {
  case missing(String, [String])

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .missing(let name, let folders):
      "\(name) is in none of \(folders.joined(separator: ", ")); install the data with the binary"
    }
  }
}
