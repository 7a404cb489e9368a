import ArgumentParser
import Content
import Model
import Operations
import Store

struct ProfilesRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a profile of one's own that no attachment uses, or one version of it.",
    discussion: """
      What an attachment asks for, or asked for while it held, stays: what it came to is shown by it.

      Examples:
        plumb profiles remove house-rules
        plumb profiles remove house-rules@2 --server https://plumb.example
      """
  )

  @OptionGroup var change: ChangeOptions
  @OptionGroup var content: ContentOptions

  @Argument(help: "The profile's id, or id@version.")
  var id: String

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch.change("DELETE", "profiles", id) { _ in ["profile \(id) is removed"] }
      if try await change.answers(
        local: content.given,
        { sketch.matching(.current(sketch.path)) }
      ) {
        return
      }
      let (shipped, now) = (try content.library().profiles(), try change.at.instant())
      let removed = try await change.write(at: now) { transaction in
        try KeptProfiles(shipped, transaction).remove(id, at: now)
      }
      for name in removed { print("profile \(name) is removed") }
    }
  }
}

extension StoreOptions {
  /// The newest versions of the profiles that the store keeps beside others; none where there is no store.
  func keptProfiles(beside others: [Profile]) async throws -> [Profile] {
    let known = Set(others.map(\.id))
    guard let data = try await openIfThere() else { return [] }
    return try await data.read { try KeptProfiles(others, $0).all() }.filter {
      !known.contains($0.id)
    }
  }

  /// A profile that the store keeps, by its id or `id@version`; nil for one of the others, or none.
  func keptProfile(_ name: String, beside others: [Profile]) async throws -> Profile? {
    guard !others.contains(where: { $0.id == name }), let data = try await openIfThere() else {
      return nil
    }
    return try await data.read { try KeptProfiles(others, $0).profile(name) }
  }
}
