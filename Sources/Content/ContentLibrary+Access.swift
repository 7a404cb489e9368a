package import Model

extension ContentLibrary {
  /// What means access to compute resources, by provider.
  package func access() throws -> [ReachFacts] {
    try nodes("access").map { node in try ReachDecoder.facts(node) }
  }
}
