package import JSON

/// A way to tell people and programs of findings, and of which.
package struct Channel: Sendable, Hashable {
  /// How a channel speaks.
  package enum Kind: String, Sendable, CaseIterable {
    /// A signed CloudEvent over HTTPS.
    case webhook
    case slack, teams
    /// Mail over SMTP.
    case email
    /// RFC 5424 over TLS, TCP or UDP.
    case syslog

    /// What its secret is called; nil where it has none.
    package var secret: String? {
      switch self {
      case .webhook: "key"
      case .slack, .teams: "url"
      case .email: "password"
      case .syslog: nil
      }
    }
  }

  /// What came of a message that was sent to try the channel.
  package struct Test: Sendable, Hashable {
    package var at: Instant
    package var isAccepted: Bool
    package var outcome: String

    package init(at: Instant, isAccepted: Bool, outcome: String) {
      (self.at, self.isAccepted, self.outcome) = (at, isAccepted, outcome)
    }
  }

  package var id: Int64
  package var name: String
  package var kind: Kind
  /// The URL; of a chat's webhook, which is secret as a whole, without its path.
  package var address: String
  /// Of mail: who sends it, to whom, and as whom the server is signed in to.
  package var sender = ""
  package var recipients: [String] = []
  package var user = ""

  /// This severity or above.
  package var severity = FindingSeverity.medium
  /// Any of these; all where it is empty.
  package var sources: Set<FindingSource> = []
  /// Patterns of kinds' ids; all where it is empty.
  package var notes: [String] = []
  /// Only findings about something in this scope; empty for all.
  package var scope = ""

  /// How many alerts a day go out one by one, 0 for no bound; further ones wait for the digest.
  package var budget = 50
  /// Whether every alert waits for the digest.
  package var isDigest = false
  /// The digest is sent every so many hours from midnight UTC on.
  package var digestHours = 24
  package var isEnabled = true

  package var version: Int64 = 1
  package var changedBy = ""
  package var changedAt = Instant.never
  package var test: Test?

  package init(id: Int64 = 0, name: String, kind: Kind, address: String) {
    (self.id, self.name, self.kind, self.address) = (id, name, kind, address)
  }

  /// The credential that keeps its secrets.
  package var credential: String { "channel:\(id)" }

  /// Whether findings of a kind go to the channel, whatever they are about.
  package func takes(_ note: FindingNote) -> Bool {
    isEnabled && note.severity >= severity && (sources.isEmpty || sources.contains(note.source))
      && (notes.isEmpty || notes.contains { Wildcard.matches(note.id, pattern: $0) })
  }

  /// When the digest after an instant is sent.
  package func digest(after instant: Instant) -> Instant {
    let length = Int64(max(1, digestHours)) * 3_600_000
    let day = instant.milliseconds - instant.milliseconds % 86_400_000
    let next = day + ((instant.milliseconds - day) / length + 1) * length
    return Instant(milliseconds: min(next, day + 86_400_000))
  }

  /// What of it is kept as a document, besides name and kind.
  package var definition: JSONObject {
    [
      "address": .string(address), "from": .string(sender),
      "to": .array(recipients.map { .string($0) }), "user": .string(user),
      "severity": .string(severity.rawValue),
      "sources": .array(sources.map(\.rawValue).sorted().map { .string($0) }),
      "notes": .array(notes.map { .string($0) }), "scope": .string(scope),
      "budget": .integer(Int64(budget)), "digest": .bool(isDigest),
      "digest_hours": .integer(Int64(digestHours)), "enabled": .bool(isEnabled),
    ]
  }

  /// Takes what a document says; what it leaves out stays.
  package mutating func take(_ document: JSONValue) {
    func texts(_ key: String) -> [String]? { document[key]?.array?.compactMap(\.string) }
    address = document["address"]?.string ?? address
    sender = document["from"]?.string ?? sender
    recipients = texts("to") ?? recipients
    user = document["user"]?.string ?? user
    severity = document["severity"]?.string.flatMap { FindingSeverity(rawValue: $0) } ?? severity
    sources = texts("sources").map { Set($0.compactMap { FindingSource(rawValue: $0) }) } ?? sources
    notes = texts("notes") ?? notes
    scope = document["scope"]?.string ?? scope
    budget = document["budget"]?.whole ?? budget
    isDigest = document["digest"]?.bool ?? isDigest
    digestHours = document["digest_hours"]?.whole ?? digestHours
    isEnabled = document["enabled"]?.bool ?? isEnabled
  }

  /// The channel for programs, without secrets.
  package var json: JSONValue {
    var object: JSONObject = [
      "id": .integer(id), "name": .string(name), "kind": .string(kind.rawValue),
    ]
    for (key, value) in definition.members { object[key] = value }
    object["version"] = .integer(version)
    object["changed_by"] = .string(changedBy)
    object["changed_at"] = .string("\(changedAt)")
    object["test"] = test.map(\.json)
    return .object(object)
  }
}

extension Channel.Test {
  /// The test for programs.
  package var json: JSONValue {
    ["at": .string("\(at)"), "accepted": .bool(isAccepted), "outcome": .string(outcome)]
  }
}
