import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct ScopesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scopes",
    abstract: "Adds, shows and removes scopes: named sections of what is judged.",
    subcommands: [
      ScopesAdd.self, ScopesList.self, ScopesShow.self, ScopesRemove.self, ScopesConflicts.self,
    ]
  )
}

struct ScopesAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Adds a scope, or changes the one of that name from now on.",
    discussion: """
      A scope holds what any --include selects, less what any --exclude selects, within its
      parent; without --include it holds everything there. A selector is key=pattern, several of
      them set apart by commas: all must hold, several of one key stand for any of them. Keys are
      provider, account, region, group, service, kind, id, scope and tag:NAME; * and ? are
      wildcards. account also matches names and the account groups above.

      Examples:
        plumb scopes add production --include account=prod-* --exclude tag:env=test
        plumb scopes add payments --within production --include tag:app=pay,tag:app=ledger
        plumb scopes add europe --include region=eu-*,provider=aws --include provider=ibm
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(name: .long, help: ArgumentHelp("The scope that it is a part of.", valueName: "name"))
  var within = ""

  @Option(
    name: .long,
    help: ArgumentHelp("What it holds; may be repeated.", valueName: "selector")
  )
  var include: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("What it leaves out; may be repeated.", valueName: "selector")
  )
  var exclude: [String] = []

  @Argument(help: "The scope's name.")
  var name: String

  func run() async throws {
    try await reporting {
      guard !Scope.reserved.contains(name), !name.isEmpty, !name.contains(","),
        name == name.withoutControls,
        name.contains(where: { !$0.isWhitespace })
      else {
        throw ValidationError(
          "\"\(name)\" cannot name a scope: all and - stand for everything, new for a form, and a name has no comma"
        )
      }
      let scope = Scope(
        name: name,
        parent: scopeName(within),
        includes: try include.map { try Scope.Selector($0) },
        excludes: try exclude.map { try Scope.Selector($0) }
      )
      let body: JSONObject = [
        "parent": .string(scope.parent),
        "includes": .array(include.map { .string($0) }),
        "excludes": .array(exclude.map { .string($0) }),
      ]
      let sketch = APISketch.change("PUT", "scopes", name, body: .object(body)) { _ in
        ["scope \(name) is added, or changed from now on"]
      }
      if try await change.answers({ sketch.matching(.any) }) { return }
      let now = try change.at.instant()
      let isNew = try await change.write(at: now) { transaction in
        let isNew = try !transaction.scopes(at: now).contains { $0.name == scope.name }
        try transaction.put(scope)
        return isNew
      }
      print("scope \(name) is \(isNew ? "added" : "changed from now on")")
    }
  }
}

struct ScopesList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists scopes with how many resources are in them.",
    discussion: "Example: plumb scopes list --format json"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "scope",
        columns: ["name", "within=parent", "include=includes", "exclude=excludes"]
      )
      if try await records.answers(
        output.format,
        heedsInstant: true,
        { APISketch.list("scopes", show: list) }
      ) {
        return
      }
      let found = try await records.read { try ScopeSummary.all($0, at: $1) }
      output.list(found, "scope", cells: \.cells, json: \.json)
    }
  }
}

struct ScopesShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a scope: what it holds and leaves out, what is attached, what it overlaps.",
    discussion: "Example: plumb scopes show production"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  @Argument(help: "The scope's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let name = name
      if try await records.answers(output.format, { APISketch("GET", "scopes", name) }) { return }
      let overview = try await records.read { try ScopeOverview($0, of: name, at: $1) }
      output.show(overview.json, overview.lines)
    }
  }
}

struct ScopesRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a scope that nothing is attached to and no other scope names.",
    discussion: "Example: plumb scopes remove payments"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The scope's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let name = name
      let sketch = APISketch.change("DELETE", "scopes", name) { _ in ["scope \(name) is removed"] }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.removeScope(name) }
      print("scope \(name) is removed")
    }
  }
}

extension Scope {
  /// The definition on one line, for people.
  fileprivate var definitionText: String {
    var parts: [String] = []
    if !parent.isEmpty { parts.append("within \(parent)") }
    parts += includes.map { "include \($0.text)" } + excludes.map { "exclude \($0.text)" }
    return parts.isEmpty ? "everything" : parts.joined(separator: "; ")
  }

  fileprivate var json: JSONValue {
    [
      "name": .string(name), "within": parent.isEmpty ? .null : .string(parent),
      "include": .array(includes.map { .string($0.text) }),
      "exclude": .array(excludes.map { .string($0.text) }),
    ]
  }
}

extension ScopeSummary {
  fileprivate var cells: [String] {
    [
      scope.name, counted(count, "resource"), counted(attachments, "attachment"),
      scope.definitionText,
    ]
  }

  fileprivate var json: JSONValue {
    var object = scope.json.object ?? JSONObject()
    object["resources"] = .integer(Int64(count))
    object["attachments"] = .integer(Int64(attachments))
    return .object(object)
  }
}

extension ScopeOverview {
  fileprivate var json: JSONValue {
    var object = scope.json.object ?? JSONObject()
    for (key, value) in figures.members { object[key] = value }
    return .object(object)
  }

  fileprivate var lines: [String] {
    var lines = ["\(scope.name)  \(counted(count, "resource"))"]
    if !scope.parent.isEmpty { lines.append("within   \(scope.parent)") }
    lines += scope.includes.map { "include  \($0.text)" }
    lines += columns(
      exclusions.map { ["exclude  \($0.name)", "leaves out \(counted($0.count, "resource"))"] }
    )
    func section(_ title: String, _ rows: [[String]]) {
      guard !rows.isEmpty else { return }
      lines += ["", title] + columns(rows, indent: 2)
    }
    func rows(_ shares: [Share]) -> [[String]] {
      shares.map { [$0.name, counted($0.count, "resource")] }
    }
    section(
      "Holds",
      groups.map { group in
        [
          group.account.isEmpty ? "no account" : group.account,
          group.region.isEmpty ? "no region" : group.region, "\(group.kind)", "\(group.count)",
        ]
      }
    )
    section("Parts", rows(parts))
    section("Attached", attachments.map(\.cells))
    section("Overlaps, resources shared", rows(overlaps))
    return lines
  }
}
