import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import SQLiteDriver
import Store

struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Brings the database to the schema of this plumb; every command does so by itself.",
    discussion: """
      --check tries it out: on a copy of an SQLite database, in a transaction that is undone on
      PostgreSQL. A database that a newer plumb wrote is refused.

      Examples:
        plumb migrate --check
        plumb migrate --data postgres://plumb@db/plumb
      """
  )

  @OptionGroup var store: StoreOptions

  @Flag(name: .long, help: "Only try it out.")
  var check = false

  func run() async throws {
    try await reporting {
      let database = try await store.database(mustExist: check)
      guard check else {
        let done = try await Migrator().migrate(database)
        return print(done.isEmpty ? "\(database.name) is up to date" : "applied \(list(done))")
      }
      let missing =
        store.isPostgres
        ? try await Migrator().rehearse(database) : try await checkCopy(of: database)
      print(missing.isEmpty ? "\(database.name) is up to date" : "\(list(missing)) would apply")
    }
  }

  private func list(_ numbers: [Int]) -> String {
    "migration\(numbers.count == 1 ? "" : "s") \(numbers.map(String.init).joined(separator: ", "))"
  }

  private func checkCopy(of database: any SQLDatabase) async throws -> [Int] {
    guard let original = database as? SQLiteDatabase else { return [] }
    let copy = store.place + "/check-\(UUID().uuidString.lowercased()).sqlite"
    defer {
      for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: copy + end) }
    }
    let former = umask(0o077)
    defer { umask(former) }
    try await original.copy(to: copy)
    let migrated = try SQLiteDatabase(copy)
    let applied = try await Migrator().migrate(migrated)
    _ = try await DataStore(migrated)
    await migrated.close()
    return applied
  }
}

struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Says whether the database is sound, and what to do where it is not.",
    discussion: "Example: plumb doctor --data /var/lib/plumb"
  )

  @OptionGroup var store: StoreOptions

  func run() async throws {
    try await reporting {
      var faults = 0
      let backup = "restore a backup; results up to it are whole"
      let database: any SQLDatabase
      let integrity: [String]
      do {
        database = try await store.database(mustExist: true)
        integrity = try await database.read { session in
          try StoreTransaction(session: session, actor: "", now: .never).integrityFaults()
        }
      } catch SQLError.corrupt(let name, let reason) {
        _ = tell("the database's structures", ["\(name): \(reason)"], backup)
        throw Exit.notJudged
      }
      faults += tell("the database's structures", integrity, backup)
      let missing = try await Migrator().missing(database)
      faults += tell(
        "the schema",
        missing.isEmpty ? [] : ["\(missing.count) migrations are missing"],
        "plumb migrate applies them"
      )
      guard missing.isEmpty else { throw Exit.notJudged }
      let data = try await DataStore(database)
      faults += tell(
        "states and configurations",
        try await data.read { try $0.contentFaults() },
        backup
      )
      faults += tell(
        "the audit log",
        try await data.read { try $0.auditFault().map { [$0] } ?? [] },
        "compare it with a backup: entries were changed outside plumb"
      )
      let open = try await data.read { try $0.openScans() }
      faults += tell(
        "scans",
        open.map { "scan \($0.id) of \($0.subject) has not ended" },
        "plumb scans resume takes it up, plumb scans cancel ends it, unless it is running now"
      )
      faults += tell("free disk space", freeSpaceFault(), "make room before the next scan")
      if faults > 0 { throw Exit.notJudged }
    }
  }

  /// Says how one thing is, and returns the number of its faults.
  private func tell(_ what: String, _ found: [String], _ wayOut: String) -> Int {
    print(found.isEmpty ? "ok     \(what)" : "FAULT  \(what)")
    for fault in found { print("       \(fault.withoutControls)") }
    if !found.isEmpty { print("       \(wayOut)") }
    return found.count
  }

  private func freeSpaceFault() -> [String] {
    var facts = statvfs()
    guard !store.isPostgres, unsafe statvfs(store.place, &facts) == 0 else { return [] }
    let megabytes = (UInt64(facts.f_bavail) * UInt64(facts.f_frsize)) >> 20
    return megabytes < 256 ? ["only \(megabytes) MiB are free in \(store.place)"] : []
  }
}

