import JSON

/// A part of AWS with accounts, regions and host names of its own, such as `aws` or `aws-cn`.
package struct AWSPartition: Sendable, Hashable {
  package let id: String
  package let dnsSuffix: String
  package let regions: Set<String>
  /// The region that answers where none is named.
  package let homeRegion: String
  /// What the names of its regions look like, also of those to come.
  let regionPattern: String

  init(_ id: String, _ facts: AWSFactsNode) throws(AWSFactsError) {
    self.id = id
    dnsSuffix = try facts.text("dnsSuffix")
    regions = Set(try facts.texts("regions"))
    homeRegion = try facts.text("globalRegion")
    regionPattern = try facts.text("regionRegex")
  }

  /// Whether a region is of this partition, known or yet to come.
  func contains(_ region: String) -> Bool {
    if regions.contains(region) { return true }
    guard let pattern = try? Regex(regionPattern) else { return false }
    return region.wholeMatch(of: pattern) != nil
  }
}
