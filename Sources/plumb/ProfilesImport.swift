import ArgumentParser
import Collectors
import Content
import Engine
import Foundation
import Model
import Operations

struct ProfilesImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes a profile of an OSCAL catalog or profile, or of another product's CSV.",
    discussion: """
      Takes identifiers, titles and the rules that a catalog of ours names; statements and guidance
      are not read. A control without a rule becomes manual, with a reason. Rules that are named but
      not there are listed with their places.

      Examples:
        plumb profiles import catalog.json --output house/profiles/nist.yaml
        plumb profiles import moderate.json --catalog catalog.json --id nist-moderate
        plumb profiles import controls.csv --output house/profiles/ours.yaml
      """
  )

  @Argument(help: ArgumentHelp("The file to read; - is standard input.", valueName: "file"))
  var file: String

  @Option(
    name: .long,
    help: "oscal-catalog, oscal-profile, csv or yaml; default: what the file's content shows."
  )
  var format: ProfileFormat?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The catalog that an OSCAL profile selects from; may be repeated, one for each import.",
      valueName: "file"
    )
  )
  var catalog: [String] = []

  @Option(name: .long, help: "The profile's id; default: made of the file's own or its title.")
  var id: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The day from which the profile holds; default: the file's, or today.",
      valueName: "day"
    )
  )
  var effectiveDate: String?

  @Option(
    name: [.long, .short],
    help: ArgumentHelp("The file to write; default: standard output.", valueName: "file")
  )
  var output: String?

  @OptionGroup var content: ContentOptions

  func validate() throws {
    if let effectiveDate, !ProfileDecoder.isDay(effectiveDate) {
      throw ValidationError("--effective-date expects a day, YYYY-MM-DD, not \"\(effectiveDate)\"")
    }
  }

  func run() async throws {
    try await reporting {
      let library = try content.library()
      let index = try RuleIndex(library.rules())
      let importer = ProfileImporter(
        id: id,
        day: effectiveDate,
        today: timeOfDay().day,
        rule: { index[$0]?.id }
      )
      let result = try importer.read(
        read(file),
        as: format,
        catalogs: catalog.map(read),
        profiles: library.profiles()
      )
      try write(result.profile.yaml, to: output)
      for note in result.notes { complain("warning: \(note)") }
      try tell(result.profile, library)
    }
  }

  /// Reads a file of bounded size.
  private func read(_ path: String) throws -> ProfileImporter.File {
    let bytes = try BoundedFile.read(path, limit: ProfileImporter.sizeLimit)
    let name = path == "-" ? "standard input" : path
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw InputError.unreadable(name, reason: "cannot be read as UTF-8 text")
    }
    return ProfileImporter.File(name: name, text: text)
  }

  /// Tells what was made and how it comes into use.
  private func tell(_ profile: Profile, _ library: ContentLibrary) throws {
    let manual = profile.controls.filter(\.isManual).count
    complain(
      "\(profile.id) \(profile.version): \(counted(profile.controls.count, "control")), "
        + "\(profile.controls.count - manual) with rules, \(manual) manual"
    )
    if try library.profiles().contains(where: { $0.id == profile.id }) {
      complain("there is a profile \(profile.id) already; in an overlay this one replaces it")
    }
    guard let output else { return }
    let folder = URL(fileURLWithPath: output).deletingLastPathComponent()
    let isOverlay = folder.lastPathComponent == "profiles"
    let overlay = isOverlay ? folder.deletingLastPathComponent().relativePath : "FOLDER"
    if !isOverlay { complain("next: put it into FOLDER/profiles") }
    complain("next: plumb profiles coverage \(profile.id) --content \(overlay)")
  }
}