struct RetentionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retention",
    abstract: "Says for how long history is kept, holds it, and removes what is older.",
    subcommands: [
      RetentionList.self, RetentionSet.self, RetentionHold.self, RetentionRelease.self,
      RetentionPrune.self,
    ]
  )
}

struct RetentionList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists for how long each class is kept, and the holds.",
    discussion: "Example: plumb retention list"
  )

  @OptionGroup var store: StoreOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let now = timeOfDay()
      let (days, holds) = try await store.openForReading().read { transaction in
        (try transaction.retention(), try transaction.holds(at: now))
      }
      if format == .json {
        let classes = RetentionClass.allCases.map { kind in
          (kind.rawValue, days[kind].map { JSONValue.integer(Int64($0)) } ?? .null)
        }
        let list = holds.map { hold -> JSONValue in
          [
            "id": .integer(hold.id), "kind": .string(hold.kind.rawValue),
            "title": .string(hold.title), "as_of": .string("\(hold.asOf)"),
          ]
        }
        let value: JSONValue = ["days": .object(JSONObject(classes)), "holds": .array(list)]
        return print(value.text)
      }
      for kind in RetentionClass.allCases {
        print("\(kind.rawValue)  \(days[kind].map { "\($0) days" } ?? "for ever")")
      }
      for hold in holds {
        print(
          "hold \(hold.id)  \(hold.kind.rawValue)  as of \(hold.asOf)  \(hold.title.withoutControls)"
        )
      }
    }
  }
}

struct RetentionSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract:
      "Keeps a class, history, scores, jobs, decisions or findings, for some days or for ever.",
    discussion: """
      Examples:
        plumb retention set history 730
        plumb retention set scores ever
        plumb retention set jobs 90
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "history, scores, jobs, decisions or findings.")
  var kind: String

  @Argument(help: "How many days, or ever.")
  var days: String

  func run() async throws {
    try await reporting {
      guard let kind = RetentionClass(rawValue: kind) else {
        throw ValidationError(
          "\"\(kind)\" is none of history, scores, jobs, decisions and findings"
        )
      }
      let number = Int(days)
      guard days == "ever" || number != nil else {
        throw ValidationError("\"\(days)\" is neither a number of days nor ever")
      }
      try await store.open().write(as: person.actor, at: timeOfDay()) {
        try $0.keep(kind, days: number)
      }
    }
  }
}

struct RetentionHold: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold",
    abstract: "Keeps history whatever its age: for a report of an instant, or from an instant on.",
    discussion: """
      Examples:
        plumb retention hold "audit of 2026" --as-of 2026-06-30
        plumb retention hold "case 4711" --as-of 2026-01-01 --legal
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "What it is for.")
  var title: String

  @Option(name: .long, help: ArgumentHelp("The instant, ISO 8601.", valueName: "instant"))
  var asOf: String

  @Flag(name: .long, help: "A legal hold: keep everything from the instant on.")
  var legal = false

  func run() async throws {
    try await reporting {
      guard let asOf = try moment(asOf, option: "--as-of") else { return }
      let hold = Hold(kind: legal ? .legal : .report, title: title, asOf: asOf)
      let id = try await store.open().write(as: person.actor, at: timeOfDay()) { try $0.add(hold) }
      print("hold \(id)")
    }
  }
}

struct RetentionRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release",
    abstract: "Ends a hold.",
    discussion: "Example: plumb retention release 3"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: "The hold's number.")
  var hold: Int64

  func run() async throws {
    try await reporting {
      let hold = hold
      try await store.open().write(as: person.actor, at: timeOfDay()) { try $0.releaseHold(hold) }
    }
  }
}

struct RetentionPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Removes what is older than it is kept, but for what is held.",
    discussion: "Example: plumb retention prune"
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  func run() async throws {
    try await reporting {
      let report = try await store.open().write(as: person.actor, at: timeOfDay()) {
        try $0.prune()
      }
      print(
        "removed \(report.states) former states, \(report.resources) resources that are gone, "
          + "\(report.blocks) blocks of configurations, \(report.scores) scores, \(report.runs) runs of "
          + "attachments, \(report.jobs) jobs, \(report.decisions) decisions, \(report.findings) findings, "
          + "\(report.conversations) conversations"
      )
    }
  }
}
