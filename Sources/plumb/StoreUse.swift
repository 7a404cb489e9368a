import ArgumentParser
import Model
import Store

/// Reading what is kept, as of an instant.
struct ReadOptions: ParsableArguments {
  @OptionGroup var store: StoreOptions
  @OptionGroup var at: InstantOptions

  /// Reads, all from one state; `body` is told the instant as of which the command answers.
  func read<R: Sendable>(
    _ body: @Sendable @escaping (StoreTransaction, Instant) throws -> R
  ) async throws -> R {
    let now = try at.instant()
    return try await store.openForReading().read { try body($0, now) }
  }
}

/// Changing what is kept, as somebody and as of an instant.
struct ChangeOptions: ParsableArguments {
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions
  @OptionGroup var at: InstantOptions

  /// Changes, at the instant that the command needed before, if it did; kept whole or not at all.
  func write<R: Sendable>(
    at now: Instant? = nil,
    _ body: @Sendable @escaping (StoreTransaction) throws -> R
  ) async throws -> R {
    let now = try now ?? at.instant()
    return try await store.open().write(as: person.actor, at: now, body)
  }
}
