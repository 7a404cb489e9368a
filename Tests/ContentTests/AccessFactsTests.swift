import Collectors
import Content
import Model
import Testing

/// What means access to compute resources, as shipped.
struct AccessFactsTests {
  @Test func `every kind that access is shown for is read by a collector`() throws {
    let facts = try ContentLibrary.shipped().access()
    #expect(facts.map(\.provider) == ["aws", "ibm"])
    let read = Set(try AWSCatalog().kinds.map(\.kind) + IBMCatalog().kinds.map(\.kind))
    for provider in facts {
      #expect(Set(provider.kinds.map(\.kind)).count == provider.kinds.count)
      #expect(read.isSuperset(of: provider.kinds.map(\.kind)), "\(provider.provider)")
      #expect(read.isSuperset(of: provider.principals), "\(provider.provider)")
    }
  }

  @Test func `AWS's rights are actions, IBM's are ends of role ids`() throws {
    let ends = #/(role|serviceRole):[A-Z][A-Za-z]+/#
    let actions = #/[a-z0-9-]+:[A-Z][A-Za-z0-9]+/#
    for facts in try ContentLibrary.shipped().access() {
      let rights = facts.kinds.flatMap { $0.rights.values.flatMap { $0 } }
      #expect(rights.count > 8)
      for name in rights.map(\.name) {
        let isWhole =
          facts.provider == "aws"
          ? name.wholeMatch(of: actions) != nil : name.wholeMatch(of: ends) != nil
        #expect(isWhole, "\(name)")
      }
    }
  }
}
