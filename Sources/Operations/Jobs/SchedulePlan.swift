import JSON
package import Model
package import Store

/// What is known when it is decided which attachments are due, and which accounts they are about.
///
/// A value without effects: the same knowledge and instant give the same decisions.
package struct SchedulePlan: Sendable {
  /// An attachment that is due.
  package struct DueRun: Sendable, Hashable {
    package var attachment: Attachment
    package var dueAt: Instant
  }

  package var attachments: [Attachment]
  package var states: [Int64: ScheduleState]
  package var credentials: [CredentialRecord]
  package var scopes: ScopeTree
  /// Each account and what stands above it in the tree, by the account's id.
  package var accounts: [String: [String]]
  /// The providers whose accounts can be scanned.
  package var providers: Set<String>

  package init(
    attachments: [Attachment],
    states: [Int64: ScheduleState] = [:],
    credentials: [CredentialRecord],
    scopes: ScopeTree = ScopeTree([]),
    accounts: [String: [String]] = [:],
    providers: Set<String>
  ) {
    self.attachments = attachments
    self.states = states
    self.credentials = credentials
    self.scopes = scopes
    self.accounts = accounts
    self.providers = providers
  }

  /// What is known as of an instant.
  package init(
    _ transaction: StoreTransaction,
    at now: Instant,
    providers: Set<String>
  ) throws {
    self.init(
      attachments: try transaction.attachments(at: now),
      states: try transaction.scheduleStates(at: now),
      credentials: try transaction.credentials() + transaction.collectorCredentials(),
      scopes: ScopeTree(try transaction.scopes(at: now)),
      accounts: try Places(transaction).names,
      providers: providers
    )
  }

  /// The attachments that are due, each at the latest instant that has passed: of several that were
  /// missed only the last is caught up.
  ///
  /// A schedule that cannot be read is left out.
  package func due(at now: Instant) -> [DueRun] {
    attachments.compactMap { attachment in
      guard let schedule = try? Schedule(attachment.schedule) else { return nil }
      let state = states[attachment.id] ?? ScheduleState()
      guard !state.isPaused, let dueAt = schedule.lastDue(upTo: now, since: attachment.begins)
      else { return nil }
      let earlier = [state.lastDue, state.resumedAt].compactMap(\.self).max()
      if let earlier, dueAt <= earlier { return nil }
      return DueRun(attachment: attachment, dueAt: dueAt)
    }
  }

  /// The accounts that an attachment is about, as far as a credential signs in to them, each once.
  ///
  /// Of several credentials of an account one that was not refused comes first, then by name. One that
  /// names no account counts where the scope holds whatever account it may be.
  package func targets(of attachment: Attachment) -> [JobTarget] {
    var found: [String: JobTarget] = [:]
    let live = credentials.filter { $0.revokedAt == nil && providers.contains($0.provider) }
    let ordered = live.sorted { left, right in
      let ranks = [left, right].map { $0.test?.isAccepted == false ? 1 : 0 }
      return (ranks[0], left.name) < (ranks[1], right.name)
    }
    for credential in ordered {
      let account = credential.details["account"]?.string ?? ""
      let names = account.isEmpty ? nil : accounts[account] ?? [account]
      let share = scopes.share(
        provider: credential.provider,
        accounts: names,
        in: attachment.scope
      )
      guard share == .all || (share == .some && names != nil) else { continue }
      let target = JobTarget(
        provider: credential.provider,
        account: account,
        credential: credential.name
      )
      if found[target.key] == nil { found[target.key] = target }
    }
    return found.values.sorted { $0.key < $1.key }
  }
}
