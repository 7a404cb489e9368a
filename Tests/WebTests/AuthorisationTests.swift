import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

@testable import Web

/// Who may do what where: every cell of `authorisation.csv` is asked of a server.
///
/// A column is a role on one of two accounts and its scope, about that account (`own`) or about the other
/// one (`foreign`), or the role on everything (`all`). A cell is `yes`, `empty` for a list that leaves
/// out what is asked for, or the status of the refusal.
struct AuthorisationTests {
  private static func table() throws -> (columns: [String], rows: [String: [String]]) {
    let file = Fixtures.root.appendingPathComponent("Tests/WebTests/authorisation.csv")
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let rows = lines.dropFirst().map { ($0[0], Array($0.dropFirst())) }
    return (Array(lines[0].dropFirst()), Dictionary(uniqueKeysWithValues: rows))
  }

  @Test func `every operation has a row, and every row an operation`() throws {
    let operations = try OpenAPIDocument().operations.map(\.id)
    let (columns, rows) = try Self.table()
    #expect(Set(operations).symmetricDifference(rows.keys).sorted() == [])
    #expect(Set(operations).symmetricDifference(Askings.all.keys).sorted() == [])
    #expect(rows.filter { $0.value.count != columns.count }.keys.sorted() == [])
    let roles = Role.allCases.flatMap { role in
      ["own", "foreign", "all"].map { "\(role.rawValue) \($0)" }
    }
    #expect(columns == ["nobody"] + roles)
  }

  @Test func `each caller may do what the table says, and learns of nothing else`() async throws {
    let (columns, rows) = try Self.table()
    try await TestServer.with { server in
      let world = try await World(server)
      for column in columns {
        let words = column.split(separator: " ").map(String.init)
        let role = Role(rawValue: words[0])
        let extents: [Extent] =
          words.last == "all" ? [.everything] : [.account("own-account"), .scope("own-scope")]
        var person: Int64 = 0
        if let role { person = try await server.person(column, role, on: extents) }
        let side = try #require(world.sides[words.last == "own" ? "own" : "other"])
        let place = try #require(columns.firstIndex(of: column))
        for (operation, cells) in rows.sorted(by: { $0.key < $1.key }) {
          guard let asking = Askings.all[operation] else { continue }
          server.clock.wait(seconds: 1)
          let asked = try await asking(world, side, person)
          let caller = role == nil ? Caller.nobody : try await server.session(of: person)
          let answer = try await send(asked, as: caller, to: server)
          check(answer, cells[place], asked, "\(operation) as \(column)")
        }
      }
    }
  }

  private func send(_ asked: Asked, as caller: Caller, to server: TestServer) async throws -> Answer
  {
    var request = HTTPRequest(
      asked.method,
      server.url + asked.path,
      headers: caller.headers + asked.headers
    )
    if ["PUT", "PATCH", "DELETE"].contains(asked.method) {
      request.headers.append(("If-Match", "*"))
    }
    if let lines = asked.lines {
      request.headers.append(("Content-Type", "application/x-ndjson"))
      request.body = Array(lines.utf8)
    } else if let body = asked.body {
      request.headers.append(("Content-Type", "application/json"))
      request.body = Array(body.text.utf8)
    }
    return try await server.send(request)
  }

  private func check(_ answer: Answer, _ cell: String, _ asked: Asked, _ name: String) {
    let isGood = (200..<300).contains(answer.status)
    let tells = asked.mark.map { answer.text.contains($0) }
    switch cell {
    case "yes":
      #expect(isGood, "\(name): \(answer.status) \(answer.text)")
      #expect(tells ?? true, "\(name): \(asked.mark ?? "") is missing from \(answer.text)")
    case "empty":
      #expect(isGood, "\(name): \(answer.status) \(answer.text)")
      #expect(tells == false, "\(name): tells \(asked.mark ?? "nothing that can be told apart")")
    default:
      #expect("\(answer.status)" == cell, "\(name): \(answer.status) \(answer.text)")
      #expect(tells != true, "\(name): tells \(asked.mark ?? "")")
    }
  }
}
