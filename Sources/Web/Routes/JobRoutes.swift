import JSON
import Model
import Operations
import Store

/// Jobs: what servers and workers do by themselves.
enum JobRoutes {
  static let handlers: [String: APIHandler] = [
    "listJobs": list, "showJob": show, "retryJob": retry, "cancelJob": cancel,
    "followJob": follow,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let sight = call.sight
    let filter = JobFilter(
      states: Set(call.texts("state").compactMap { JobState(rawValue: $0) }),
      account: call["account"]?.string,
      kind: call["kind"]?.string,
      run: call["run"] == nil ? nil : call.number("run")
    )
    return try await call.page { transaction, before, limit in
      let names = try Places(transaction).names
      return try transaction.jobs(filter, before: before, limit: limit).map { job in
        (job.id, sight.contains(job.target, names) ? job.json : nil)
      }
    }
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    .tagged(try await call.read { try find($0, call) }.json)
  }

  /// The job that the path names, if the caller sees its account.
  static func find(_ transaction: StoreTransaction, _ call: APICall) throws -> Job {
    let job = try transaction.job(call.number())
    guard call.sight.contains(job.target, try Places(transaction).names) else {
      throw Problem.notFound("job", job.id)
    }
    return job
  }

  private static func follow(_ call: APICall) async throws -> APIReply {
    let number = try await call.read { try find($0, call).id }
    return try call.events("job \(number)") { transaction in
      let job = try transaction.job(number)
      return Watched(state: job.standing, hasEnded: !job.state.isOpen)
    }
  }

  private static func retry(_ call: APICall) async throws -> APIReply {
    try await change(call) { try $0.retryJob($1) }
  }

  private static func cancel(_ call: APICall) async throws -> APIReply {
    try await change(call) { try $0.cancelJob($1) }
  }

  private static func change(
    _ call: APICall,
    _ body: @Sendable @escaping (StoreTransaction, Int64) throws -> Void
  ) async throws -> APIReply {
    let job = try await call.write { transaction in
      let job = try find(transaction, call)
      try body(transaction, job.id)
      return try transaction.job(job.id)
    }
    return .json(job.json)
  }
}

extension Sight {
  /// Whether all that a job reads is in sight; one whose account only the credential knows is in
  /// that of those who see everything.
  func contains(_ target: JobTarget, _ names: [String: [String]]) -> Bool {
    guard !target.account.isEmpty else { return isEverything }
    return containsAccount(names[target.account] ?? [target.account])
  }
}
