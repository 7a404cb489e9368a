package import JSON
package import Model

/// Where a job is in its life.
package enum JobState: String, Sendable, CaseIterable {
  case waiting, leased, done
  /// It cannot come to anything, however often it is tried.
  case failed
  /// It was tried as often as a job may be, and each try went wrong.
  case setAside = "set_aside"
  case cancelled

  /// Whether somebody is to do it still.
  package var isOpen: Bool { self == .waiting || self == .leased }
}

/// What a job reads: an account, or whatever account a credential signs in to.
package struct JobTarget: Sendable, Hashable {
  package var provider: String
  /// The account; empty where only the credential knows it.
  package var account: String
  package var credential: String

  package init(provider: String, account: String, credential: String) {
    (self.provider, self.account, self.credential) = (provider, account, credential)
  }

  /// What at most one open job is about.
  package var key: String {
    account.isEmpty ? "\(provider) credential \(credential)" : "\(provider) account \(account)"
  }
}

/// Work for whoever is free.
package struct Job: Sendable, Hashable {
  package var id: Int64
  /// What is to be done; `scan` is all that there is so far.
  package var kind: String
  package var target: JobTarget
  package var instruction: JSONValue
  package var state: JobState
  /// The process that does it; empty where none does.
  package var owner: String
  package var leasedUntil: Instant
  /// How often it was begun, tries that were given back not counted.
  package var attempts: Int
  /// It is not begun before.
  package var notBefore: Instant
  /// The saved scan that it came to.
  package var scan: Int64?
  /// Why the last try went wrong; empty where none did.
  package var reason: String
  /// How far the present try is: `phase`, `calls`, `calls_per_second`, `throttled`, `resources`.
  package var progress: JSONValue
  package var createdAt: Instant
  package var createdBy: String
  package var startedAt: Instant?
  package var finishedAt: Instant?
}

/// Which jobs are listed.
package struct JobFilter: Sendable {
  /// Any of these states; all of them where it is empty.
  package var states: Set<JobState> = []
  package var account: String?
  package var kind: String?
  /// The run that asked for them.
  package var run: Int64?

  package init(
    states: Set<JobState> = [],
    account: String? = nil,
    kind: String? = nil,
    run: Int64? = nil
  ) {
    (self.states, self.account, self.kind, self.run) = (states, account, kind, run)
  }
}
