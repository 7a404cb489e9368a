import ArgumentParser
import Foundation
import Model
import SQLiteDriver
import Store

/// Reading what is kept, as of an instant.
struct ReadOptions: ParsableArguments {
  @OptionGroup var store: StoreOptions
  @OptionGroup var at: InstantOptions
  @OptionGroup var server: ServerOptions

  /// Lets a server answer, if one is meant; with `heedsInstant` as of the instant that was given.
  func answers(
    _ format: ListFormat = .text,
    heedsInstant: Bool = false,
    _ sketch: () throws -> APISketch
  ) async throws -> Bool {
    let instant = try at.given()
    let context = ServerOptions.Context(
      local: store.given,
      unheard: heedsInstant ? [] : at.options,
      format: format.ofRows
    )
    return try await server.answers(context) {
      heedsInstant ? try sketch().asOf(instant) : try sketch()
    }
  }

  /// Reads, all from one state; `body` is told the instant as of which the command answers.
  func read<R: Sendable>(
    _ body: @Sendable @escaping (StoreTransaction, Instant) throws -> R
  ) async throws -> R {
    try server.refuseUnanswered()
    let now = try at.instant()
    return try await store.openForReading().read { try body($0, now) }
  }
}

/// Changing what is kept, as somebody and as of an instant.
struct ChangeOptions: ParsableArguments {
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions
  @OptionGroup var at: InstantOptions
  @OptionGroup var server: ServerOptions

  /// Lets a server make the change, if one is meant.
  func answers(
    unheard: [String] = [],
    local: [String] = [],
    _ sketch: () throws -> APISketch
  ) async throws -> Bool {
    try await server.answers(context(unheard, local), sketch)
  }

  /// Lets a server make several changes, if one is meant.
  func answers(_ sketches: () throws -> [APISketch]) async throws -> Bool {
    try await server.answers(context([], []), sketches)
  }

  private func context(_ unheard: [String], _ local: [String]) -> ServerOptions.Context {
    ServerOptions.Context(
      local: store.given + local,
      unheard: at.options + unheard,
      actor: person.given
    )
  }

  /// Changes, at the instant that the command needed before, if it did; kept whole or not at all.
  func write<R: Sendable>(
    at now: Instant? = nil,
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    try server.refuseUnanswered()
    let now = try now ?? at.instant()
    if try await !store.isThere() {
      // What is refused leaves no database behind where there was none.
      try await TrialStore.write(as: person.actor, at: now, body)
    }
    return try await store.open().write(as: person.actor, at: now, body)
  }
}

/// A database that lasts as long as it is tried whether a change is refused.
private enum TrialStore {
  static func write<R: Sendable>(
    as actor: String,
    at now: Instant,
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-\(UUID().uuidString)")
    try makeFolder(folder.path)
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try await DataStore(try SQLiteDatabase(folder.path + "/plumb.sqlite"))
    _ = try await store.write(as: actor, at: now, body)
  }
}
