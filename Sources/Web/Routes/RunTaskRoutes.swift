import JSON
import Model
import Operations

/// What HCP Terraform asks about a run.
enum RunTaskRoutes {
  static let handlers: [String: APIHandler] = ["beginRunTask": begin]

  /// Answers at once; the decision is told to the address that the request names.
  private static func begin(_ call: APICall) async throws -> APIReply {
    let services = call.services
    guard let caller = try await services.callers.caller(call.text("key"), at: .runTask, call.now)
    else {
      throw Authenticator.problem(
        "the path is of no API key in force; plumb gate run-task prints a new one"
      )
    }
    let key = GateKey.runTaskSignature.derived(fromDigest: caller.digest)
    guard services.signature(key, call.bytes).isSame(as: call.text("X-TFC-Task-Signature")) else {
      throw Authenticator.problem(
        "X-TFC-Task-Signature is not of the HMAC key that plumb gate run-task prints"
      )
    }
    await services.noteUse(of: caller, at: call.now)
    let task = RunTask(call.body, account: call.text("account"))
    if task.isTrial { return .done }
    for address in task.addresses where !address.hasPrefix(services.terraform + "/") {
      throw Problem.invalid(
        "",
        "names \(address.prefix(200)), and only \(services.terraform) is called; plumb serve "
          + "--terraform names another one"
      )
    }
    guard !task.callback.isEmpty else {
      throw Problem.invalid("/task_result_callback_url", "is missing")
    }
    let principal = caller.principal
    // HCP Terraform waits for the call back, and not for this answer.
    Task { await services.runTask(task, principal) }
    return .done
  }
}
