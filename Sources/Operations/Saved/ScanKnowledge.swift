import Engine
import Model
import Store
import Synchronization

/// What the workers of one scan share: what was stored before, and which resources were met.
final class ScanKnowledge: Sendable {
  let index: StateIndex
  let plan: StoredPlan
  /// The ids of accounts and the kinds by number, as far as they were stored before the scan.
  let accountNames: [Int64: String]
  let kindNames: [Int64: ResourceKind]
  /// The verdicts of resources whose verdicts can change while they do not.
  let verdicts: [Int64: String]
  private let state: Mutex<State>

  private struct State {
    /// Whether the resource at each place of the index was met.
    var met: [Bool]
    var newKeys = FingerprintSet()
    /// The resources that counted for others, and the line of which chunk each was first met on.
    var counted: [Fingerprint: Line] = [:]
    var chunks = 0
    var numbers: Numbers
  }

  private struct Line: Equatable {
    var chunk: Int
    var offset: Int
  }

  struct AccountName: Hashable, Sendable {
    var provider: String
    var account: String

    /// The account of a resource, or the one that stands for none.
    init(_ resource: JudgedResource, defaultAccount: String) {
      provider = resource.provider
      account = resource.account.isEmpty ? defaultAccount : resource.account
    }

    init(provider: String, account: String) {
      self.provider = provider
      self.account = account
    }
  }

  /// Accounts and kinds by name.
  struct Numbers: Sendable {
    var accounts: [AccountName: Int64]
    var kinds: [ResourceKind: Int64]
  }

  /// What a store knows of an account, or of all; `seen` are the numbers that finished tasks met already.
  init(
    _ transaction: StoreTransaction,
    _ plan: StoredPlan,
    of account: String?,
    seen: [NumberSet]
  ) throws {
    self.plan = plan
    // Accounts of several providers may share an id.
    let numbers = try account.map { name in
      try transaction.accounts().values.filter { $0.account == name }.map(\.id)
    }
    index = StateIndex(
      try numbers?.flatMap { try transaction.stateEntries(account: $0) }
        ?? transaction.stateEntries()
    )
    verdicts = try transaction.volatileVerdicts()
    let bits = NumberSet.bits(of: seen)
    let accounts = try transaction.accounts().values.map {
      (AccountName(provider: $0.provider, account: $0.account), $0.id)
    }
    kindNames = try transaction.kinds()
    accountNames = try transaction.accounts().mapValues(\.account)
    let kinds = kindNames.map { ($1, $0) }
    state = Mutex(
      State(
        met: seen.isEmpty
          ? Array(repeating: false, count: index.entries.count)
          : index.entries.map { bits.contains($0.resource) },
        numbers: Numbers(
          accounts: Dictionary(accounts) { first, _ in first },
          kinds: Dictionary(kinds) { first, _ in first }
        )
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

  /// A number for a chunk that is about to be judged.
  func nextChunk() -> Int {
    state.withLock { state in
      state.chunks += 1
      return state.chunks
    }
  }

  /// Notes that a resource counts for others; false where it did before, on another line.
  func counts(
    _ account: String,
    _ kind: ResourceKind,
    _ id: String,
    chunk: Int,
    offset: Int
  ) -> Bool {
    let name = Array("\(account)\u{1F}\(kind)\u{1F}\(id)".utf8)
    let key = unsafe name.withUnsafeBytes { unsafe Fingerprint(of: $0, seed: 0) }
    let line = Line(chunk: chunk, offset: offset)
    return state.withLock { state in
      if let first = state.counted[key] { return first == line }
      state.counted[key] = line
      return true
    }
  }

  /// Notes that a new resource was met; false where it was met before.
  func meet(new key: Fingerprint) -> Bool {
    state.withLock { $0.newKeys.insert(key) }
  }

  /// The numbers of the resources' accounts and kinds, those that are new made in the store.
  func numbers(
    of resources: [JudgedResource],
    defaultAccount: String,
    _ store: DataStore,
    as actor: String,
    at now: Instant
  ) async throws -> Numbers {
    let known = state.withLock { $0.numbers }
    var newAccounts: Set<AccountName> = []
    var newKinds: Set<ResourceKind> = []
    var last: AccountName?
    for resource in resources {
      let name = AccountName(resource, defaultAccount: defaultAccount)
      if name != last, known.accounts[name] == nil { newAccounts.insert(name) }
      last = name
      // A kind with a layout was numbered with it.
      if resource.layout == nil, known.kinds[resource.kind] == nil {
        newKinds.insert(resource.kind)
      }
    }
    guard !newAccounts.isEmpty || !newKinds.isEmpty else { return known }
    let (accounts, kinds) = (newAccounts, newKinds)
    let found = try await store.write(as: actor, at: now) { transaction in
      (
        try accounts.map {
          ($0, try transaction.account(provider: $0.provider, account: $0.account))
        },
        try kinds.map { ($0, try transaction.kind($0)) }
      )
    }
    return state.withLock { state in
      for (name, number) in found.0 { state.numbers.accounts[name] = number }
      for (kind, number) in found.1 { state.numbers.kinds[kind] = number }
      return state.numbers
    }
  }
}
