import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store
import YAML

struct AccountsImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Names and places many accounts at once: all of a file, or nothing of it.",
    discussion: """
      The file is YAML or JSON with a list of accounts, account groups and enterprises:

        nodes:
          - { account: acme, name: Acme }
          - { account: europe, parent: acme }
          - { account: "123456789012", provider: aws, name: Payments, parent: europe }

      Groups have no provider. What a node does not say stays as it is; parent '' puts it at the top.
      Accounts that are not known yet are made.

      Example: plumb accounts import tree.yaml
      """
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: ArgumentHelp("A YAML or JSON file; - for standard input.", valueName: "file"))
  var file: String

  func run() async throws {
    try await reporting {
      let text =
        file == "-"
        ? String(decoding: try FileHandle.standardInput.readToEnd() ?? Data(), as: UTF8.self)
        : try textFile(file)
      let name = file == "-" ? "standard input" : file
      let nodes = try AccountNode.list(YAMLReader().document(text, file: name))
      let sketch = APISketch.change(
        "POST",
        "accounts",
        "import",
        body: ["nodes": .array(nodes.map(\.json))]
      ) { [Self.text($0)] }
      if try await change.answers({ sketch }) { return }
      let outcome = try await change.write { try AccountImport(nodes).run($0) }
      print(Self.text(outcome.json))
    }
  }

  private static func text(_ outcome: JSONValue) -> String {
    ["added", "changed", "unchanged"].map { "\(outcome[$0]?.cell ?? "0") \($0)" }
      .joined(separator: ", ")
  }
}
