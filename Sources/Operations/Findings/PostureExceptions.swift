import Engine
import Model
import Store

/// The failures that exceptions in force cover, by cause.
struct PostureExceptions {
  struct Resources {
    var resources: Set<Int64> = []
    var exceptions: Set<String> = []

    /// Why it is accepted that everything fails.
    var reason: String {
      let names = exceptions.sorted()
      let more = names.count > 5 ? " and \(names.count - 5) more" : ""
      return "all that fails is excepted: \(names.prefix(5).joined(separator: ", "))\(more)"
    }
  }

  private var causes: [PostureCause: Resources] = [:]
  /// Whether no exception is in force.
  let isEmpty: Bool

  init(
    _ transaction: StoreTransaction,
    _ facts: PostureFacts,
    _ accounts: [Int64: StoredAccount],
    _ met: [Int64]?,
    at instant: Instant
  ) throws {
    var resolver = ExceptionResolver(
      try transaction.exceptionsInForce(at: instant),
      now: instant,
      scopes: ScopeTree(try transaction.scopes(at: instant))
    )
    isEmpty = resolver.isEmpty
    guard !isEmpty else { return }
    var found: [PostureCause: Resources] = [:]
    func add(_ state: StoredState) {
      guard let layout = facts.layouts[state.layout], let account = accounts[state.account]?.account
      else { return }
      for (number, letter) in zip(layout.goals, state.verdicts.utf8) {
        guard Verdict(letter: letter) == .fail, let goal = facts.goals[number],
          let exception = resolver.exception(
            rule: goal.rule,
            resource: state.id,
            place: { facts.places.place(of: state) }
          )
        else { continue }
        let cause = PostureCause(account: account, rule: goal.rule)
        found[cause, default: Resources()].resources.insert(state.resource)
        found[cause, default: Resources()].exceptions.insert(exception.id)
      }
    }
    let kinds = Set(facts.layouts.values.map(\.kind))
    if let few = try ExceptedWeights.few(transaction, resolver.resources, kinds) {
      for state in try transaction.states(of: few.sorted())
      where state.ends.isNever && met?.contains(state.account) ?? true { add(state) }
    } else {
      for account in met.map({ $0.map { Int64?.some($0) } }) ?? [nil] {
        try transaction.states(at: .never, StateFilter(account: account)) { add($0) }
      }
    }
    causes = found
  }

  subscript(cause: PostureCause) -> Resources? { causes[cause] }
}
