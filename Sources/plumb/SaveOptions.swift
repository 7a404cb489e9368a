import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Store

/// Whether, where and as whose a scan is kept.
struct SaveOptions: ParsableArguments {
  @Flag(name: .long, help: "Keep the results, so that status, results and diff can tell of them.")
  var save = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The account of resources that name none.",
      valueName: "id"
    )
  )
  var account: String?

  @Flag(
    name: .long,
    help: "With --save: what is scanned is all of its account; resources it lacks are gone."
  )
  var complete = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions
}

/// A saved scan as the command line begins, resumes and reports it.
struct ScanKeeper {
  let store: DataStore
  let options: StoreOptions
  let actor: String
  var progress = ProgressFormat.text

  /// The profiles attached at an instant, and the rules that people made.
  func attached(at instant: Instant) async throws -> AttachedGoals {
    try await store.read { try AttachedGoals($0, at: instant) }
  }

  /// The file for the inventory of a scan to come.
  ///
  /// Inventories that a killed process left, and that no open scan names, are removed after a day.
  func spoolFile() async throws -> String {
    try makeFolder(options.spoolFolder)
    let path = "\(options.spoolFolder)/\(UUID().uuidString.lowercased()).ndjson"
    UnnamedFiles.note(path)
    // The folder beside a server's databases is shared by all of them; who uses a file is not known.
    if options.isPostgres { return path }
    let named = Set(
      try await store.read { try $0.openScans() }
        .compactMap { $0.instruction["inventory"]?["path"]?.string }
    )
    let files = FileManager.default
    for name in (try? files.contentsOfDirectory(atPath: options.spoolFolder)) ?? [] {
      let other = "\(options.spoolFolder)/\(name)"
      let facts = try? files.attributesOfItem(atPath: other)
      guard name.hasSuffix(".ndjson"), !named.contains(other),
        let modified = facts?[.modificationDate] as? Date,
        Date.now.timeIntervalSince(modified) > 86_400
      else { continue }
      try? files.removeItem(atPath: other)
    }
    return path
  }

  /// Refuses the future as the instant of a scan that is kept.
  static func check(_ instant: Instant) throws {
    guard instant <= timeOfDay().advanced(milliseconds: 60_000) else {
      throw ValidationError("--now \(instant) is in the future; what is kept was observed by then")
    }
  }

  /// Begins a scan of an inventory.
  func begin(
    _ choice: GoalOptions.Choice,
    _ goals: GoalOptions,
    inventory path: String,
    isSpool: Bool,
    subject: String,
    account: String,
    isOpen: Bool,
    isComplete: Bool,
    endsMissing: Bool,
    instant: Instant
  ) async throws -> Int64 {
    try Self.check(instant)
    let scan = saved(
      choice,
      account: account,
      isOpen: isOpen,
      isComplete: isComplete,
      endsMissing: endsMissing,
      instant: instant
    )
    let overlays = choice.library?.overlays ?? []
    var isBegun = false
    defer { if isSpool, !isBegun { try? FileManager.default.removeItem(atPath: path) } }
    let number = try await scan.begin(
      try Inventory(path: path),
      subject: subject,
      instruction: [
        "spool": .bool(isSpool), "rules": .array(goals.rules.map { .string($0) }),
        "profiles": .array(goals.profile.map { .string($0) }),
        "parameters": .array(goals.settings.parameters.map { .string($0) }),
        "parameters_file": goals.settings.file.map { .string($0) } ?? .null,
        "content": .array(overlays.map { .string($0) }),
        "folder": .string(FileManager.default.currentDirectoryPath),
      ]
    )
    isBegun = true
    UnnamedFiles.forget(path)
    return number
  }

  /// Does what is left of a scan, and removes its inventory when it has ended.
  func run(_ number: Int64, _ choice: GoalOptions.Choice) async throws -> TaskReport {
    let record = try await store.read { try $0.scan(number) }
    let told = record.instruction
    let scan = saved(
      choice,
      account: told["account"]?.string ?? "",
      isOpen: told["open"]?.bool ?? false,
      isComplete: told["complete"]?.bool ?? false,
      endsMissing: told["ends_missing"]?.bool ?? false,
      instant: record.instant
    )
    let progress = Progress(self.progress)
    progress.note(["phase": "keeping", "scan": .integer(number)])
    defer { progress.clear() }
    do {
      @Sendable func figures(_ phase: String, _ report: TaskReport) -> JSONObject {
        var object = report.progress
        object["phase"] = .string(phase)
        object["scan"] = .integer(number)
        return object
      }
      let report = try await scan.run(number) { report in
        progress.show(
          "\(report.resources) resources judged and kept",
          figures("keeping", report)
        )
      }
      removeSpool(record)
      progress.note(figures("kept", report))
      return report
    } catch let error as StoreError {
      // What belongs to another account will not belong to this one on the next try.
      guard case .otherAccount = error else { throw error }
      try await store.write(as: actor, at: timeOfDay()) { transaction in
        try transaction.move(number, to: .failed, report: ["reason": .string("\(error)")])
      }
      removeSpool(record)
      throw error
    }
  }

  /// Removes the inventory that was made for a scan.
  func removeSpool(_ record: ScanRecord) {
    guard record.instruction["spool"]?.bool == true,
      let path = record.instruction["inventory"]?["path"]?.string
    else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The goals with which an interrupted scan was begun.
  func choice(of record: ScanRecord) async throws -> GoalOptions.Choice {
    let told = record.instruction
    func texts(_ key: String) -> [String] { (told[key]?.array ?? []).compactMap(\.string) }
    // Paths were given relative to the folder in which the scan was begun.
    func placed(_ path: String) -> String {
      path.hasPrefix("/") ? path : (told["folder"]?.string ?? ".") + "/" + path
    }
    var goals = try GoalOptions.parse([])
    goals.rules = texts("rules").map(placed)
    goals.profile = texts("profiles").map { name in
      FileManager.default.fileExists(atPath: placed(name)) ? placed(name) : name
    }
    goals.settings.parameters = texts("parameters")
    goals.settings.file = told["parameters_file"]?.string.map(placed)
    let library = try ContentLibrary.shipped().with(overlays: texts("content").map(placed))
    return try goals.choose(attached: try await attached(at: record.instant), library: library)
  }

  private func saved(
    _ choice: GoalOptions.Choice,
    account: String,
    isOpen: Bool,
    isComplete: Bool,
    endsMissing: Bool,
    instant: Instant
  ) -> SavedScan {
    SavedScan(
      store,
      GoalPlan(choice.ruleSet, attachments: choice.attached),
      account: account,
      isOpenToAccounts: isOpen,
      isComplete: isComplete,
      endsMissing: endsMissing,
      instant: instant,
      actor: actor,
      clock: timeOfDay
    )
  }
}

extension TaskReport {
  /// What a saved scan came to, in a line.
  func text(_ scan: Int64) -> String {
    var parts = ["\(resources) resources", "\(new) new", "\(changed) changed", "\(gone) gone"]
    if unchanged > 0 { parts.append("\(unchanged) as before") }
    if faultCount > 0 { parts.append("\(faultCount) not judged") }
    return "scan \(scan): \(parts.joined(separator: ", "))"
  }
}
