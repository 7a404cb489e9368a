import ArgumentParser
import Content
import Foundation
import Model
import Operations
import Operations

struct RulesNew: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Writes a rule and its cases to begin with; every line to change says EDIT.",
    discussion: """
      Writes FOLDER/ID.yaml and FOLDER/ID.cases.yaml. The rule can be read at once, and
      plumb rules test shows what each case still lacks. docs/authoring.md leads on from there.

      Examples:
        plumb rules new house.s3.bucket-owner-tag
        plumb rules new house.s3.bucket-owner-tag --folder house/rules
      """
  )

  @OptionGroup var content: ContentOptions

  @Option(name: .long, help: "The folder to write into; it is made where there is none.")
  var folder = "rules"

  @Argument(help: "The rule's id for ever: provider.service.name, lower case, digits and dashes.")
  var id: String

  func run() async throws {
    try await reporting {
      let parts = try Self.parts(of: id)
      try refuseTaken()
      let template = RuleTemplate(id: id, service: parts.count > 2 ? parts[1] : "EDIT-service")
      let path = folder.hasSuffix("/") ? String(folder.dropLast()) : folder
      let files = [
        ("\(path)/\(id).yaml", template.rule), ("\(path)/\(id).cases.yaml", template.cases),
      ]
      for (file, _) in files where FileManager.default.fileExists(atPath: file) {
        throw ValidationError("\(file) is there already; nothing is written")
      }
      for (file, text) in files {
        try writeNew(file, text)
        print("wrote \(file)")
      }
      print(
        """

        Next:
          1. In \(files[0].0) change every line that says EDIT.
          2. In \(files[1].0) give each case a configuration as the provider's API returns it.
          3. plumb rules test --rules \(path) \(id)
        """
      )
    }
  }

  /// The parts of an id.
  private static func parts(of id: String) throws -> [String] {
    let parts = id.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let isWritten = parts.allSatisfy { part in
      !part.isEmpty && part.first != "-" && part.last != "-"
        && part.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
    }
    guard isWritten, parts.count > 1, parts.last != "cases" else {
      throw ValidationError(
        "\"\(id)\" is no id for a rule; expected parts of lower-case letters, digits and dashes "
          + "with dots between them, such as house.s3.bucket-owner-tag"
      )
    }
    return parts
  }

  /// Refuses an id that a rule in use or of the folder has.
  private func refuseTaken() throws {
    // A neighbour that cannot be read does not hinder a new rule; plumb rules test tells of it.
    let neighbours = (try? ContentLibrary.rules(under: folder)) ?? []
    for rule in try content.library().rules() + neighbours
    where rule.id == id || rule.aliases.contains(id) {
      throw ValidationError(
        "the rule in \(rule.source.file) is called \(id) already; choose another id"
      )
    }
  }

  private func writeNew(_ file: String, _ text: String) throws {
    let url = URL(fileURLWithPath: file)
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: url, options: .withoutOverwriting)
    } catch {
      throw InputError.unreadable(file, reason: "cannot be written")
    }
  }
}

/// The documents that a new rule begins with.
private struct RuleTemplate {
  var id: String
  var service: String

  var rule: String {
    """
    id: \(id)
    version: 1                       # raise it when a verdict can change
    title: EDIT the good condition, such as "Bucket names its owner"
    status: draft                    # draft, stable, deprecated
    severity: medium                 # EDIT critical, high, medium, low
    target:
      service_name: \(service)       # EDIT as in an inventory: plumb rules list --format json shows
      resource_kind: EDIT-kind       # EDIT the targets of the rules there are
    required_config:
      description: EDIT what the resource's configuration must hold
      and:
        - { property: EDIT_property, operator: is_true }   # EDIT docs/rules.md lists the operators
    rationale: EDIT why it matters, in two or three sentences.
    remediation:
      text: EDIT what to do about a failure.
    references:
      - https://example.org/EDIT-the-page-that-documents-the-property

    """
  }

  var cases: String {
    """
    # A case is a resource and the verdict that the rule must give it. These three are not as expected
    # until both files are edited. Add a case for every way in which the rule could be wrong.
    rule: \(id)
    cases:
      - name: EDIT into a good one - set the property as the rule requires it
        verdict: pass
        configuration: {}
      - name: EDIT into a bad one - set the property to what the rule forbids
        verdict: fail
        configuration: { EDIT_property: true }
      - name: EDIT into an unreadable one - name the property under unread, with a reason
        verdict: unknown
        configuration: {}
        # unread: { EDIT_property: access denied }

    """
  }
}
