import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Store

struct ExceptionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exceptions",
    abstract: "Requests, approves, revokes and lists exceptions: failures accepted for a time.",
    subcommands: [
      ExceptionsRequest.self, ExceptionsApprove.self, ExceptionsRevoke.self, ExceptionsList.self,
      ExceptionsReport.self,
    ]
  )
}

struct ExceptionsRequest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "request",
    abstract: "Requests an exception, which another person has to approve.",
    discussion: """
      The failure is still evaluated, and the score is shown with and without it. A day means that
      the exception holds until the end of that day in UTC.

      Example:
        plumb exceptions request --rule aws.s3.versioning --resource 'scratch-*' \\
          --reason 'Rebuilt every night' --owner 'data platform' \\
          --control 'Nightly copy in another account' --expires 2027-01-31
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(name: .long, help: "The rule's id or an earlier one.")
  var rule: String

  @Option(
    name: .long,
    help: ArgumentHelp("The resource's id; * and ? are wildcards.", valueName: "pattern")
  )
  var resource: String

  @Option(name: .long, help: ArgumentHelp("Why the failure is accepted.", valueName: "text"))
  var reason: String

  @Option(name: .long, help: ArgumentHelp("Who answers for it.", valueName: "person"))
  var owner: String

  @Option(name: .long, help: ArgumentHelp("What is done instead.", valueName: "text"))
  var control: String

  @Option(
    name: .long,
    help: ArgumentHelp("The last day, or the instant of its end.", valueName: "day-or-instant")
  )
  var expires: String

  @Option(name: .long, help: ArgumentHelp("Only resources in this scope.", valueName: "name"))
  var scope = "all"

  func run() async throws {
    try await reporting {
      if try await change.answers({ try sketch() }) { return }
      let written = rule
      let shipped = try RuleIndex(ContentLibrary.layered().rules())[rule]?.id
      let request = ExceptionRequest(
        rule: shipped ?? rule,
        resource: resource,
        scope: scopeName(scope),
        reason: reason,
        owner: owner,
        compensatingControl: control,
        expiresAt: try dayOrInstant(expires, option: "--expires", isEnd: true)
      )
      let number = try await change.write { transaction in
        if shipped == nil, try !transaction.goals().values.contains(where: { $0.rule == written }) {
          throw GoalError.noSuchRule(written)
        }
        return try transaction.request(request)
      }
      print(
        "EX-\(number) is requested; another person approves it: plumb exceptions approve EX-\(number)"
      )
    }
  }
}

extension ExceptionsRequest {
  private func sketch() throws -> APISketch {
    let ends = try dayOrInstant(expires, option: "--expires", isEnd: true)
    let body: JSONValue = [
      "rule": .string(rule), "resource": .string(resource), "scope": .string(scopeName(scope)),
      "reason": .string(reason), "owner": .string(owner),
      "compensating_control": .string(control), "expires_at": .string("\(ends)"),
    ]
    return .change("POST", "exceptions", body: body) { made in
      let name = made["name"]?.cell ?? ""
      return [
        "\(name) is requested; another person approves it: plumb exceptions approve \(name)"
      ]
    }
  }
}

struct ExceptionsApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Approves an exception that another person requested; it holds from now on.",
    discussion: "Example: plumb exceptions approve EX-7 --as 'security lead'"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The exception, such as EX-7 or 7.")
  var id: ExceptionName

  func run() async throws {
    try await reporting {
      let number = id.number
      let sketch = APISketch.change("POST", "exceptions", "\(number)", "approval") { made in
        let ends = made["expires_at"]?.string.flatMap { Instant($0) }
        return ["EX-\(number) holds until \(ends?.lastDay ?? "its end")"]
      }
      if try await change.answers({ sketch }) { return }
      let found = try await change.write { transaction in
        try transaction.approveException(number)
        return try transaction.exception(number)
      }
      print("\(found.name) holds until \(found.expiresAt.lastDay)")
    }
  }
}

struct ExceptionsRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Ends an exception now, or withdraws a request.",
    discussion: "Example: plumb exceptions revoke EX-7"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The exception, such as EX-7 or 7.")
  var id: ExceptionName

  func run() async throws {
    try await reporting {
      let number = id.number
      let sketch = APISketch.change("DELETE", "exceptions", "\(number)") { _ in
        ["EX-\(number) is revoked; what it covered counts from now on"]
      }
      if try await change.answers({ sketch.matching(.current(sketch.path)) }) { return }
      try await change.write { try $0.revokeException(number) }
      print("EX-\(number) is revoked; what it covered counts from now on")
    }
  }
}

struct ExceptionsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists exceptions with where they are in their life.",
    discussion: """
      Examples:
        plumb exceptions list --state approved
        plumb exceptions list --format json
      """
  )

  @OptionGroup var records: ReadOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Only those in this state.", valueName: "requested|approved|expired|revoked")
  )
  var state: String?

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let wanted = try state.map { word in
        guard let state = ExceptionRecord.State(rawValue: word) else {
          throw ValidationError(
            "--state \"\(word)\" is none of requested, approved, expired, revoked"
          )
        }
        return state
      }
      let list = APISketch.List(
        noun: "exception",
        columns: ExceptionRecord.columns
      )
      let sketch = APISketch.list("exceptions", show: list).asking("state", state)
      if try await records.answers(output.format, { sketch }) { return }
      let (found, now) = try await records.read { transaction, now in
        let found = try transaction.exceptions().filter {
          $0.requestedAt <= now && (wanted == nil || $0.state(at: now) == wanted)
        }
        return (found, now)
      }
      output.list(
        found,
        "exception",
        cells: { $0.cells(at: now) },
        json: { $0.json(at: now) }
      )
    }
  }
}

struct ExceptionsReport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Tells which exceptions are unused, orphaned, ending soon or waiting.",
    discussion: "Example: plumb exceptions report"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let columns = ExceptionRecord.columns
      let answer = APISketch.Answer.object(
        tables: ["unused": columns, "orphaned": [], "ending_soon": columns, "waiting": columns]
      )
      let sketch = APISketch("GET", "exception-report").answering(answer)
      if try await records.answers(output.format, { sketch }) { return }
      let (report, now) = try await records.read { (try ExceptionReport($0, at: $1), $1) }
      output.show(report.json(at: now), report.lines(at: now))
    }
  }
}

/// An exception's number as people write it.
struct ExceptionName: ExpressibleByArgument {
  var number: Int64

  init?(argument: String) {
    let digits = argument.uppercased().hasPrefix("EX-") ? argument.dropFirst(3) : argument[...]
    guard let number = Int64(digits), number > 0 else { return nil }
    self.number = number
  }
}

extension ExceptionRecord {
  /// The columns of a list of a server.
  fileprivate static var columns: [Column] {
    ["name", "state", "until=expires_at", "rule", "resource", "scope", "owner", "reason"]
  }

  fileprivate func cells(at instant: Instant) -> [String] {
    [
      name, state(at: instant).rawValue, "until \(expiresAt.lastDay)", rule, resource,
      scope.isEmpty ? "" : "in \(scope)", "owner \(owner)", reason,
    ]
  }
}

extension ExceptionReport {
  /// A part of the report for people.
  fileprivate struct Section {
    var word: String
    var title: String
    var rows: [[String]]
    var advice: String
  }

  fileprivate func sections(at instant: Instant) -> [Section] {
    [
      Section(
        word: "unused",
        title: "Unused: in force, and no present failure is covered",
        rows: unused.map { $0.cells(at: instant) },
        advice: "plumb exceptions revoke ID, or keep it where the failure comes and goes"
      ),
      Section(
        word: "orphaned",
        title: "Orphaned: the resource or the rule is gone",
        rows: orphaned.map { $0.exception.cells(at: instant) + [$0.reason] },
        advice: "plumb exceptions revoke ID; request another where the resource has a new name"
      ),
      Section(
        word: "ending soon",
        title: "Ending within \(Status.notice) days",
        rows: expiring.map { $0.cells(at: instant) },
        advice: "mend the failure, or request another exception before this one ends"
      ),
      Section(
        word: "waiting",
        title: "Waiting for approval",
        rows: requested.map { $0.cells(at: instant) + ["by \($0.requester)"] },
        advice: "another person than the requester: plumb exceptions approve ID, or revoke ID"
      ),
    ]
  }

  fileprivate func lines(at instant: Instant) -> [String] {
    let sections = sections(at: instant)
    let filled = sections.filter { !$0.rows.isEmpty }.flatMap { section in
      ["\(section.title): \(section.rows.count)"] + columns(section.rows, indent: 2)
        + ["  What to do: \(section.advice)", ""]
    }
    return filled + [sections.map { "\($0.rows.count) \($0.word)" }.joined(separator: ", ")]
  }

  fileprivate func json(at instant: Instant) -> JSONValue {
    [
      "unused": .array(unused.map { $0.json(at: instant) }),
      "orphaned": .array(
        orphaned.map { orphan in
          var object = orphan.exception.json(at: instant).object ?? JSONObject()
          object["orphaned_because"] = .string(orphan.reason)
          return .object(object)
        }
      ),
      "ending_soon": .array(expiring.map { $0.json(at: instant) }),
      "waiting": .array(requested.map { $0.json(at: instant) }),
    ]
  }
}
