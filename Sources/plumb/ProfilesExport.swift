import ArgumentParser
import Content
import Foundation
import JSON
import Model
import Operations

struct ProfilesExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a profile as an OSCAL catalog, an OSCAL profile, or YAML.",
    discussion: """
      The catalog holds the controls with the rules that judge them; the OSCAL profile imports the
      catalog and sets the rules' parameters. The same profile gives the same bytes.

      Examples:
        plumb profiles export cis-aws --format oscal-catalog --output cis-aws.catalog.json
        plumb profiles export cis-aws --format oscal-profile --output cis-aws.profile.json
        plumb profiles export cis-aws --format yaml --output house/profiles/cis-aws.yaml
      """
  )

  @Argument(help: "The profile's id, or a file.")
  var id: String

  @OptionGroup var content: ContentOptions

  @Option(name: .long, help: "oscal-catalog, oscal-profile or yaml.")
  var format: ProfileFormat = .oscalCatalog

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where the OSCAL profile finds its catalog; default: ID.catalog.json beside it.",
      valueName: "address"
    )
  )
  var catalog: String?

  @Option(
    name: [.long, .short],
    help: ArgumentHelp("The file to write; default: standard output.", valueName: "file")
  )
  var output: String?

  func validate() throws {
    if format == .csv {
      throw ValidationError("--format expects oscal-catalog, oscal-profile or yaml, not csv")
    }
    if let catalog, format != .oscalProfile {
      throw ValidationError("--catalog \(catalog) belongs to --format oscal-profile")
    }
    if let catalog, catalog.isEmpty || catalog.contains(where: \.isWhitespace) {
      throw ValidationError("--catalog expects an address without spaces, not \"\(catalog)\"")
    }
  }

  func run() async throws {
    try await reporting {
      let profile = try GoalOptions.profile(named: id, in: content.library())
      let writer = OSCALWriter(profile)
      switch format {
      case .oscalCatalog: try write(writer.catalog.text + "\n", to: output)
      case .oscalProfile:
        let address = catalog ?? "\(profile.id).catalog.json"
        try write(writer.profile(importing: address).text + "\n", to: output)
        if output != nil, catalog == nil {
          complain(
            "it imports \(address); plumb profiles export \(id) --format oscal-catalog writes that"
          )
        }
      case .csv, .yaml: try write(profile.yaml, to: output)
      }
    }
  }
}

extension ProfileFormat: ExpressibleByArgument {}

/// Writes a text to a file, whose folder is made where there is none, or to standard output.
func write(_ text: String, to output: String?) throws {
  guard let output else { return try OutputFile.standardOutput.write(Array(text.utf8)) }
  let file = URL(fileURLWithPath: output)
  do {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try Data(text.utf8).write(to: file, options: .atomic)
  } catch {
    throw InputError.unreadable(output, reason: "cannot be written")
  }
  complain("wrote \(output)")
}
