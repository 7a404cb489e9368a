import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct MarksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "marks",
    abstract: "Sets and lists marks: data kind and classification, owner, criticality.",
    subcommands: [MarksSet.self, MarksList.self]
  )
}

struct MarksSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Says of resources or a scope what their configuration does not tell.",
    discussion: """
      A resource's own mark counts before its scope's. Empty text removes a mark.

      Examples:
        plumb marks set --scope payments --data-kind customer --owner 'payments team'
        plumb marks set --resource 'arn:aws:s3:::ledger-*' --criticality critical
        plumb marks set --resource scratch --owner ''
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(
    name: .long,
    help: ArgumentHelp("The resource's id; * and ? are wildcards.", valueName: "pattern")
  )
  var resource: String?

  @Option(name: .long, help: ArgumentHelp("The scope.", valueName: "name"))
  var scope: String?

  @Option(
    name: .long,
    help: ArgumentHelp("Whose data it holds.", valueName: "customer|application|unclassified")
  )
  var dataKind: String?

  @Option(name: .long, help: ArgumentHelp("The class of the data.", valueName: "text"))
  var dataClassification: String?

  @Option(name: .long, help: ArgumentHelp("Who answers for it.", valueName: "text"))
  var owner: String?

  @Option(
    name: .long,
    help: ArgumentHelp("How much depends on it.", valueName: "critical|high|medium|low")
  )
  var criticality: String?

  func run() async throws {
    try await reporting {
      let subject: (kind: Mark.Subject, name: String)
      switch (resource, scope) {
      case (let resource?, nil): subject = (.resource, resource)
      case (nil, let scope?): subject = (.scope, scope)
      default: throw ValidationError("marks set expects either --resource or --scope")
      }
      guard !subject.name.isEmpty else {
        throw ValidationError("what is marked needs a name or a pattern; * is every resource")
      }
      let values: [(Mark.Kind, String?)] = [
        (.dataKind, dataKind), (.dataClassification, dataClassification), (.owner, owner),
        (.criticality, criticality),
      ]
      let marks = values.compactMap { kind, value in
        value.map { Mark(subject: subject.kind, name: subject.name, kind: kind, value: $0) }
      }
      guard !marks.isEmpty else {
        let options = Mark.Kind.allCases.map { "--\($0.rawValue)" }.sorted()
        throw ValidationError("marks set expects one of \(options.joined(separator: ", "))")
      }
      if try await change.answers({ marks.map(\.sketch) }) { return }
      try await change.write { transaction in
        for mark in marks { try transaction.set(mark) }
      }
      for mark in marks { print(mark.text.withoutControls) }
    }
  }
}

struct MarksList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the marks of resources and scopes.",
    discussion: "Example: plumb marks list --format json"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(noun: "mark", columns: ["subject", "name", "mark", "value"])
      if try await records.answers(
        output.format,
        heedsInstant: true,
        { APISketch.list("marks", show: list) }
      ) {
        return
      }
      let found = try await records.read { try $0.marks(at: $1) }.sorted {
        ($0.subject.rawValue, $0.name, $0.kind.rawValue)
          < ($1.subject.rawValue, $1.name, $1.kind.rawValue)
      }
      output.list(found, "mark", cells: \.cells, json: \.json)
    }
  }
}

extension Mark {
  /// The call that sets it, or removes it where it is empty.
  fileprivate var sketch: APISketch {
    let body: JSONValue? = value.isEmpty ? nil : ["value": .string(value)]
    let method = value.isEmpty ? "DELETE" : "PUT"
    return .change(method, "marks", subject.rawValue, kind.rawValue, body: body) { _ in [text] }
      .asking("name", name).matching(.any)
  }

  fileprivate var text: String {
    value.isEmpty
      ? "\(kind.rawValue) of \(subject.rawValue) \(name) is removed"
      : "\(kind.rawValue) of \(subject.rawValue) \(name) is \(value)"
  }

  fileprivate var cells: [String] { [subject.rawValue, name, kind.rawValue, value] }
}
