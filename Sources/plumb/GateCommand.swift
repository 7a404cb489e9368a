import ArgumentParser
import Collectors
import Content
import Model

struct GateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Decides whether resources may be created or changed as described.",
    discussion: """
      Guardrails say what is refused, warned of or only recorded, and where. They are those laid on
      scopes (plumb guardrails), here or with --server; or those of a file; or profiles and rules
      named by options. Each rule is the same that scans judge by. See docs/guardrails.md.

      Exit codes: 0 allowed, warnings or not; 1 refused; 2 something could not be read or decided.
      """,
    subcommands: [
      GateTerraform.self, GateCloudFormation.self, GateKubernetes.self, GateRunTask.self,
    ]
  )
}

struct GateTerraform: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "terraform",
    abstract: "Decides about Terraform sources, plans and states before they are applied.",
    discussion: """
      What is read is what plumb scan terraform reads.

      Examples:
        plumb gate terraform plan.json --account 123456789012
        plumb gate terraform infrastructure/ --guardrails guardrails.yaml --format github
        plumb gate terraform main.tf --profile cis-aws --enforcement warn
        plumb gate terraform plan.json --server https://plumb.example.com --format sarif
      """
  )

  @OptionGroup var gate: GateOptions
  @OptionGroup var source: TerraformSource

  func run() async throws {
    try await reporting {
      let library = try gate.goals.content.library()
      try await gate.decide(
        try source.collector(library),
        library,
        subject: source.paths,
        gate: "terraform"
      )
    }
  }
}

struct GateCloudFormation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cloudformation",
    abstract: "Decides about CloudFormation templates before they are deployed.",
    discussion: """
      What is read is what plumb scan cloudformation reads. A change set (aws cloudformation
      describe-change-set) tells account, region, parameters and what is added or changed, of which
      alone is decided then; the template is the one that the change set was made of.

      Examples:
        plumb gate cloudformation template.yaml --change-set change-set.json
        plumb gate cloudformation template.yaml --account 123456789012 --region eu-central-1
        plumb gate cloudformation app.yaml --parameter Stage=prod --format junit --output gate.xml
      """
  )

  @OptionGroup var gate: GateOptions
  @OptionGroup var source: CloudFormationSource

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Decide about what a change set adds or changes: the JSON of describe-change-set.",
      valueName: "file"
    )
  )
  var changeSet: String?

  func run() async throws {
    try await reporting {
      let library = try gate.goals.content.library()
      let changes = try changeSet.map { try CloudFormationChangeSet(file: $0) }
      if changes != nil, source.templates.count != 1 {
        throw ValidationError("--change-set goes with one template, the one that it was made of")
      }
      var gate = gate
      gate.account = gate.account ?? changes?.account
      try await gate.decide(
        try source.collector(library, account: gate.account ?? "", changes: changes),
        library,
        subject: source.templates,
        gate: "cloudformation",
        mayBeEmpty: changes != nil
      )
    }
  }
}
