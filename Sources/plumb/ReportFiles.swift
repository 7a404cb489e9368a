import ArgumentParser
import Content
import Engine
import Model
import Operations
import YAML

/// The files beside a report: the exceptions that it counts, and where it goes.
struct ReportFiles: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Exceptions: a YAML file, see docs/exceptions.md.", valueName: "file")
  )
  var exceptions: String?

  @Option(
    name: [.long, .short],
    help: ArgumentHelp("Write the report to a file.", valueName: "file")
  )
  var output: String?

  /// The exceptions of the file, by the rules' own ids; none where no file is named.
  func readExceptions(_ index: RuleIndex) throws -> [Exception] {
    guard let exceptions else { return [] }
    let document = try YAMLReader().document(textFile(exceptions), file: exceptions)
    var found = try Exception.list(document)
    for place in found.indices {
      guard let rule = index[found[place].rule] else {
        throw DocumentError(
          "there is no rule \"\(found[place].rule)\"",
          key: "exceptions[\(place)].rule",
          at: found[place].location
        )
      }
      found[place].rule = rule.id
    }
    return found
  }

  /// Writes a report to the file, or to standard output.
  func write(_ render: (_ write: ([UInt8]) throws -> Void) throws -> Void) throws {
    guard let output else {
      return try render { try OutputFile.standardOutput.write($0) }
    }
    let file = try SpoolWriter(replacing: output, permissions: 0o644)
    try render { try file.append($0) }
    try file.finish()
    complain("wrote \(output)")
  }
}
