import Foundation
package import Model

extension ContentLibrary {
  /// The properties that are known of kinds beside what rules ask about.
  package func properties() throws -> [PropertyFacts] {
    try nodes("properties").flatMap { node in try PropertyFacts.all(node) }
  }
}
