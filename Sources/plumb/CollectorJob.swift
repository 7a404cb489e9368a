import Foundation
import HTTP
import JSON
import Model
import Operations
import Synchronization

/// One job of a collector: reads the account in a process of its own, then hands the inventory in.
struct CollectorJob: Sendable {
  let assignment: CollectorFolder.Assignment
  let folder: CollectorFolder
  let link: CollectorLink
  /// How long it waits after something went wrong on the way.
  let pause: Duration
  /// How many bytes a piece of an inventory has.
  let piece: Int
  /// Is told how far it is.
  let report: @Sendable (JSONValue) -> Void

  /// The credential by which a scan signs in as the machine does.
  static let surroundings = "surroundings"

  private var id: Int64 { assignment.job }

  /// How a job ended for the collector.
  enum Ending: Sendable {
    case done(scan: Int64)
    /// Nothing came of it; the server knows.
    case failed(String)
    /// The server gave it to somebody else, or it was cancelled.
    case lost
    /// The collector is to stop; it goes on when it is started again.
    case stopped
  }

  /// Does the job, going on where a former process left it.
  func run() async -> Ending {
    let path = folder.inventory(of: id)
    do {
      if !FileManager.default.fileExists(atPath: path) { try await scan(into: path) }
      return .done(scan: try await handIn(path))
    } catch let failure as JobFailure {
      return await tell(failure)
    } catch let refusal as CollectorLink.Refusal {
      return [404, 409].contains(refusal.status) ? .lost : .failed("\(refusal)")
    } catch {
      return Task.isCancelled ? .stopped : await tell(JobFailure("\(error)"))
    }
  }

  /// Tells the server that nothing came of the try.
  private func tell(_ failure: JobFailure) async -> Ending {
    do {
      let body: JSONValue = [
        "reason": .string(String(failure.description.prefix(2000))),
        "is_final": .bool(failure.isFinal),
      ]
      _ = try await persistently {
        try await link.send("POST", "/collectors/\(link.collector)/jobs/\(id)/failure", body)
      }
      return .failed(failure.description)
    } catch {
      return Task.isCancelled ? .stopped : .lost
    }
  }

  private func scan(into path: String) async throws {
    guard let provider = LiveCollector(rawValue: assignment.provider) else {
      throw JobFailure("this plumb has nothing that scans \(assignment.provider)", isFinal: true)
    }
    var arguments = ["scan", provider.rawValue, "--inventory", path, "--data", folder.path]
    if assignment.credential != Self.surroundings {
      arguments += ["--credential", assignment.credential]
    }
    let listener = ScanProcess.Listener { report($0.progress) }
    var environment = ProcessInfo.processInfo.environment
    for name in ["PLUMB_SERVER", "PLUMB_TOKEN", "PLUMB_DATA"] { environment[name] = nil }
    let process = OwnProcess(
      arguments: arguments + ["--progress-format", "json", "--lifeline"],
      environment: environment
    )
    let ending: OwnProcess.Ending
    do {
      ending = try await process.run { listener.take($0) }
    } catch {
      throw JobFailure("a process for the scan cannot be started: \(error)")
    }
    try Task.checkCancellation()
    // Whatever the verdicts are; the server judges again.
    guard FileManager.default.fileExists(atPath: path) else {
      throw JobFailure(listener.reason(ending))
    }
  }

  /// Sends what the server lacks of an inventory, and waits until it is judged.
  private func handIn(_ path: String) async throws -> Int64 {
    let facts = try FileManager.default.attributesOfItem(atPath: path)
    let length = (facts[.size] as? NSNumber)?.int64Value ?? 0
    guard length > 0, let account = try account(of: path) else {
      throw JobFailure("nothing was read that belongs to an account")
    }
    let completion: JSONValue = [
      "sha256": .string(try Digest.sha256(ofFile: path)), "length": .integer(length),
      "account": .string(account), "subject": .string(account),
    ]
    let place = "/collectors/\(link.collector)/uploads/\(id)"
    while true {
      try await upload(path, length, place)
      do {
        while true {
          let answer = try await persistently {
            try await link.send("POST", place + "/completion", completion)
          }
          if answer["state"] == "done", case .integer(let scan)? = answer["scan"] { return scan }
          report(["phase": "judging"])
          try await Task.sleep(for: .seconds(1))
        }
      } catch let refusal as CollectorLink.Refusal where refusal.kind == "offset" {
        // The server has other bytes than it had: what it lacks is sent again.
        continue
      }
    }
  }

  private func upload(_ path: String, _ length: Int64, _ place: String) async throws {
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    var offset: Int64?
    while true {
      if offset == nil {
        let answer = try await persistently { try await link.send("GET", place) }
        offset = answer["offset"]?.whole.map(Int64.init)
      }
      guard var start = offset else { throw JobFailure("the server tells no offset") }
      if start > length { start = 0 }
      if start == length { return }
      report(
        ["phase": "uploading", "uploaded": .integer(start), "bytes": .integer(length)]
      )
      try file.seek(toOffset: UInt64(start))
      let piece = Array(try file.read(upToCount: self.piece) ?? Data())
      do {
        let from = start
        let answer = try await persistently { try await link.send(piece, of: id, at: from) }
        offset = answer["offset"]?.whole.map(Int64.init)
      } catch let refusal as CollectorLink.Refusal where refusal.kind == "offset" {
        offset = nil
      }
    }
  }

  /// Asks until there is an answer that is not about the moment.
  private func persistently(_ ask: () async throws -> JSONValue) async throws -> JSONValue {
    while true {
      do {
        return try await ask()
      } catch let refusal as CollectorLink.Refusal
        where refusal.isPassing || refusal.kind == "not-approved"
      {
        report(["phase": "waiting", "reason": .string("\(refusal)")])
      } catch let error as HTTPError {
        report(["phase": "waiting", "reason": .string("\(error)")])
      }
      try await Task.sleep(for: pause)
    }
  }

  /// The account that an inventory is about.
  private func account(of path: String) throws -> String? {
    if !assignment.account.isEmpty { return assignment.account }
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
    let head = Array(try file.read(upToCount: 8 << 20) ?? Data())
    for line in head.split(separator: 0x0A) {
      let value = try? JSONParser().parse(Array(line))
      if let account = value?["account"]?.string, !account.isEmpty { return account }
    }
    return nil
  }
}
