import ArgumentParser
import Collectors
import Engine
import JSON
import Model

struct CollectorsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collectors",
    abstract: "Tells what collectors read, and what they must be allowed to.",
    subcommands: [CollectorsPolicy.self, CollectorsKinds.self]
  )
}

/// The collectors that read from a provider.
enum LiveCollector: String, ExpressibleByArgument, CaseIterable {
  case aws
}

struct CollectorsPolicy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Prints the least permissions for what is read.",
    discussion: """
      For AWS this is an IAM policy document. With --profile it allows what the profile's goals
      need, and nothing else.

      Examples:
        plumb collectors policy aws --profile cis-aws > policy.json
        plumb collectors policy aws
      """
  )

  @Argument(help: "The provider: aws.")
  var provider: LiveCollector

  @OptionGroup var goals: GoalOptions

  func run() async throws {
    try await reporting {
      let catalog = try AWSCatalog()
      var kinds = catalog.kinds
      var needs: [ResourceKind: Set<String>] = [:]
      if goals.isChosen {
        needs = catalog.needs(of: try goals.choose().ruleSet.members.map(\.rule))
        kinds = kinds.filter { needs[$0.kind] != nil }
      }
      print(try AWSPolicy(kinds, details: needs, catalog.facts).document.indented)
    }
  }
}

struct CollectorsKinds: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kinds",
    abstract: "Lists the kinds of resources that a collector reads, and the calls it makes.",
    discussion: """
      Examples:
        plumb collectors kinds aws
      """
  )

  @Argument(help: "The provider: aws.")
  var provider: LiveCollector

  func run() async throws {
    try await reporting {
      let rows = try AWSCatalog().kinds.sorted { $0.kind < $1.kind }.map { kind in
        ["\(kind.kind)", kind.isGlobal ? "global" : "regional", kind.operations.joined(separator: ", ")]
      }
      print(columns(rows).joined(separator: "\n"))
    }
  }
}
