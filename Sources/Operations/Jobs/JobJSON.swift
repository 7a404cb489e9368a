package import JSON
package import Store

// Jobs and runs as JSON: the same on standard output and through the API.

extension Job {
  /// All of the job.
  package var json: JSONValue {
    [
      "id": .integer(id), "kind": .string(kind), "provider": .string(target.provider),
      "account": target.account.isEmpty ? .null : .string(target.account),
      "credential": .string(target.credential), "state": .string(state.rawValue),
      "attempts": .integer(Int64(attempts)), "not_before": .string("\(notBefore)"),
      "owner": owner.isEmpty ? .null : .string(owner),
      "leased_until": state == .leased ? .string("\(leasedUntil)") : .null,
      "scan": scan.map { .integer($0) } ?? .null,
      "reason": reason.isEmpty ? .null : .string(reason), "progress": progress,
      "created_at": .string("\(createdAt)"), "created_by": .string(createdBy),
      "started_at": startedAt.map { .string("\($0)") } ?? .null,
      "finished_at": finishedAt.map { .string("\($0)") } ?? .null,
    ]
  }
}

extension Job {
  /// How far the job is: what a heartbeat changes, but for the lease itself.
  package var standing: JSONValue {
    let told = [
      "id", "state", "attempts", "scan", "reason", "progress", "started_at", "finished_at",
    ]
    let all = json
    return .object(JSONObject(told.map { (key: $0, value: all[$0] ?? .null) }))
  }
}

extension ScanRecord {
  /// The job that the scan is made for, by a worker or a collector; nil where a person made it.
  package var job: Int64? {
    actor.wholeMatch(of: /(worker|collector)\/job-([0-9]+)/).flatMap { Int64($0.2) }
  }

  /// How far the scan is.
  package func standing(_ transaction: StoreTransaction) throws -> JSONValue {
    let tasks = try transaction.tasks(of: id)
    let done = tasks.filter { $0.state == .done }.count
    let job = try job.flatMap { try transaction.jobIfKept($0) }
    return [
      "id": .integer(id), "status": .string(status.rawValue),
      "tasks": ["done": .integer(Int64(done)), "all": .integer(Int64(tasks.count))],
      "finished": finished.map { .string("\($0)") } ?? .null, "report": report,
      "job": job?.standing ?? .null,
    ]
  }
}

extension AttachmentRun {
  /// All of the run.
  package var json: JSONValue {
    [
      "id": .integer(id), "attachment": .integer(attachment), "due_at": .string("\(dueAt)"),
      "cause": .string(cause.rawValue), "requested_by": .string(requestedBy),
      "created_at": .string("\(createdAt)"),
    ]
  }
}

extension Scheduler.StartedRun {
  /// The run with its jobs.
  package var json: JSONValue {
    [
      "run": .integer(run), "attachment": .integer(attachment), "due_at": .string("\(dueAt)"),
      "jobs": .array(jobs.map(\.json)),
    ]
  }
}

extension Scheduler.StartedJob {
  fileprivate var json: JSONValue {
    [
      "id": .integer(job), "provider": .string(target.provider),
      "account": target.account.isEmpty ? .null : .string(target.account),
      "credential": .string(target.credential), "new": .bool(isNew),
    ]
  }
}
