import ArgumentParser
import Collectors
import Content

struct GateKubernetes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubernetes",
    abstract: "Decides about Kubernetes manifests, or prints what makes a cluster ask a server.",
    discussion: """
      What is read is what plumb scan kubernetes reads; --account is the cluster's name. With
      --install it reads nothing and prints webhook configurations, by which the cluster asks a
      server about each object before it takes it. They carry what is derived from the API key, which
      should be one of the role viewer, limited to the cluster.

      Examples:
        plumb gate kubernetes manifests/ --account prod-cluster
        helm template chart/ | plumb gate kubernetes - --profile cis-kubernetes --format github
        plumb gate kubernetes --install --server https://plumb.example.com --account prod-cluster \\
          --ca-bundle ca.pem | kubectl apply -f -
      """
  )

  @OptionGroup var gate: GateOptions
  @OptionGroup var webhook: WebhookOptions

  @Flag(name: .long, help: "Print the webhook configurations of a cluster.")
  var install = false

  @Argument(help: ArgumentHelp("Files or folders, - for standard input.", valueName: "path"))
  var paths: [String] = []

  func validate() throws {
    guard install else {
      if let option = webhook.given.first { throw ValidationError("\(option) needs --install") }
      guard !paths.isEmpty else {
        throw ValidationError("name manifests, - for standard input, or --install")
      }
      return
    }
    guard paths.isEmpty else { throw ValidationError("--install reads no manifests") }
    guard gate.goals.given.isEmpty, gate.guardrails == nil else {
      throw ValidationError("with --install the guardrails of the server decide")
    }
  }

  func run() async throws {
    try await reporting {
      if install {
        guard let cluster = gate.account, !cluster.isEmpty else {
          throw ValidationError(
            "--install needs --account: the name by which scopes know the cluster"
          )
        }
        return print(try webhook.manifests(gate.server, cluster: cluster), terminator: "")
      }
      try await gate.decide(
        KubernetesCollector(
          paths: paths,
          cluster: gate.account ?? "",
          tellsUnreadNamespaces: true
        ),
        try gate.goals.content.library(),
        subject: paths,
        gate: "kubernetes"
      )
    }
  }
}
