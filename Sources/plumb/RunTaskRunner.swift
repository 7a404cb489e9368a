import ArgumentParser
import Collectors
import Foundation
import HTTP
import JSON
import Model
import Operations
import Store

/// Fetches the plan of a run of Terraform, decides about it, and calls back.
struct RunTaskRunner: Sendable {
  let store: DataStore
  let guards: GuardKeeper
  let client: any HTTPClient
  let mappings: [TerraformMapping]

  /// Why a plan is not to be had.
  private struct Unread: Error, CustomStringConvertible {
    let description: String
  }

  /// Decides as a principal may ask, and tells the outcome, whatever happens.
  func run(_ task: RunTask, _ principal: Principal) async {
    var answer: JSONValue
    do {
      answer = try await decide(task, principal)
    } catch {
      answer = task.failure("\(error)")
    }
    for pause in [1, 5, 25] {
      if await tell(answer, task) { return }
      try? await Task.sleep(for: .seconds(pause))
    }
    if await !tell(answer, task) {
      complain("\(task.subject): what was decided could not be told to \(task.callback)")
    }
  }

  private func tell(_ answer: JSONValue, _ task: RunTask) async -> Bool {
    var request = HTTPRequest("PATCH", task.callback, headers: headers(task))
    request.body = Array(answer.text.utf8)
    guard let response = try? await client.send(request) else { return false }
    // What is refused for good is not sent again.
    return (200..<500).contains(response.status) && response.status != 429
  }

  private func headers(_ task: RunTask) -> [(name: String, value: String)] {
    [
      ("Authorization", "Bearer \(task.token.revealed)"),
      ("Content-Type", "application/vnd.api+json"), ("User-Agent", "plumb"),
    ]
  }

  private func decide(_ task: RunTask, _ principal: Principal) async throws -> JSONValue {
    guard !task.plan.isEmpty else {
      throw Unread(
        description: "the stage \(task.stage) has no plan; let the run task run at post_plan"
      )
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
      at: folder,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("plan.json")
    try Data(try await plan(task)).write(to: file)
    var collected: [Collected] = []
    try TerraformCollector(files: [file.path], mappings: mappings).collect {
      collected.append($0)
    }
    let now = timeOfDay()
    let set = try await guards.current(at: now)
    let sight = principal.sight(.read)
    for resource in collected.resources {
      var resource = resource
      if resource.account.isEmpty { resource.account = task.account }
      guard sight.contains(set.place(of: resource), set.scopes) else {
        throw Unread(
          description: "\(principal.name) may not read where \(resource.id) will be; "
            + "plumb gate run-task --account names the account"
        )
      }
    }
    let exceptions = try await store.read { try $0.exceptionsInForce(at: now) }
    let (decisions, scan) = try await Gate(set, exceptions: exceptions).decisions(
      of: collected,
      at: now,
      account: task.account,
      subject: task.subject,
      toolVersion: Plumb.configuration.version
    )
    let actor = task.actor.isEmpty ? principal.name : task.actor
    guards.log.note(
      zip(decisions, collected.resources).map { decision, resource in
        LoggedDecision(
          decision,
          GuardKeeper.Request(resource, isNew: false, actor: actor, gate: "run-task")
        )
      }
    )
    return task.answer(
      GateReport(
        decisions.map { $0.json() },
        subject: task.subject,
        toolVersion: Plumb.configuration.version,
        at: now,
        diagnostics: scan.diagnostics,
        notCovered: scan.notCovered,
        outside: scan.outside
      )
    )
  }

  /// The plan's bytes; it may lie elsewhere, at an address that needs no token.
  private func plan(_ task: RunTask) async throws -> [UInt8] {
    var request = HTTPRequest("GET", task.plan, headers: headers(task))
    for _ in 0..<4 {
      let response = try await client.send(request)
      if response.status == 200 { return response.body }
      guard (300..<400).contains(response.status), let next = response[header: "Location"],
        next.hasPrefix("https://")
      else {
        throw Unread(description: "the plan cannot be read: status \(response.status)")
      }
      request = HTTPRequest("GET", next, headers: [("User-Agent", "plumb")])
    }
    throw Unread(description: "the plan cannot be read: too many redirects")
  }
}
