import ArgumentParser
import Foundation
import JSON
import Model
import Store
import Vault
import Web

struct CollectorsCode: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "code",
    abstract: "Makes a code by which a collector registers once, within a day.",
    discussion: "Example: plumb collectors code plant-7"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The name that the collector gets.")
  var name: String

  func validate() throws {
    guard name.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]{0,63}/) != nil else {
      throw ValidationError("\"\(name)\" is no name: letters, digits, dots, dashes; 64 at most")
    }
  }

  func run() async throws {
    try await reporting {
      let name = name
      let sketch = APISketch.change(
        "POST",
        "collector-codes",
        body: ["name": .string(name)]
      ) { answer in [answer["code"]?.string ?? ""] }
      if try await change.answers({ sketch.secret() }) { return }
      let code = try SignInCode.make { try AESGCM.random($0) }
      let now = try change.at.instant()
      _ = try await change.write(at: now) { transaction in
        try transaction.addCollectorCode(
          name,
          digest: SignInCode.digest(code),
          expiresAt: now.advanced(days: 1)
        )
      }
      print(code)
    }
  }
}

struct CollectorsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the collectors that registered: state, version, last contact, backlog.",
    discussion: "Example: plumb collectors list --format json"
  )

  @OptionGroup var reading: ReadOptions
  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "collector",
        columns: ["id", "name", "state", "version", "host", "last_contact", "backlog"]
      )
      if try await reading.answers(output.format, { APISketch.list("collectors", show: list) }) {
        return
      }
      let (found, now) = try await reading.read { (try $0.collectors(), $1) }
      output.list(found, "collector", cells: { $0.cells(at: now) }, json: { $0.json(at: now) })
    }
  }
}

extension CollectorRecord {
  fileprivate func cells(at now: Instant) -> [String] {
    let isSilent = json(at: now)["is_silent"]?.bool ?? false
    return [
      "\(id)", name, state.rawValue, version, host,
      (lastContact.map { "\($0)" } ?? "never heard") + (isSilent ? " (silent)" : ""),
      "backlog \(backlog)",
    ]
  }
}

struct CollectorsShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a collector: its health, its key, what it signs in with.",
    discussion: "Example: plumb collectors show plant-7"
  )

  @OptionGroup var reading: ReadOptions

  @Argument(help: "The collector's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let name = name
      let sketch = APISketch("GET", "collectors", "$COLLECTOR").filling(.collector(name))
      if try await reading.answers(.text, { sketch }) { return }
      let (found, now) = try await reading.read { (try $0.collector(named: name), $1) }
      print(found.json(at: now).indented)
    }
  }
}

extension StoreTransaction {
  /// The collector of a name.
  fileprivate func collector(named name: String) throws -> CollectorRecord {
    guard let found = try collectors().first(where: { $0.name == name }) else {
      throw StoreError.notFound(kind: "collector", name: name)
    }
    return found
  }
}

extension FillIn {
  /// The id of the collector of a name.
  fileprivate static func collector(_ name: String) -> FillIn {
    FillIn(
      name: "COLLECTOR",
      source: .lookup(
        path: "/api/v1/collectors?limit=500",
        member: "name",
        value: name,
        take: "id",
        missing: nil
      )
    )
  }
}

struct CollectorsApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Lets a collector work that registered, or that was stopped.",
    discussion: """
      Compare first the SHA-256 of its key (plumb collectors show) with what the collector printed.

      Example: plumb collectors approve plant-7
      """
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The collector's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let name = name
      let words = ["\(name) may work"]
      let sketch = APISketch.change("POST", "collectors", "$COLLECTOR", "approval") { _ in words }
        .filling(.collector(name))
      if try await change.answers({ sketch }) { return }
      _ = try await change.write { transaction in
        try transaction.approveCollector(transaction.collector(named: name).id)
      }
      for line in words { print(line) }
    }
  }
}

/// Ends a collector's work, for now or for good.
struct CollectorsStop: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Keeps a collector from working until it is approved again, or for good.",
    discussion: """
      Examples:
        plumb collectors stop plant-7 --reason 'the plant moves'
        plumb collectors stop plant-7 --revoke --reason 'the machine was stolen'
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(name: .long, help: "Why.")
  var reason: String

  @Flag(name: .long, help: "Refuse its key for good.")
  var revoke = false

  @Argument(help: "The collector's name.")
  var name: String

  func run() async throws {
    try await reporting {
      let (name, reason, revoke) = (name, reason, revoke)
      let words = ["\(name) is \(revoke ? "revoked" : "stopped")"]
      let sketch = APISketch.change(
        "POST",
        "collectors",
        "$COLLECTOR",
        revoke ? "revocation" : "stop",
        body: ["reason": .string(reason)]
      ) { _ in words }.filling(.collector(name))
      if try await change.answers({ sketch }) { return }
      let actor = change.person.actor
      _ = try await change.write { transaction in
        try transaction.endCollector(
          transaction.collector(named: name).id,
          as: revoke ? .revoked : .stopped,
          reason: "\(reason) (\(actor))"
        )
      }
      for line in words { print(line) }
    }
  }
}

struct CollectorsScan: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Asks for a scan with a credential that a collector holds.",
    discussion: "Example: plumb collectors scan plant-7 audit"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The collector's name.")
  var name: String

  @Argument(help: "The credential's name, or surroundings.")
  var credential: String

  func run() async throws {
    try await reporting {
      let (name, credential) = (name, credential)
      let sketch = APISketch.change(
        "POST",
        "collectors",
        "$COLLECTOR",
        "jobs",
        body: ["credential": .string(credential)]
      ) { ["job \($0["job"]?.cell ?? "")"] }.filling(.collector(name))
      if try await change.answers({ sketch }) { return }
      let (job, _) = try await change.write { transaction in
        let id = try transaction.collector(named: name).id
        return try transaction.enqueue(collector: id, credential: credential)
      }
      print("job \(job)")
    }
  }
}
