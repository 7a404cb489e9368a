import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct ScanInventory: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inventory",
    abstract: "Judges an inventory of any size and keeps the results.",
    discussion: """
      Each line of the inventory is a resource, as plumb judge reads it. The scan is cut into tasks;
      when it is interrupted, plumb scans resume takes it up where it was. The file must stay as it
      is until then; what comes from standard input is kept aside.

      Examples:
        plumb scan inventory estate.ndjson --complete
        plumb scan inventory - --account 123456789012 < account.ndjson
        plumb scan inventory estate.ndjson --profile cis-aws --data postgres://plumb@db/plumb
        plumb scan inventory account.ndjson --account 123456789012 --server https://plumb.example.com
      """
  )

  @OptionGroup var goals: GoalOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "All resources belong to this account; one that names another is refused.",
      valueName: "id"
    )
  )
  var account: String?

  @Flag(
    name: .long,
    help: "The inventory holds every resource of its accounts: those it lacks are gone."
  )
  var complete = false

  @Option(
    name: .long,
    help: ArgumentHelp("Judge as of this instant, ISO 8601.", valueName: "instant")
  )
  var now: String?

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions
  @OptionGroup var person: ActorOptions

  @Argument(help: ArgumentHelp("The inventory, or - for standard input.", valueName: "file"))
  var file = "-"

  func run() async throws {
    try await reporting {
      if try await isDoneElsewhere() { return }
      let instant = try moment(now, option: "--now") ?? timeOfDay()
      let keeper = ScanKeeper(store: try await store.open(), options: store, actor: person.actor)
      let choice = try goals.choose(attached: try await keeper.attached(at: instant))
      let path = try await file == "-" ? spool(keeper) : absolute(file)
      if try Inventory(path: path).isEmpty {
        // Nothing was read, so there is nothing to keep, not even that there was nothing.
        if file == "-" { try? FileManager.default.removeItem(atPath: path) }
        throw InputError.unreadable(
          file == "-" ? "standard input" : file,
          reason: "holds no resources; an inventory has a JSON object per line"
        )
      }
      let number = try await keeper.begin(
        choice,
        goals,
        inventory: path,
        isSpool: file == "-",
        subject: account ?? (file == "-" ? "standard input" : file),
        account: account ?? "",
        isOpen: account == nil,
        isComplete: complete,
        endsMissing: complete,
        instant: instant
      )
      let report = try await keeper.run(number, choice)
      print(report.text(number))
      for fault in report.faults { complain(fault) }
      if report.faultCount > report.faults.count {
        complain("\(report.faultCount - report.faults.count) more could not be judged")
      }
      if report.faultCount > 0 || report.resources == 0 {
        if report.resources == 0 { complain("\(file): holds no resources") }
        throw Exit.notJudged
      }
    }
  }

  /// Uploads the inventory, if a server is meant; it judges by what is attached there.
  private func isDoneElsewhere() async throws -> Bool {
    let context = ServerOptions.Context(
      local: store.given,
      unheard: goals.given + (now == nil ? [] : ["--now"]),
      actor: person.given
    )
    return try await server.answers(context) {
      guard let account else {
        throw ValidationError("a server expects --account: whose resources they are")
      }
      var sketch = APISketch("POST", "scans")
        .asking("account", account).asking("complete", complete ? "true" : nil)
        .asking("subject", file == "-" ? "standard input" : file)
        .answering(.words(Self.words))
      sketch.upload = file
      return sketch
    }
  }

  /// What a scan on a server came to.
  private static func words(_ scan: JSONValue) throws -> [String] {
    let report = TaskReport(scan["report"] ?? [:])
    for fault in report.faults { complain(fault) }
    print(report.text(Int64(scan["id"]?.whole ?? 0)))
    if report.faultCount > 0 { throw Exit.notJudged }
    return []
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }

  /// Keeps standard input aside.
  private func spool(_ keeper: ScanKeeper) async throws -> String {
    let path = try await keeper.spoolFile()
    let spool = try SpoolWriter(path)
    let input = FileHandle.standardInput
    while let piece = try input.read(upToCount: 1 << 20), !piece.isEmpty {
      try spool.append(Array(piece))
    }
    try spool.finish()
    return path
  }
}

/// Writes a file piece by piece, without a buffer of its own.
final class SpoolWriter {
  private let path: String
  private let file: FileHandle
  /// The name that the file gets when it is whole; nil where it has it.
  private var target: String?

  /// A file that is made, for its owner's eyes unless said otherwise; or one to go on with.
  init(_ path: String, permissions: Int = 0o600, isAppending: Bool = false) throws {
    self.path = path
    let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (isAppending ? O_APPEND : O_TRUNC)
    let descriptor = unsafe open(path, flags, mode_t(permissions))
    guard descriptor >= 0 else {
      throw InputError.unreadable(
        path,
        reason: "cannot be written: \(unsafe String(cString: strerror(errno)))"
      )
    }
    file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// A file that takes the place of a former one only when it is whole.
  ///
  /// What is no plain file, such as a device or a pipe, is written to directly.
  convenience init(replacing path: String, permissions: Int = 0o600) throws {
    var facts = stat()
    let isThere = unsafe stat(path, &facts) == 0
    if isThere, facts.st_mode & S_IFMT != S_IFREG {
      try self.init(path)
    } else {
      do {
        try self.init("\(path).\(getpid())", permissions: permissions)
      } catch InputError.unreadable(_, let reason) {
        // The name that the file would get, not the one that it has meanwhile.
        throw InputError.unreadable(path, reason: reason)
      }
      target = path
    }
  }

  deinit { if target != nil { try? FileManager.default.removeItem(atPath: path) } }

  /// Appends bytes.
  func append(_ bytes: [UInt8]) throws {
    do {
      try file.write(contentsOf: Data(bytes))
    } catch {
      throw InputError.unreadable(path, reason: "cannot be written: the disk may be full")
    }
  }

  /// Appends what is in another file.
  func append(linesOf other: String) throws {
    guard let input = FileHandle(forReadingAtPath: other) else {
      throw InputError.unreadable(other, reason: "cannot be read")
    }
    while let piece = try input.read(upToCount: 1 << 18), !piece.isEmpty {
      try append(Array(piece))
    }
  }

  /// Makes sure that the file outlives this process, under its name.
  func finish() throws {
    // A pipe or a device cannot be synchronized, and need not be.
    _ = fsync(file.fileDescriptor)
    try file.close()
    guard let target else { return }
    guard unsafe rename(path, target) == 0 else {
      throw InputError.unreadable(target, reason: "cannot be written")
    }
    self.target = nil
  }
}
