/// How much of an account something holds for.
package enum AccountShare: Sendable {
  case none, some, all

  /// How much both hold.
  fileprivate func and(_ other: AccountShare) -> AccountShare {
    switch (self, other) {
    case (.none, _), (_, .none): .none
    case (.all, .all): .all
    default: .some
    }
  }

  /// How much either holds.
  fileprivate func or(_ other: AccountShare) -> AccountShare {
    switch (self, other) {
    case (.all, _), (_, .all): .all
    case (.none, .none): .none
    default: .some
    }
  }

  fileprivate var opposite: AccountShare {
    switch self {
    case .none: .all
    case .some: .some
    case .all: .none
    }
  }
}

extension ScopeTree {
  /// How much of an account may be in a scope, going by what is known before it is read.
  ///
  /// - Parameters:
  ///   - provider: the account's provider.
  ///   - accounts: the account and what stands above it, by id and name; nil where it is not known
  ///     which account it is.
  ///   - name: the scope; empty for everything.
  ///   - excludes: what is left out of it besides.
  /// - Returns: how much; `some` where only a resource can tell.
  package func share(
    provider: String,
    accounts: [String]?,
    in name: String,
    without excludes: [Scope.Selector] = []
  ) -> AccountShare {
    let left = excludes.reduce(AccountShare.none) {
      $0.or(share(provider, accounts, of: $1, depth: 0))
    }
    return share(provider, accounts, in: name, depth: 0).and(left.opposite)
  }

  private func share(_ provider: String, _ accounts: [String]?, in name: String, depth: Int)
    -> AccountShare
  {
    if name.isEmpty { return .all }
    guard let scope = scopes[name], depth < 64 else { return .none }
    func any(_ selectors: [Scope.Selector]) -> AccountShare {
      selectors.reduce(AccountShare.none) { $0.or(share(provider, accounts, of: $1, depth: depth)) }
    }
    let parent = share(provider, accounts, in: scope.parent, depth: depth + 1)
    let included = scope.includes.isEmpty ? .all : any(scope.includes)
    return parent.and(included).and(any(scope.excludes).opposite)
  }

  private func share(
    _ provider: String,
    _ accounts: [String]?,
    of selector: Scope.Selector,
    depth: Int
  ) -> AccountShare {
    selector.terms.reduce(AccountShare.all) { share, term in
      func matches(_ texts: [String]) -> AccountShare {
        let isMatch = texts.contains { text in
          term.value.contains { Wildcard.matches(text, pattern: $0) }
        }
        return isMatch ? .all : .none
      }
      switch term.key {
      case "provider": return share.and(matches([provider]))
      case "account": return share.and(accounts.map(matches) ?? .some)
      case "scope":
        return term.value.reduce(AccountShare.none) { found, name in
          found.or(self.share(provider, accounts, in: name, depth: depth + 1))
        }.and(share)
      default: return share.and(.some)
      }
    }
  }
}
