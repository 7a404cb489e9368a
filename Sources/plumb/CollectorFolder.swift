import Foundation
import JSON
import Model
import Operations
import Vault

/// What a collector keeps: its key, where it stands with the server, and its jobs.
struct CollectorFolder: Sendable {
  let path: String
  /// Held while the folder is in use.
  private let lock: LockFile

  /// Where a collector stands with its server.
  struct Standing: Sendable, Equatable {
    var server: String
    var id: Int64
    var name: String
    /// Of the latest reply.
    var ticket = ""
    /// The poll that was sent and not answered yet; empty for none.
    var poll = ""
  }

  /// A job that was begun.
  struct Assignment: Sendable, Equatable {
    var job: Int64
    var provider: String
    var credential: String
    /// Empty where only signing in tells.
    var account: String
  }

  /// Makes the folder, and makes sure that no other process works with it.
  ///
  /// The lock ends with the process.
  init(_ path: String) throws {
    self.path = path
    try makeFolder("\(path)/jobs")
    lock = try LockFile("\(path)/collector.lock") {
      InputError.unreadable(path, reason: "is in use by another plumb collector")
    }
  }

  /// The collector's own key, made where there is none yet.
  func key() throws -> SigningKey {
    guard let key = try KeyFile("\(path)/collector.key").make().signingKey else {
      throw VaultError.library
    }
    return key
  }

  private var standingPath: String { "\(path)/collector.json" }

  /// Where the collector stands; nil for one that is not registered.
  func standing() throws -> Standing? {
    guard let told = try object(standingPath) else { return nil }
    guard case .integer(let id)? = told["id"], let server = told["server"]?.string else {
      throw InputError.unreadable(standingPath, reason: "is damaged; register in an empty folder")
    }
    return Standing(
      server: server,
      id: id,
      name: told["name"]?.string ?? "",
      ticket: told["ticket"]?.string ?? "",
      poll: told["poll"]?.string ?? ""
    )
  }

  /// Keeps where the collector stands, before anything depends on it.
  func keep(_ standing: Standing) throws {
    try write(
      [
        "server": .string(standing.server), "id": .integer(standing.id),
        "name": .string(standing.name), "ticket": .string(standing.ticket),
        "poll": .string(standing.poll),
      ],
      standingPath
    )
  }

  /// The jobs that were begun, in order.
  func assignments() throws -> [Assignment] {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/jobs")
    return try names.filter { $0.hasSuffix(".json") }.compactMap { name in
      guard let told = try object("\(path)/jobs/\(name)"), case .integer(let job)? = told["job"]
      else { return nil }
      return Assignment(
        job: job,
        provider: told["provider"]?.string ?? "",
        credential: told["credential"]?.string ?? "",
        account: told["account"]?.string ?? ""
      )
    }.sorted { $0.job < $1.job }
  }

  /// Keeps a job that is begun.
  func keep(_ assignment: Assignment) throws {
    try write(
      [
        "job": .integer(assignment.job), "provider": .string(assignment.provider),
        "credential": .string(assignment.credential), "account": .string(assignment.account),
      ],
      "\(path)/jobs/\(assignment.job).json"
    )
  }

  /// Where the inventory of a job is; the file is there only when it is whole.
  func inventory(of job: Int64) -> String { "\(path)/jobs/\(job).ndjson" }

  /// Forgets a job, its inventory, and what scans that were killed left of one.
  func forget(_ job: Int64) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/jobs")) ?? []
    for name in names where name.hasPrefix("\(job).") {
      try? FileManager.default.removeItem(atPath: "\(path)/jobs/\(name)")
    }
  }

  /// How much room there is for inventories, in bytes.
  var room: Int64 {
    let facts = try? FileManager.default.attributesOfFileSystem(forPath: path)
    return (facts?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
  }

  private func object(_ file: String) throws -> JSONObject? {
    guard let data = FileManager.default.contents(atPath: file) else { return nil }
    guard let object = try? JSONParser().parse(data).object else {
      throw InputError.unreadable(file, reason: "is damaged; register in an empty folder")
    }
    return object
  }

  private func write(_ object: JSONObject, _ file: String) throws {
    let writer = try SpoolWriter(replacing: file)
    try writer.append(Array(JSONValue.object(object).text.utf8))
    try writer.finish()
  }
}
