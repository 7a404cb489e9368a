import ArgumentParser
import Collectors

struct ScanKubernetes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubernetes",
    abstract: "Judges Kubernetes manifests: files, folders, rendered Helm charts.",
    discussion: """
      All files are judged as one cluster, so a namespace is judged by the network policies of
      every file. A document that cannot be read is reported and the rest goes on.

      Examples:
        plumb scan kubernetes manifests/
        helm template chart/ | plumb scan kubernetes -
        plumb scan kubernetes manifests/ --format html --output report.html
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var output: ScanOptions

  @Option(name: .long, help: "The cluster's name, kept as the resources' account.")
  var cluster = ""

  @Argument(help: ArgumentHelp("Files or folders, - for standard input.", valueName: "path"))
  var paths: [String]

  func run() async throws {
    try await reporting {
      try await output.scan(
        KubernetesCollector(paths: paths, cluster: cluster),
        goals,
        subject: paths,
        account: cluster
      )
    }
  }
}
