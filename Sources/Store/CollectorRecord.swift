package import JSON
package import Model

/// What a collector may do.
package enum CollectorState: String, Sendable, CaseIterable {
  /// It registered, and a person has to approve it.
  case requested
  case approved
  /// It does no work until a person approves it again.
  case stopped
  /// Its key is of no use any more.
  case revoked
}

/// A collector that works away from the server, under a key of its own.
package struct CollectorRecord: Sendable, Hashable {
  package var id: Int64
  package var name: String
  /// In base64.
  package var publicKey: String
  package var state: CollectorState
  /// Why it was stopped or revoked; empty otherwise.
  package var reason: String
  package var version: String
  package var host: String
  /// From where it was heard last.
  package var address: String
  package var registeredAt: Instant
  package var approvedBy: String
  package var approvedAt: Instant?
  package var lastContact: Instant?
  /// What its next poll has to show; empty where any will do.
  package var ticket: String
  /// How many jobs it has begun and not handed in.
  package var backlog: Int64
  package var health: JSONValue
  package var credentials: [Credential] = []

  /// What a collector signs in with, which it alone can open.
  package struct Credential: Sendable, Hashable {
    /// How a job says that it is for a collector.
    package static let prefix = "collector:"

    package var name: String
    package var provider: String
    /// Empty where only signing in tells.
    package var account: String

    package init(name: String, provider: String, account: String) {
      (self.name, self.provider, self.account) = (name, provider, account)
    }
  }

  /// Who holds the leases of the collector's jobs.
  package var owner: String { Self.owner(id) }

  static func owner(_ id: Int64) -> String { "collector \(id)" }

  /// What the credential of a job begins with that is for this collector.
  package var jobPrefix: String { "\(Credential.prefix)\(id)/" }

  /// What a job reads with a credential that the collector holds.
  package func target(_ credential: Credential) -> JobTarget {
    JobTarget(
      provider: credential.provider,
      account: credential.account,
      credential: jobPrefix + credential.name
    )
  }
}

/// What a collector tells of itself with each poll.
package struct CollectorPoll: Sendable {
  /// Drawn anew for each poll; the same when it is sent again.
  package var id: String
  /// The ticket of the reply before; empty for the first poll.
  package var ticket: String
  package var version: String
  package var address: String
  package var backlog: Int64
  package var health: JSONValue
  package var credentials: [CollectorRecord.Credential]
  /// The jobs that it does, and how far each is.
  package var running: [Int64: JSONValue]

  package init(
    id: String,
    ticket: String,
    version: String,
    address: String = "",
    backlog: Int64 = 0,
    health: JSONValue = [:],
    credentials: [CollectorRecord.Credential] = [],
    running: [Int64: JSONValue] = [:]
  ) {
    (self.id, self.ticket, self.version, self.address) = (id, ticket, version, address)
    (self.backlog, self.health) = (backlog, health)
    (self.credentials, self.running) = (credentials, running)
  }
}

/// An inventory that comes in pieces.
package struct UploadRecord: Sendable, Hashable {
  package var job: Int64
  package var collector: Int64
  package var path: String
  package var received: Int64
  /// The scan that it was kept as.
  package var scan: Int64?
}
