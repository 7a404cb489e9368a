package import JSON

/// How severe a finding is.
package enum FindingSeverity: String, Sendable, CaseIterable, Comparable {
  case informational, low, medium, high, critical

  /// Orders from informational to critical.
  package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

  /// The place in that order, from 0.
  package var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// Which part of Plumbline a finding comes from.
package enum FindingSource: String, Sendable, CaseIterable {
  /// Detections, detectors and certificates.
  case insights
  /// Failing results of rules.
  case posture
  /// Decisions about requests.
  case governance
  /// Plumbline itself: jobs, collectors, guardrails that fell back.
  case operations
  /// Somebody else's program, through the API.
  case custom
}

/// A kind of finding: what was looked for, whoever it happened to.
package struct FindingNote: Sendable, Hashable {
  /// The id of the detection or detector; for ever the same.
  package var id: String
  /// The short name of a detection that has one.
  package var name: String?
  package var title: String
  package var description: String
  package var severity: FindingSeverity
  package var source: FindingSource
  /// Who noticed: the insight that the kind belongs to, such as `activity`.
  package var provider: String
  /// ATT&CK and other tags, as `attack.t1098`.
  package var tags: [String]
  package var references: [String]
  /// The author of a detection of another's writing, whose licence wants it named.
  package var author: String?

  package init(
    id: String,
    name: String? = nil,
    title: String,
    description: String = "",
    severity: FindingSeverity,
    source: FindingSource = .insights,
    provider: String,
    tags: [String] = [],
    references: [String] = [],
    author: String? = nil
  ) {
    self.id = id
    self.name = name
    self.title = title
    self.description = description
    self.severity = severity
    self.source = source
    self.provider = provider
    self.tags = tags
    self.references = references
    self.author = author
  }

  /// The techniques of ATT&CK that the tags name, such as `T1562.008`.
  package var techniques: [String] {
    tags.compactMap { tag -> String? in
      let name = tag.lowercased().split(separator: ".").dropFirst().joined(separator: ".")
      let isTechnique = name.hasPrefix("t") && name.dropFirst().first?.isNumber == true
      return tag.lowercased().hasPrefix("attack.") && isTechnique ? name.uppercased() : nil
    }
  }

  /// The tactics of ATT&CK that the tags name, such as `defense-evasion`.
  package var tactics: [String] {
    tags.compactMap { tag -> String? in
      let name = tag.lowercased()
      guard name.hasPrefix("attack.") else { return nil }
      let rest = name.dropFirst(7)
      guard let second = rest.dropFirst().first, !second.isNumber else { return nil }
      return String(rest).replacing("_", with: "-")
    }
  }
}

/// Whom or what a finding is about: who acted, on what, where from.
package struct FindingEntity: Sendable, Hashable {
  /// What an actor is.
  package enum ActorKind: String, Sendable { case user, app, unknown }

  package var actor: String?
  package var actorKind = ActorKind.unknown
  package var account: String?
  package var region: String?
  package var resource: String?
  package var sourceIP: String?
  /// The address at the other side of a conversation, where the finding is about these two.
  package var peer: String?

  package init() {}

  /// What stands for the entity in groups: the actor, or what else is known.
  package var name: String { actor ?? resource ?? sourceIP ?? account ?? "unknown" }

  /// The name for people, with the address from which or to which it happened.
  package var text: String {
    if let peer, peer != sourceIP { return "\(name) to \(peer)" }
    guard let sourceIP, sourceIP != name else { return name }
    return "\(name) from \(sourceIP)"
  }
}

/// Where an event stands, so that it can be found again.
package struct EventReference: Sendable, Hashable {
  /// The file, or `standard input`.
  package var file: String
  /// The number of the record in it, from 1; in a file of lines the number of the line.
  package var position: Int
  /// The event's own id as its log gives it.
  package var id: String?
  /// A digest of the record: the same event delivered twice has the same one.
  package var digest: String
  package var time: Instant?

  package init(file: String, position: Int, id: String?, digest: String, time: Instant?) {
    self.file = file
    self.position = position
    self.id = id
    self.digest = digest
    self.time = time
  }
}

/// What shows that a finding is true.
package struct FindingEvidence: Sendable, Hashable {
  /// The log source, such as `aws.cloudtrail`.
  package var source: String
  /// What happened: operation, service, outcome, and the fields that the detection shows.
  package var values: JSONObject
  /// The events, the first ones where there are many.
  package var events: [EventReference]

  package init(source: String, values: JSONObject, events: [EventReference]) {
    self.source = source
    self.values = values
    self.events = events
  }
}

/// What was decided about a finding.
package enum FindingState: Sendable, Hashable {
  case open
  /// Its cause was removed; it is open again when it is seen after that.
  case mitigated(by: String, at: Instant, reason: String)
  /// It is known and stays.
  case accepted(by: String, at: Instant, reason: String)

  /// The state's name.
  package var name: String {
    switch self {
    case .open: "open"
    case .mitigated: "mitigated"
    case .accepted: "accepted"
    }
  }

  /// The states' names.
  package static let names = ["open", "mitigated", "accepted"]

  /// Who decided, when and why; nil where nobody has.
  package var decision: (actor: String, at: Instant, reason: String)? {
    switch self {
    case .open: nil
    case .mitigated(let actor, let at, let reason), .accepted(let actor, let at, let reason):
      (actor, at, reason)
    }
  }
}

/// An occurrence of a note: that something was noticed, about whom, when and how often.
package struct Finding: Sendable, Hashable {
  /// Made from what the finding is about, so that the same one found twice has the same id.
  package var id: String
  package var note: FindingNote
  package var entity: FindingEntity
  package var firstSeen: Instant?
  package var lastSeen: Instant?
  package var count: Int
  package var evidence: FindingEvidence
  package var state: FindingState

  package init(
    id: String,
    note: FindingNote,
    entity: FindingEntity,
    firstSeen: Instant?,
    lastSeen: Instant?,
    count: Int,
    evidence: FindingEvidence,
    state: FindingState = .open
  ) {
    self.id = id
    self.note = note
    self.entity = entity
    self.firstSeen = firstSeen
    self.lastSeen = lastSeen
    self.count = count
    self.evidence = evidence
    self.state = state
  }

  /// What findings of one cause share: the kind, the account, who or what it is about, the other side
  /// where it is about a conversation of two, and the vulnerabilities that it names.
  private var causeParts: [String] {
    [note.source.rawValue, note.id, entity.account ?? "", entity.name]
      + [entity.peer].compactMap(\.self) + vulnerabilities
  }

  /// What tells causes apart.
  package var cause: String { causeParts.joined(separator: "\u{1F}") }

  /// The id of what is kept of all findings of its cause.
  package var causeID: String { NameUUID.of(.array(causeParts.map { .string($0) })) }

  /// The vulnerabilities that the evidence names by `cve`, one or several, in their order and as CVE writes them.
  package var vulnerabilities: [String] {
    guard let named = evidence.values["cve"] else { return [] }
    let names = named.array?.compactMap(\.string) ?? named.string.map { [$0] } ?? []
    return Set(names.map { $0.uppercased() }).sorted()
  }

  /// Whom or what it is about, for people: the entity, and the vulnerabilities that it names.
  package var subject: String {
    ([entity.text] + vulnerabilities.prefix(5)).joined(separator: ", ")
  }

  /// How many events a finding of several names.
  package static let eventLimit = 20

  /// The finding with another of the same cause counted in; what both tell is as the one seen last has it.
  package func joined(by other: Finding) -> Finding {
    var whole = self
    let (sum, isOver) = whole.count.addingReportingOverflow(other.count)
    whole.count = isOver ? .max : sum
    if let first = other.firstSeen { whole.firstSeen = min(firstSeen ?? first, first) }
    if let last = other.lastSeen { whole.lastSeen = max(lastSeen ?? last, last) }
    if whole.note.severity < other.note.severity { whole.note = other.note }
    if other.lastSeen.map({ $0 >= lastSeen ?? $0 }) ?? true {
      whole.evidence.values = other.evidence.values
      whole.entity = other.entity
    }
    // The same event, of an episode that has grown, is named once.
    let named = Set(evidence.events.map(\.digest))
    let room = max(0, Self.eventLimit - evidence.events.count)
    whole.evidence.events += other.evidence.events.filter { !named.contains($0.digest) }.prefix(
      room
    )
    return whole
  }
}
