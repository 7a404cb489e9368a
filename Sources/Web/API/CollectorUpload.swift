import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization

/// An inventory that a collector hands in for one of its jobs.
struct CollectorUpload: Sendable {
  let file: UploadFile
  private let record: UploadRecord
  private let job: Job
  private let collector: CollectorRecord
  private let services: Services

  /// The upload of the job that the path names, which the collector must have.
  init(_ call: APICall, of collector: CollectorRecord) async throws {
    let (number, services) = (call.number("job"), call.services)
    let path = "\(services.uploadFolder)/\(number).part"
    let found = try await services.store.write(as: collector.owner, at: call.now) { transaction in
      let job = try transaction.leasedJob(number, of: collector)
      return (job, try transaction.upload(of: number, by: collector.id, path: path))
    }
    (job, record) = found
    file = UploadFile(path: record.path)
    (self.collector, self.services) = (collector, services)
  }

  /// How long a request waits for the judging, in milliseconds; it is sent again then.
  private static let patience = 10_000
  /// How long a judge that is silent keeps an upload, in milliseconds.
  private static let hold: Int64 = 60_000

  /// Has an inventory judged that has come whole.
  static func completed(_ call: APICall, by collector: CollectorRecord) async throws -> APIReply {
    let number = call.number("job")
    let (former, job) = try await call.read { transaction in
      (try transaction.upload(of: number), try transaction.job(number))
    }
    if let former, former.collector == collector.id, let scan = former.scan, job.state == .done {
      return .json(["state": "done", "scan": .integer(scan)])
    }
    return try await CollectorUpload(call, of: collector).completed(call)
  }

  private func completed(_ call: APICall) async throws -> APIReply {
    let body = call.body
    let account = body["account"]?.string ?? ""
    guard job.target.account.isEmpty || job.target.account == account else {
      throw Problem.invalid("/account", "is not \(job.target.account), which the job is about")
    }
    let length = try file.length
    guard length == Int64(body["length"]?.whole ?? -1) else {
      throw Problem(409, "offset", "Not all has come", "offset \(length) comes next")
    }
    // Another request of the same process is another judge.
    let judge = "\(LeaseOwner.current) \(UUID().uuidString)"
    guard try await isHeld(by: judge) else { return .json(["state": "judging"]) }
    guard try Digest.sha256(ofFile: record.path) == body["sha256"]?.string else {
      file.remove()
      try await end(judge, scan: nil)
      throw Problem(409, "offset", "What has come is damaged", "offset 0 comes next")
    }
    let inventory = InventoryUpload(
      account: account,
      subject: body["subject"]?.string ?? account,
      isComplete: false,
      actor: "collector/job-\(job.id)",
      at: call.now
    )
    let outcome = Outcome()
    // The judging goes on although the request may end before it.
    Task { outcome.set(await judged(inventory, judge)) }
    for _ in 0..<(Self.patience / 50) {
      if let result = outcome.value {
        return .json(["state": "done", "scan": .integer(try result.get())])
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    return .json(["state": "judging"])
  }

  /// What the judging came to.
  private final class Outcome: Sendable {
    private let state = Mutex<Result<Int64, any Error>?>(nil)

    var value: Result<Int64, any Error>? { state.withLock { $0 } }

    func set(_ result: Result<Int64, any Error>) { state.withLock { $0 = result } }
  }

  private func isHeld(by judge: String) async throws -> Bool {
    let now = services.clock()
    return try await services.store.write(as: collector.owner, at: now) { transaction in
      try transaction.holdUpload(
        of: job.id,
        judge: judge,
        until: now.advanced(milliseconds: Self.hold)
      )
    }
  }

  private func end(_ judge: String, scan: Int64?) async throws {
    try await services.store.write(as: collector.owner, at: services.clock()) { transaction in
      try transaction.endUpload(of: job.id, judge: judge, scan: scan)
    }
  }

  private func judged(_ inventory: InventoryUpload, _ judge: String) async -> Result<
    Int64, any Error
  > {
    let keeping = Task {
      while !Task.isCancelled {
        try await Task.sleep(for: .seconds(15))
        _ = try? await isHeld(by: judge)
      }
    }
    defer { keeping.cancel() }
    do {
      try await cancelLeftovers(of: inventory.actor)
      // A server that was killed may have judged it, and not have said so.
      let (actor, since) = (inventory.actor, job.createdAt)
      let kept = try await services.store.read { try $0.finishedScan(of: actor, since: since) }
      let scan =
        if let kept { kept.id } else { try await services.judge(inventory, body) }
      try await services.store.write(as: collector.owner, at: services.clock()) { transaction in
        try transaction.endUpload(of: job.id, judge: judge, scan: scan)
        let current = try transaction.leasedJob(job.id, of: collector)
        _ = try transaction.finish(current, progress: ["phase": "kept"], scan: scan)
      }
      file.remove()
      return .success(scan)
    } catch {
      await fail(error, judge)
      return .failure(error)
    }
  }

  /// Scans of the same job that a server began, which then went away.
  private func cancelLeftovers(of actor: String) async throws {
    try await services.store.write(as: collector.owner, at: services.clock()) { transaction in
      for scan in try transaction.openScans() where scan.actor == actor {
        try transaction.move(scan.id, to: .cancelled, report: scan.report)
      }
    }
  }

  /// Ends the job where another try would come to the same; else the collector asks again.
  private func fail(_ error: any Error, _ judge: String) async {
    let problem = Problem(error) ?? services.explain(error).map { Problem(422, "refused", "", $0) }
    let isFinal = problem.map { [409, 422].contains($0.status) } ?? false
    try? await services.store.write(as: collector.owner, at: services.clock()) { transaction in
      try transaction.endUpload(of: job.id, judge: judge, scan: nil)
      guard isFinal else { return }
      let current = try transaction.leasedJob(job.id, of: collector)
      _ = try transaction.fail(
        current,
        reason: String("\(error)".prefix(2000)),
        isFinal: true,
        retryAt: services.clock()
      )
    }
    if isFinal { file.remove() }
  }

  /// The inventory in pieces.
  private var body: UploadBody {
    let path = record.path
    return UploadBody { take in
      let input = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      while let piece = try input.read(upToCount: 1 << 20), !piece.isEmpty {
        try take(Array(piece))
      }
    }
  }
}
