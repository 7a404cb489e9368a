import ArgumentParser
import Foundation
import Model
import Operations
import PostgresDriver
import SQLiteDriver
import Store

/// Where data is kept, shared by every command that reads or changes it.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where data is kept: a folder, or a PostgreSQL address postgres://…; default: PLUMB_DATA, else ~/.local/share/plumb.",
      valueName: "folder-or-address"
    )
  )
  var data: String?

  /// The options that were given.
  var given: [String] { data == nil ? [] : ["--data"] }

  /// The place: the option, the environment, or the folder of the XDG base directory specification.
  var place: String {
    let environment = ProcessInfo.processInfo.environment
    if let named = data ?? environment["PLUMB_DATA"] { return named }
    let share = environment["XDG_DATA_HOME"] ?? NSHomeDirectory() + "/.local/share"
    return share + "/plumb"
  }

  /// Whether the place is a PostgreSQL server's.
  var isPostgres: Bool { place.hasPrefix("postgres://") || place.hasPrefix("postgresql://") }

  /// The folder for inventories of scans that have not ended.
  var spoolFolder: String { isPostgres ? StateFolder.path + "/spool" : place + "/spool" }

  /// Opens the database, which is made where there is none and migrated where it is older.
  func open() async throws -> DataStore {
    var store = try await DataStore(try await database())
    store.wallClock = timeOfDay
    return store
  }

  /// Opens the database for a command that only reads: one that is not there is not made.
  func openForReading() async throws -> DataStore {
    try await DataStore(try await database(mustExist: true))
  }

  /// Whether there is a database already; one of PostgreSQL counts as there.
  func isThere() async throws -> Bool {
    do {
      _ = try await database(mustExist: true)
      return true
    } catch StoreError.noDatabase {
      return false
    }
  }

  /// Opens the database as it is.
  ///
  /// - Throws: ``StoreError/notFound(kind:name:)`` when there is none and none shall be made.
  func database(mustExist: Bool = false) async throws -> any SQLDatabase {
    if isPostgres { return try await PostgresDatabase.open(place) }
    if let scheme = place.firstRange(of: "://") {
      throw ValidationError(
        "--data \(place[..<scheme.lowerBound])://… is no address of PostgreSQL, postgres://…, nor a folder"
      )
    }
    let file = place + "/plumb.sqlite"
    func fileSize() -> Int? {
      (try? FileManager.default.attributesOfItem(atPath: file))?[.size] as? Int
    }
    var size = fileSize()
    // It is empty for a moment while another process makes it.
    for _ in 0..<60 where size == 0 {
      try await Task.sleep(for: .milliseconds(50))
      size = fileSize()
    }
    if mustExist, size == nil {
      throw StoreError.noDatabase(place)
    }
    if size == 0 { throw SQLError.corrupt(file, reason: "the file is empty") }
    try makeFolder(place)
    // The database holds configurations: it is for its owner's eyes, whatever the folder's mode.
    let former = umask(0o077)
    defer { umask(former) }
    return try SQLiteDatabase(file)
  }
}

/// Who changes something.
struct ActorOptions: ParsableArguments {
  @Option(
    name: .customLong("as"),
    help: ArgumentHelp(
      "Who does this; default: PLUMB_ACTOR, else the user of this machine.",
      valueName: "person"
    )
  )
  var person: String?

  /// The options that were given.
  var given: [String] { person == nil ? [] : ["--as"] }

  /// The person's name.
  var actor: String {
    let named = person ?? ProcessInfo.processInfo.environment["PLUMB_ACTOR"]
    return named.flatMap { $0.isEmpty ? nil : $0 } ?? NSUserName()
  }
}

/// The folder for what may be lost: the last scan's results, inventories of running scans.
enum StateFolder {
  /// `PLUMB_STATE`, else the folder for state of the XDG base directory specification.
  static var path: String {
    let environment = ProcessInfo.processInfo.environment
    if let folder = environment["PLUMB_STATE"] { return folder }
    return (environment["XDG_STATE_HOME"] ?? NSHomeDirectory() + "/.local/state") + "/plumb"
  }
}

/// Makes a folder that only its owner can look into.
func makeFolder(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(
      atPath: path,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
  } catch {
    throw InputError.unreadable(
      path,
      reason: "the folder cannot be made: \((error as NSError).localizedDescription)"
    )
  }
}

/// The time of day.
func timeOfDay() -> Instant {
  Instant(milliseconds: Int64((Date.now.timeIntervalSince1970 * 1000).rounded(.down)))
}

/// The instant that an option names, or none.
func moment(_ text: String?, option: String) throws -> Instant? {
  guard let text else { return nil }
  guard let instant = Instant(text) else {
    throw ValidationError(
      "\(option) expects an instant such as 2026-11-01T00:00:00Z, not \"\(text)\""
    )
  }
  return instant
}
