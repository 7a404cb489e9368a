import ArgumentParser
import JSON
import Model
import Operations
import Store

struct TemplatesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "templates",
    abstract: "Keeps templates: defaults that resources take when they are created.",
    subcommands: [
      TemplatesAdd.self, TemplatesList.self, TemplatesShow.self, TemplatesRemove.self,
    ]
  )
}

struct TemplatesAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Keeps a template, or its next version.",
    discussion: """
      Examples:
        plumb templates add encrypted-buckets.yaml --label house
        plumb templates add encrypted-buckets.yaml --replace
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var document: OwnDocument

  @Flag(name: .long, help: "It is the next version of the template of its id.")
  var replace = false

  func run() async throws {
    try await reporting {
      let node = try document.node()
      let template = try Template(node, name: document.name(node))
      let (replace, labels) = (replace, Set(document.label).sorted())
      if try await change.answers({
        var body: JSONObject = ["id": .string(template.id), "document": node.json]
        if !labels.isEmpty { body["labels"] = .array(labels.map { .string($0) }) }
        let sketch =
          replace
          ? APISketch.change("PUT", "templates", template.id, body: .object(body)) {
            [$0.keptLine("template")]
          }
          : APISketch.change("POST", "templates", body: .object(body)) {
            [$0.keptLine("template")]
          }
        return replace ? sketch.matching(.current(sketch.path)) : sketch
      }) {
        return
      }
      let now = try change.at.instant()
      let kept = try await change.write(at: now) { transaction in
        let isThere = try transaction.documents(.template, at: now).contains {
          $0.name == template.id
        }
        try refuse(isThere, replace, "template", template.id)
        try GuardrailCheck.refuseShared(template, transaction, at: now)
        return try transaction.keep(template, labels: labels)
      }
      print(kept.json.keptLine("template"))
    }
  }
}

struct TemplatesList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists templates.",
    discussion: "Example: plumb templates list"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(noun: "template", columns: ["id", "version", "title", "labels"])
      if try await records.answers(output.format, { APISketch.list("templates", show: list) }) {
        return
      }
      let found = try await records.read { try $0.documents(.template, at: $1) }
      output.list(
        found,
        "template",
        cells: {
          [
            $0.name, "\($0.version)", $0.json["title"]?.cell ?? "",
            $0.labels.joined(separator: ", "),
          ]
        },
        json: \.json
      )
    }
  }
}

struct TemplatesShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a template: its target and defaults.",
    discussion: "Example: plumb templates show encrypted-buckets"
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var output: FormatOptions

  @Argument(help: "The template's id.")
  var id: String

  func run() async throws {
    try await reporting {
      let id = id
      if try await records.answers(output.format, { APISketch("GET", "templates", id) }) { return }
      let found = try await records.read { transaction, now -> JSONValue in
        guard
          let kept = try transaction.documents(.template, at: now).first(where: { $0.name == id })
        else { throw StoreError.notFound(kind: "template", name: id) }
        return kept.json
      }
      output.show(found, found.memberLines)
    }
  }
}

struct TemplatesRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a template, and the guardrails that lay it on scopes.",
    discussion: "Example: plumb templates remove encrypted-buckets"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The template's id.")
  var id: String

  func run() async throws {
    try await reporting { try await removeDocument(.template, id, change) }
  }
}
