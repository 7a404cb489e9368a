import Model
import Store
import Synchronization

/// What the workers of one scan share: what was stored before, and which resources were met.
final class ScanKnowledge: Sendable {
  let index: StateIndex
  let plan: StoredPlan
  /// The verdicts of resources whose verdicts can change while they do not.
  let verdicts: [Int64: String]
  private let state: Mutex<State>

  private struct State {
    /// Whether the resource at each place of the index was met.
    var met: [Bool]
    var newKeys: Set<Fingerprint> = []
    var accounts: [AccountName: Int64]
    var kinds: [ResourceKind: Int64]
  }

  struct AccountName: Hashable, Sendable {
    var provider: String
    var account: String
  }

  /// What a store knows; `seen` are the numbers that finished tasks met already.
  init(_ transaction: StoreTransaction, _ plan: StoredPlan, seen: Set<Int64>) throws {
    self.plan = plan
    index = StateIndex(try transaction.stateEntries())
    verdicts = try transaction.volatileVerdicts()
    let accounts = try transaction.accounts().values.map {
      (AccountName(provider: $0.provider, account: $0.account), $0.id)
    }
    let kinds = try transaction.kinds().map { ($1, $0) }
    state = Mutex(
      State(
        met: seen.isEmpty
          ? Array(repeating: false, count: index.entries.count)
          : index.entries.map { seen.contains($0.resource) },
        accounts: Dictionary(accounts) { first, _ in first },
        kinds: Dictionary(kinds) { first, _ in first }
      )
    )
  }

  /// Notes that a known resource was met; false where it was met before.
  func meet(_ place: Int) -> Bool {
    state.withLock { state in
      defer { state.met[place] = true }
      return !state.met[place]
    }
  }

  /// Notes that a new resource was met; false where it was met before.
  func meet(new key: Fingerprint) -> Bool {
    state.withLock { $0.newKeys.insert(key).inserted }
  }

  /// The numbers of accounts and kinds, those that are new made in the store.
  func numbers(
    accounts: Set<AccountName>,
    kinds: Set<ResourceKind>,
    _ store: DataStore,
    as actor: String,
    at now: Instant
  ) async throws -> (accounts: [AccountName: Int64], kinds: [ResourceKind: Int64]) {
    let (knownAccounts, knownKinds) = state.withLock { ($0.accounts, $0.kinds) }
    let newAccounts = accounts.filter { knownAccounts[$0] == nil }
    let newKinds = kinds.filter { knownKinds[$0] == nil }
    guard !newAccounts.isEmpty || !newKinds.isEmpty else { return (knownAccounts, knownKinds) }
    let found = try await store.write(as: actor, at: now) { transaction in
      (
        try newAccounts.map {
          ($0, try transaction.account(provider: $0.provider, account: $0.account))
        },
        try newKinds.map { ($0, try transaction.kind($0)) }
      )
    }
    return state.withLock { state in
      for (name, number) in found.0 { state.accounts[name] = number }
      for (kind, number) in found.1 { state.kinds[kind] = number }
      return (state.accounts, state.kinds)
    }
  }
}
