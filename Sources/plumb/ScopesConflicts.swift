import ArgumentParser
import JSON
import Model
import Operations
import Store

struct ScopesConflicts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conflicts",
    abstract: "Lists scopes that overlap, and attachments that contradict each other.",
    discussion: """
      Two attachments of one profile contradict each other when they share resources and ask for
      different versions or parameters. Exit code 1 says that some do.

      Example: plumb scopes conflicts --format json
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var at: InstantOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let now = try at.instant()
      let found = try await store.openForReading().read { try ScopeConflicts($0, at: now) }
      output.show(found.json, found.lines)
      if !found.conflicts.isEmpty { throw Exit.failed }
    }
  }
}

extension ScopeConflicts {
  fileprivate var lines: [String] {
    var lines = columns(
      overlaps.map {
        ["overlap", "\($0.first) and \($0.second)", "\(counted($0.count, "resource")) shared"]
      }
    )
    for conflict in conflicts {
      let (first, second) = (conflict.first, conflict.second)
      lines.append(
        "conflict  \(first.profile) on \(scopeText(first.scope)) (attachment \(first.id)) and on "
          + "\(scopeText(second.scope)) (attachment \(second.id)), "
          + "\(counted(conflict.count, "resource")) shared"
      )
      lines += conflict.differences.map { "    \($0)" }
    }
    lines.append("\(counted(overlaps.count, "overlap")), \(counted(conflicts.count, "conflict"))")
    return lines
  }
}
