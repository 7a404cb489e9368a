import ArgumentParser
import Collectors
import Content

struct ScanTerraform: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "terraform",
    abstract: "Judges Terraform sources, plans and states before they are applied.",
    discussion: """
      A folder is read as the root module that its .tf and .tf.json files make,
      with the modules that it calls from folders beside it; neither Terraform nor
      a network is needed. Of files of one folder only those named are read.
      Variables take their defaults, then terraform.tfvars, *.auto.tfvars,
      --var-file and --var. What only Terraform can know makes a verdict unknown.
      See docs/terraform.md.

      A plan knows more. It is what terraform show -json prints:
        terraform plan -out plan.out && terraform show -json plan.out > plan.json
      Values known only after apply make a verdict unknown; sensitive values are
      never read.

      Examples:
        plumb scan terraform infrastructure/
        plumb scan terraform main.tf --var environment=prod --format github
        plumb scan terraform plan.json --profile cis-aws --threshold high
        plumb scan terraform *.json --format sarif --output results.sarif
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var output: ScanOptions

  @OptionGroup var source: TerraformSource

  func run() async throws {
    try await reporting {
      let library = try goals.content.library()
      try await output.scan(
        try source.collector(library),
        goals,
        subject: source.paths,
        account: "",
        mappingsOf: library
      )
    }
  }
}

/// Terraform's sources, plans and states, which scans and gates read.
struct TerraformSource: ParsableArguments {
  @Option(
    name: .customLong("var-file"),
    help: ArgumentHelp(
      "Values of the sources' variables, .tfvars or .tfvars.json; may be repeated.",
      valueName: "file"
    )
  )
  var valueFiles: [String] = []

  @Option(
    name: .customLong("var"),
    help: ArgumentHelp(
      "The value of a variable of the sources, as NAME=VALUE; may be repeated.",
      valueName: "setting"
    )
  )
  var values: [String] = []

  @Argument(
    help: ArgumentHelp(
      "Folders or files of sources, plans or states, - for standard input.",
      valueName: "path"
    )
  )
  var paths: [String]

  /// A collector of them by the mappings of a library.
  func collector(_ library: ContentLibrary) throws -> TerraformCollector {
    TerraformCollector(
      files: paths,
      mappings: try library.nodes("terraform").map(TerraformMapping.init),
      inputs: TerraformInputs(files: valueFiles, values: try settings()),
      note: { complain($0) }
    )
  }

  private func settings() throws -> [(name: String, text: String)] {
    try values.map { setting in
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw ValidationError("--var expects NAME=VALUE, not \"\(setting)\"")
      }
      return (String(parts[0]), String(parts[1]))
    }
  }
}
