import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// One of two accounts with everything that can be in one; a caller has a role on `own`, or on neither.
struct Side: Sendable {
  let word: String
  var account: String { "\(word)-account" }
  var scope: String { "\(word)-scope" }
  var bucket: String { "\(word)-bucket" }
  var credential: String { "\(word)-credential" }
  /// What stands in answers that tell of the account, and in no request.
  var mark: String { "mark-of-\(word)" }
  var accountNumber: Int64 = 0
  var resource: Int64 = 0
  var goal: Int64 = 0
  var scans: [Int64] = []
  var begins = Instant(milliseconds: 0)
}

/// Two accounts, kept in a server.
struct World: Sendable {
  let server: TestServer
  let administrator: Caller
  private(set) var sides: [String: Side] = [:]
  /// Somebody who has a role nowhere that matters.
  let stranger: Int64

  init(_ server: TestServer) async throws {
    self.server = server
    administrator = try await server.caller(.administrator, "first administrator")
    stranger = try await server.person("stranger", .viewer)
    for word in ["own", "other"] { sides[word] = try await side(word) }
  }

  private func side(_ word: String) async throws -> Side {
    var side = Side(word: word)
    let (account, scope, mark) = (side.account, side.scope, side.mark)
    try await server.change { transaction in
      try transaction.put(
        Scope(
          name: scope,
          parent: "",
          includes: [Scope.Selector("account=\(account)")],
          excludes: [Scope.Selector("id=\(mark)")]
        )
      )
    }
    side.begins = server.clock.now
    for isEncrypted in [true, false] {
      let answer = try await upload(to: account, lines(side, isEncrypted: isEncrypted), mark)
      guard case .integer(let scan)? = answer.json["id"] else {
        Issue.record("\(answer.text)")
        continue
      }
      side.scans.append(scan)
    }
    let made = side
    side.accountNumber = try await server.change { transaction in
      let number = try transaction.account(provider: "test", account: made.account)
      try transaction.place(number, name: made.mark, parent: nil)
      return number
    }
    let listed = try await server.send(
      "GET",
      "/api/v1/results?resource=\(side.bucket)",
      as: administrator
    )
    let result = try #require(listed.json["items"]?.array?.first)
    if case .integer(let number)? = result["resource_number"] { side.resource = number }
    if case .integer(let number)? = result["goal"] { side.goal = number }
    return side
  }

  private func lines(_ side: Side, isEncrypted: Bool) -> String {
    [
      TestContent.bucket(
        side.bucket,
        account: side.account,
        isEncrypted: isEncrypted,
        name: side.mark
      ),
      Coverage(
        account: side.account,
        kind: ResourceKind(service: "store", kind: "bucket"),
        gap: side.mark
      ).inventoryLine.text,
    ].joined(separator: "\n") + "\n"
  }

  private func upload(to account: String, _ lines: String, _ subject: String) async throws -> Answer
  {
    server.clock.wait(seconds: 1)
    let path = "/api/v1/scans?account=\(account)&subject=\(subject)"
    var request = HTTPRequest("POST", server.url + path, headers: administrator.headers)
    request.headers.append(("Content-Type", "application/x-ndjson"))
    request.body = Array(lines.utf8)
    return try await server.send(request)
  }

  /// Ends every scan that has not ended.
  func endScans() async throws {
    try await server.change { transaction in
      for scan in try transaction.openScans() {
        try transaction.move(scan.id, to: .cancelled, report: scan.report)
      }
    }
  }
}
