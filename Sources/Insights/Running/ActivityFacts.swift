import JSON
import Model

/// What an event tells, by OCSF's names, whatever its log calls it.
struct ActivityFacts {
  /// What came of what was asked for.
  enum Outcome: String { case allowed, denied, failed, unknown }

  var values: [LogSource.Fact: String] = [:]
  var time: Instant?
  var outcome = Outcome.unknown
  var isApp = false
  var isAuthentication = false
  /// OCSF's activity: 1 create, 2 read, 3 update, 4 delete, 99 other.
  var activity = 99

  init(_ event: EventFields, _ program: SourceProgram) {
    for (fact, slots) in program.facts where fact != .time {
      for slot in slots {
        if let text = event.text(slot), !text.isEmpty {
          // A hostile field is not carried whole into findings.
          values[fact] = text.utf8.count <= 2048 ? text : String(text.prefix(500)) + "…"
          break
        }
      }
    }
    time = Self.time(event, program)
    func holds(_ mark: LogSource.Mark) -> Bool { program.marks[mark]?.holds(event) ?? false }
    outcome =
      holds(.denied) ? .denied : holds(.failed) ? .failed : holds(.succeeded) ? .allowed : .unknown
    isApp = holds(.app)
    isAuthentication = holds(.authentication)
    let kinds: [(LogSource.Mark, Int)] = [(.delete, 4), (.create, 1), (.update, 3), (.read, 2)]
    activity = kinds.first { holds($0.0) }?.1 ?? 99
  }

  /// The event's time.
  static func time(_ event: EventFields, _ program: SourceProgram) -> Instant? {
    for slot in program.facts[.time] ?? [] {
      var seconds: Double?
      _ = event.any(slot) { place in
        seconds = event.seconds(place)
        return seconds != nil
      }
      if let seconds, abs(seconds) < 1e11 {
        return Instant(milliseconds: Int64((seconds * 1000).rounded()))
      }
    }
    return nil
  }

  /// Whom the event is about.
  var entity: FindingEntity {
    var entity = FindingEntity()
    entity.actor = values[.actorName] ?? values[.actorID]
    entity.actorKind = entity.actor == nil ? .unknown : isApp ? .app : .user
    entity.account = values[.account] ?? values[.actorAccount]
    entity.region = values[.region]
    entity.resource = values[.resource]
    entity.sourceIP = values[.sourceIP]
    return entity
  }

  /// What happened, for a finding's evidence.
  var evidence: JSONObject {
    var members: [(key: String, value: JSONValue)] = []
    for fact: LogSource.Fact in [.operation, .service, .errorCode, .errorMessage, .userAgent] {
      if let text = values[fact] {
        members.append((fact.rawValue, .string(String(text.prefix(300)))))
      }
    }
    members.append(("outcome", .string(outcome.rawValue)))
    return JSONObject(members)
  }
}
