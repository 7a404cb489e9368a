import ArgumentParser
import Foundation
import JSON
import Model
import Operations

/// How a Kubernetes cluster asks a server before it takes an object.
struct WebhookOptions: ParsableArguments {
  /// What a cluster does with an object while nobody answers.
  enum FailurePolicy: String, CaseIterable {
    case ignore, fail
  }

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --install: what the cluster does while the server does not answer; default: ignore, "
        + "which takes objects undecided.",
      valueName: "ignore|fail"
    ),
    transform: { try word($0, FailurePolicy.self) }
  )
  var failurePolicy: FailurePolicy?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With --install: for how many seconds the cluster waits, 1 to 30; default: 5.",
      valueName: "seconds"
    )
  )
  var webhookTimeout: Int?

  @Option(
    name: .customLong("leave-out"),
    help: ArgumentHelp(
      "With --install: a namespace that is not asked about, beside kube-system; may be repeated. "
        + "Default: plumbline, which should be that of a server in the cluster.",
      valueName: "namespace"
    )
  )
  var leftOut: [String] = []

  @Option(
    name: .customLong("resource"),
    help: ArgumentHelp(
      "With --install: more to ask about, as GROUP/RESOURCE; may be repeated.",
      valueName: "resource"
    )
  )
  var resources: [String] = []

  func validate() throws {
    if let webhookTimeout, !(1...30).contains(webhookTimeout) {
      throw ValidationError("--webhook-timeout expects 1 to 30 seconds, not \(webhookTimeout)")
    }
    for name in leftOut where name.wholeMatch(of: /[a-z0-9]([-a-z0-9]*[a-z0-9])?/) == nil {
      throw ValidationError("--leave-out \"\(name)\" is no name of a namespace")
    }
    for name in resources where name.wholeMatch(of: /[a-z0-9.-]*\/[a-z0-9*\/]+/) == nil {
      throw ValidationError(
        "--resource expects GROUP/RESOURCE such as example.org/databases or /secrets, not "
          + "\"\(name)\""
      )
    }
  }

  /// The options that were given.
  var given: [String] {
    [
      failurePolicy.map { _ in "--failure-policy" },
      webhookTimeout.map { _ in "--webhook-timeout" },
      leftOut.isEmpty ? nil : "--leave-out", resources.isEmpty ? nil : "--resource",
    ].compactMap { $0 }
  }

  /// What rules look at.
  ///
  /// Secrets are not among them: they would leave the cluster.
  private static let usual: [(group: String, resources: [String])] = [
    (
      "",
      [
        "pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers", "namespaces",
        "serviceaccounts", "services",
      ]
    ),
    ("apps", ["deployments", "statefulsets", "daemonsets", "replicasets"]),
    ("batch", ["jobs", "cronjobs"]),
    ("networking.k8s.io", ["ingresses", "networkpolicies"]),
    (
      "rbac.authorization.k8s.io",
      ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]
    ),
  ]

  /// The webhook configurations as YAML.
  func manifests(_ server: ServerOptions, cluster: String) throws -> String {
    let (address, key) = try server.guarded()
    let part = APISketch.encoded(cluster)
    let shown = GateKey.admission.derived(from: key.revealed)
    let authorities = try server.authorities.bundle.map { try textFile($0) }
    func webhook(_ step: String, _ operations: [String], _ more: [String]) -> [String] {
      let name = step == "mutate" ? "templates" : "guardrails"
      var lines = [
        "apiVersion: admissionregistration.k8s.io/v1",
        "kind: \(step == "mutate" ? "Mutating" : "Validating")WebhookConfiguration",
        "metadata:",
        "  name: plumbline-\(name)",
        "webhooks:",
        "- name: \(name).plumbline.local",
        "  admissionReviewVersions: [v1]",
        "  sideEffects: None",
        "  timeoutSeconds: \(webhookTimeout ?? 5)",
        "  failurePolicy: \(failurePolicy == .fail ? "Fail" : "Ignore")",
        "  matchPolicy: Equivalent",
      ]
      lines += more.map { "  \($0)" }
      lines += ["  clientConfig:", "    url: \(address)/admission/\(part)/\(shown)/\(step)"]
      if let authorities {
        lines.append("    caBundle: \(Data(authorities.utf8).base64EncodedString())")
      }
      let spaces = (["kube-system"] + (leftOut.isEmpty ? ["plumbline"] : leftOut)).joined(
        separator: ", "
      )
      lines += [
        "  namespaceSelector:", "    matchExpressions:",
        "    - key: kubernetes.io/metadata.name", "      operator: NotIn",
        "      values: [\(spaces)]", "  rules:",
      ]
      for (group, resources) in groups {
        lines += [
          "  - apiGroups: [\"\(group)\"]", "    apiVersions: [\"*\"]",
          "    operations: [\(operations.joined(separator: ", "))]",
          "    resources: [\(resources.map { "\"\($0)\"" }.joined(separator: ", "))]",
          "    scope: \"*\"",
        ]
      }
      return lines
    }
    let lines =
      webhook("mutate", ["CREATE"], ["reinvocationPolicy: IfNeeded"]) + ["---"]
      + webhook("validate", ["CREATE", "UPDATE"], [])
    return lines.joined(separator: "\n") + "\n"
  }

  /// What is asked about, by group.
  private var groups: [(group: String, resources: [String])] {
    Self.usual
      + resources.map { name in
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), [String(parts[1])])
      }
  }
}
