package import Model

/// A Markdown page per rule, and an index per provider and over all of them.
///
/// Pages hold nothing but what the documents say, so the same documents give the same pages.
package struct RulePages {
  private static let providers = [
    "aws": "Amazon Web Services", "azure": "Microsoft Azure", "gcp": "Google Cloud",
    "ibm": "IBM Cloud", "k8s": "Kubernetes", "linux": "Linux hosts",
  ]

  private let rules: [Rule]
  private let cases: [String: [RuleCase]]
  private let uses: [String: [RulePage.Use]]

  /// Pages of rules with their cases, by rule id, and the profiles that use them.
  package init(_ rules: [Rule], cases: [String: [RuleCase]], profiles: [Profile]) {
    self.rules = rules.sorted { $0.id < $1.id }
    self.cases = cases
    var names: [String: String] = [:]
    for rule in rules {
      for name in [rule.id] + rule.aliases { names[name] = rule.id }
    }
    var uses: [String: [RulePage.Use]] = [:]
    for profile in profiles.sorted(by: { $0.id < $1.id }) {
      for control in profile.controls {
        for rule in Set(control.goals.map { names[$0.rule] ?? $0.rule }) {
          uses[rule, default: []].append(RulePage.Use(profile: profile, control: control))
        }
      }
    }
    self.uses = uses
  }

  /// The path of a rule's page below the folder of the pages.
  package static func path(of id: String) -> String { "\(provider(of: id))/\(id).md" }

  /// Every page as its path below the folder of the pages, and its text; sorted by path.
  package var files: [(path: String, text: String)] {
    var files = [(path: "README.md", text: index)]
    for (provider, rules) in byProvider {
      files.append((path: "\(provider)/README.md", text: index(of: provider, rules)))
      for rule in rules {
        let page = RulePage(
          rule: rule,
          cases: cases[rule.id] ?? [],
          uses: uses[rule.id] ?? [],
          successor: rule.successor.map(link)
        )
        files.append((path: Self.path(of: rule.id), text: page.text))
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  private var byProvider: [(provider: String, rules: [Rule])] {
    Dictionary(grouping: rules) { Self.provider(of: $0.id) }
      .map { (provider: $0.key, rules: $0.value) }
      .sorted { $0.provider < $1.provider }
  }

  /// What an id begins with.
  private static func provider(of id: String) -> String {
    let provider = id.prefix { $0 != "." }
    return provider.isEmpty ? "other" : String(provider)
  }

  /// A link to a rule's page from another rule's page.
  private func link(_ id: String) -> String {
    guard rules.contains(where: { $0.id == id }) else { return "`\(id)`" }
    return "[\(Markdown.inline(id))](../\(Self.path(of: id)))"
  }

  private var index: String {
    var lines = ["# Rules", ""]
    lines.append("Written by `plumb rules pages`: a page changes with its rule's document.")
    lines += ["", "| provider | rules |", "|---|---|"]
    for (provider, rules) in byProvider {
      let name = Markdown.inline(Self.providers[provider] ?? provider)
      lines.append("| [\(name)](\(provider)/README.md) | \(rules.count) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func index(of provider: String, _ rules: [Rule]) -> String {
    var lines = ["# \(Markdown.inline(Self.providers[provider] ?? provider))", ""]
    lines.append("\(rules.count) rule\(rules.count == 1 ? "" : "s"), [all providers](../README.md)")
    let services = Dictionary(grouping: rules) { $0.target.kinds.first?.service ?? "" }
    for (service, rules) in services.sorted(by: { $0.key < $1.key }) {
      lines += ["", "## \(Markdown.inline(service))", ""]
      lines += ["| rule | severity | requires |", "|---|---|---|"]
      for rule in rules {
        let status = rule.status == .stable ? "" : " (\(rule.status.rawValue))"
        lines.append(
          "| [\(Markdown.inline(rule.id))](\(rule.id).md)\(status) | \(rule.severity.rawValue) "
            + "| \(Markdown.inline(rule.title)) |"
        )
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
