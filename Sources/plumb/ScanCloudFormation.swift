import ArgumentParser
import Collectors
import Content

struct ScanCloudFormation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cloudformation",
    abstract: "Judges CloudFormation templates before they are deployed.",
    discussion: """
      Templates are JSON or YAML, as written, as cdk synth makes them, or as
      aws cloudformation get-template prints them. Parameters take their defaults unless --parameter
      gives a value; what is known only after deploy makes a verdict unknown. A change set names no
      properties: scan its template, or give both to plumb gate cloudformation.

      Examples:
        plumb scan cloudformation template.yaml
        plumb scan cloudformation network.yaml app.yaml --region eu-central-1 --account 123456789012
        plumb scan cloudformation app.yaml --parameter Stage=prod --format sarif --output app.sarif
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var output: ScanOptions

  @OptionGroup var source: CloudFormationSource

  func run() async throws {
    try await reporting {
      let library = try goals.content.library()
      try await output.scan(
        try source.collector(library, account: output.saving.account ?? ""),
        goals,
        subject: source.templates,
        account: "",
        mappingsOf: library
      )
    }
  }
}

/// CloudFormation's templates, which scans and gates read.
struct CloudFormationSource: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The region to deploy to, for AWS::Region.", valueName: "region")
  )
  var region = ""

  @Option(
    name: .customLong("parameter"),
    help: ArgumentHelp(
      "The value of a template's parameter, as NAME=VALUE; may be repeated.",
      valueName: "setting"
    )
  )
  var values: [String] = []

  @Argument(help: ArgumentHelp("Templates, - for standard input.", valueName: "template"))
  var templates: [String]

  /// A collector of them by the mappings of a library.
  func collector(
    _ library: ContentLibrary,
    account: String,
    changes: CloudFormationChangeSet? = nil
  ) throws -> CloudFormationCollector {
    var parameters = changes?.parameters ?? [:]
    for setting in values {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw ValidationError("--parameter expects NAME=VALUE, not \"\(setting)\"")
      }
      parameters[String(parts[0])] = String(parts[1])
    }
    return CloudFormationCollector(
      files: templates,
      mappings: try library.nodes("cloudformation").map(CloudFormationMapping.init),
      parameters: parameters,
      region: region.isEmpty ? changes?.region ?? "" : region,
      account: account,
      changes: changes,
      note: { complain($0) }
    )
  }
}
