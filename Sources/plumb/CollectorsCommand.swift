import ArgumentParser
import Collectors
import Engine
import JSON
import Model

struct CollectorsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collectors",
    abstract: "Tells what collectors read, and steers those that work away from the server.",
    subcommands: [
      CollectorsPolicy.self, CollectorsKinds.self, CollectorsCode.self, CollectorsList.self,
      CollectorsShow.self, CollectorsApprove.self, CollectorsStop.self, CollectorsScan.self,
    ]
  )
}

/// The collectors that read from a provider.
enum LiveCollector: String, ExpressibleByArgument, CaseIterable {
  case aws, ibm

  /// The kinds that are read.
  func kinds() throws -> [APIKind] {
    switch self {
    case .aws: try AWSCatalog().kinds
    case .ibm: try IBMCatalog().kinds
    }
  }

  /// What the goals of rules need: the kinds that they read, and the members of each.
  func needs(of rules: [Rule]) throws -> [ResourceKind: Set<String>] {
    switch self {
    case .aws: try AWSCatalog().needs(of: rules)
    case .ibm: try IBMCatalog().needs(of: rules)
    }
  }

  /// The least permissions for kinds, in the provider's own form.
  func policy(_ kinds: [APIKind], _ needs: [ResourceKind: Set<String>]) throws -> String {
    switch self {
    case .aws: try AWSPolicy(kinds, details: needs, AWSCatalog().facts).document.indented
    case .ibm: IBMPolicy(kinds, details: needs).commands
    }
  }
}

struct CollectorsPolicy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy",
    abstract: "Prints the least permissions for what is read.",
    discussion: """
      For AWS this is an IAM policy document, for IBM Cloud the commands that give an access group the
      rights. With --profile it allows what the profile's goals need, and nothing else.

      Examples:
        plumb collectors policy aws --profile cis-aws > policy.json
        plumb collectors policy ibm
      """
  )

  @Argument(help: "The provider: aws or ibm.")
  var provider: LiveCollector

  @OptionGroup var goals: GoalOptions

  func run() async throws {
    try await reporting {
      var kinds = try provider.kinds()
      var needs: [ResourceKind: Set<String>] = [:]
      if goals.isChosen {
        needs = try provider.needs(of: goals.choose().ruleSet.members.map(\.rule))
        kinds = kinds.filter { needs[$0.kind] != nil }
      }
      print(try provider.policy(kinds, needs))
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
        plumb collectors kinds ibm
      """
  )

  @Argument(help: "The provider: aws or ibm.")
  var provider: LiveCollector

  func run() async throws {
    try await reporting {
      let rows = try provider.kinds().sorted { $0.kind < $1.kind }.map { kind in
        [
          "\(kind.kind)", kind.isGlobal ? "global" : "regional",
          kind.operations.joined(separator: ", "),
        ]
      }
      print(columns(rows).joined(separator: "\n"))
    }
  }
}
