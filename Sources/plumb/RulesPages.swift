import ArgumentParser
import Content
import Foundation
import Operations
import Reports

struct RulesPages: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pages",
    abstract: "Writes a Markdown page per rule, and an index per provider.",
    discussion: """
      A page says what the rule requires and why, how to meet it, which controls use it, and shows
      its cases as examples. The same documents give the same pages; pages of rules that are gone are
      not removed.

      Examples:
        plumb rules pages --output docs/rules
        plumb rules pages --content house/ --output /srv/wiki/rules
      """
  )

  @OptionGroup var source: RuleSource

  @Option(
    name: [.long, .short],
    help: ArgumentHelp("The folder for the pages; it is made where there is none.")
  )
  var output: String

  func run() async throws {
    try await reporting {
      let rules = try source.read()
      let pages = RulePages(
        rules,
        cases: try source.cases(for: rules),
        profiles: try source.content.library().profiles()
      ).files
      let folder = URL(fileURLWithPath: output)
      for page in pages {
        let file = folder.appendingPathComponent(page.path)
        do {
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(),
            withIntermediateDirectories: true
          )
          try Data(page.text.utf8).write(to: file, options: .atomic)
        } catch {
          throw InputError.unreadable(file.path, reason: "cannot be written")
        }
      }
      print("wrote \(pages.count) pages into \(output)")
    }
  }
}
