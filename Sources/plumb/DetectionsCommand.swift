import ArgumentParser
import Content
import Foundation
import Insights
import JSON
import Model

struct DetectionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detections",
    abstract: "Lists detections for audit logs, and tests them by their cases.",
    subcommands: [DetectionsList.self, DetectionsTest.self]
  )
}

struct DetectionsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists detections with level, log source and ATT&CK techniques.",
    discussion: """
      Examples:
        plumb detections list
        plumb detections list --log-source aws/cloudtrail --level high
        plumb detections list --detections sigma/rules/cloud --format json
      """
  )

  @OptionGroup var chosen: DetectionOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Only those for a log source.", valueName: "product/service")
  )
  var logSource: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Only those of a level or above: informational, low, medium, high or critical.",
      valueName: "level"
    )
  )
  var level = FindingSeverity.informational

  @OptionGroup var format: FormatOptions

  func run() async throws {
    try await reporting {
      let (set, _) = try chosen.compile(logSource: nil)
      let wanted = logSource?.lowercased()
      let entries = set.entries.filter { entry in
        entry.note.severity >= level
          && (wanted.map { name in entry.sources.contains { $0 == name || $0.hasPrefix(name + "/") }
          } ?? true)
      }
      if entries.isEmpty, let logSource {
        let known = Set(set.entries.flatMap(\.sources)).sorted().joined(separator: ", ")
        throw ValidationError(
          "there is no detection for \"\(logSource)\"; there are some for \(known)"
        )
      }
      format.list(
        entries,
        "detection",
        cells: { entry in
          [
            entry.note.name ?? entry.note.id, entry.note.severity.rawValue,
            entry.sources.joined(separator: " "), entry.note.techniques.joined(separator: " "),
            entry.note.title,
          ]
        },
        json: { entry in
          var object: JSONObject = ["id": .string(entry.note.id)]
          object["name"] = entry.note.name.map(JSONValue.string)
          object["title"] = .string(entry.note.title)
          object["level"] = .string(entry.note.severity.rawValue)
          object["log_sources"] = .array(entry.sources.map(JSONValue.string))
          object["kind"] = .string(entry.kind)
          object["tags"] = .array(entry.note.tags.map(JSONValue.string))
          object["techniques"] = .array(entry.note.techniques.map(JSONValue.string))
          return .object(object)
        }
      )
    }
  }
}

struct DetectionsTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Runs detections against their cases.",
    discussion: """
      A case stands in NAME.cases.yaml beside its detection and says which records are to match. Prints \
      each case that comes out otherwise, and detections that have none.

      Examples:
        plumb detections test
        plumb detections test house/detections/

      Exit codes: 0 all came out as they say, 1 some did not or a detection has no cases, 2 something could not be read.
      """
  )

  @OptionGroup var content: ContentOptions

  @Argument(
    help: ArgumentHelp(
      "Detections with their cases, files or folders; the shipped ones when left out.",
      valueName: "file-or-folder"
    )
  )
  var paths: [String] = []

  func run() async throws {
    try await reporting {
      let library = try content.library()
      let sources = try library.logSources().map { try LogSource($0) }
      let folders =
        paths.isEmpty ? [library.folder.appendingPathComponent("detections").path] : paths
      let reader = SigmaReader()
      let nodes = try folders.flatMap { try ContentLibrary.detections(under: $0) }
      let set = try DetectionSet(nodes.map { try reader.document($0) }, for: sources)
      var covered: Set<String> = []
      var (count, failures) = (0, 0)
      func tell(_ lines: String...) {
        failures += 1
        for line in lines { print(line.withoutControls) }
      }
      for node in try folders.flatMap({ try ContentLibrary.detectionCases(under: $0) }) {
        let (detection, cases) = try DetectionCase.read(node)
        covered.insert(detection)
        for example in cases {
          count += 1
          let found = DetectionRun.found(in: example, set, sources)
          let place = "\(example.location): \(detection): \(example.name)"
          if found.contains("unread") {
            tell(place, "  a record is of no log source that is known")
          } else if found.contains(detection) != example.matches {
            let outcome = example.matches ? "a match, got none" : "no match, got one"
            tell(place, "  expected \(outcome)")
          }
        }
      }
      let names = Set(set.entries.flatMap { [$0.note.id, $0.note.name ?? $0.note.id] })
      for name in covered.subtracting(names).sorted() { tell("\(name): cases of no detection") }
      for entry in set.entries
      where !covered.contains(entry.note.id) && !covered.contains(entry.note.name ?? "") {
        tell("\(entry.note.name ?? entry.note.id): has no cases")
      }
      print(
        "\(counted(set.entries.count, "detection")), \(counted(count, "case")), \(failures) not as expected"
      )
      if failures > 0 { throw Exit.failed }
    }
  }
}
