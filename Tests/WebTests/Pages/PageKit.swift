import Foundation
import HTTP
import JSON
import Model
import Operations
import Store
import TestSupport
import Testing

@testable import Web

/// What tests of pages share: an estate that is as hostile as its names can be, forms, and a crawler.
enum PageKit {
  /// Texts that would do harm where they are not escaped.
  static let hostile = [
    "\"><script>alert(1)</script>", "'onmouseover='alert(1)", "javascript:alert(1)",
    "</textarea></title><img src=x onerror=alert(1)>", "&lt;b&gt; {{7*7}} ${7*7}",
  ]

  /// Uploads buckets whose texts are hostile, twice, so that there is something to compare.
  static func estate(_ server: TestServer, _ administrator: Caller) async throws {
    try await server.change { transaction in
      for name in ["own-scope", "other-scope"] {
        try transaction.put(Scope(name: name, parent: "", includes: [], excludes: []))
      }
    }
    for round in 0..<2 {
      server.clock.wait(seconds: 3600)
      let lines = hostile.enumerated().map { index, text in
        Resource(
          provider: "test",
          account: "shop",
          region: text,
          kind: ResourceKind(service: "store", kind: "bucket"),
          id: "bucket \(index) \(text)",
          name: text,
          tags: [("owner", text), (text, "x")],
          configuration: [
            "encrypted": .bool(round == 1 && index == 0), "retention": index > 1 ? 7 : 60,
            "note": .string(text),
          ]
        ).inventoryLine.text
      }
      var request = HTTPRequest(
        "POST",
        server.url
          + "/api/v1/scans?account=shop&complete=true&subject=\(Address.encoded(hostile[0]))",
        headers: administrator.headers
      )
      request.headers.append(("Content-Type", "application/x-ndjson"))
      request.body = Array((lines.joined(separator: "\n") + "\n").utf8)
      let answer = try await server.send(request)
      #expect(answer.status == 201, "\(answer.text)")
    }
  }

  /// Requests an exception whose texts are hostile.
  static func exception(_ server: TestServer, _ editor: Caller) async throws {
    let text = hostile[3]
    let answer = try await server.send(
      "POST",
      "/api/v1/exceptions",
      as: editor,
      [
        "rule": "test.bucket.encrypted", "resource": .string("bucket 1 \(hostile[1])"),
        "reason": .string(text), "owner": .string(text), "compensating_control": .string(text),
        "expires_at": .string("\(server.clock.now.advanced(days: 20))"),
      ]
    )
    #expect(answer.status == 201, "\(answer.text)")
  }
}

extension TestServer {
  /// A page as a browser asks for it.
  func page(_ path: String, as caller: Caller = .nobody) async throws -> Answer {
    try await send("GET", path, as: caller, headers: [("Accept", "text/html")])
  }

  /// Sends a form; with the token that forms of the caller carry unless it says otherwise.
  func form(
    _ path: String,
    as caller: Caller = .nobody,
    _ fields: KeyValuePairs<String, String>,
    headers: [(name: String, value: String)] = []
  ) async throws -> Answer {
    try await form(path, as: caller, pairs: fields.map { ($0.key, $0.value) }, headers: headers)
  }

  /// The same with fields that are not known before.
  func form(
    _ path: String,
    as caller: Caller,
    pairs fields: [(String, String)],
    headers: [(name: String, value: String)] = []
  ) async throws -> Answer {
    var pairs = fields
    if case .session(let token) = caller, !pairs.contains(where: { $0.0 == "csrf" }) {
      pairs.append(("csrf", Session.antiForgery(token)))
    }
    let cookie = caller.headers.filter { $0.name == "Cookie" }
    var request = HTTPRequest("POST", url + path, headers: cookie + headers)
    request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
    request.headers.append(("Accept", "text/html"))
    let body = pairs.map { "\(Address.encoded($0.0))=\(Address.encoded($0.1))" }
    request.body = Array(body.joined(separator: "&").utf8)
    return try await send(request)
  }

  /// Every page that links lead to, from some pages on.
  ///
  /// Of pages that differ in their query only, a few stand for all.
  func crawl(from starts: [String], as caller: Caller) async throws -> [(
    path: String, text: String
  )] {
    var (queue, known, found) = (starts, Set(starts), [(path: String, text: String)]())
    var perPath: [String: Int] = [:]
    while let path = queue.popLast() {
      let answer = try await page(path, as: caller)
      #expect(answer.status == 200, "\(path): \(answer.status)")
      guard answer[header: "Content-Type"]?.hasPrefix("text/html") ?? false,
        !path.hasPrefix("/api/")
      else { continue }
      #expect(answer[header: "Content-Security-Policy"] == PageServer.policy)
      found.append((path, answer.text))
      for match in answer.text.matches(of: /(?:href|src)="(\/[^"]*)"/) {
        let link = String(match.1).replacing("&amp;", with: "&").replacing("&#39;", with: "'")
        let bare = String(link.prefix { $0 != "?" })
        guard known.insert(link).inserted, perPath[bare, default: 0] < 25 else { continue }
        perPath[bare, default: 0] += 1
        queue.append(link)
      }
    }
    return found
  }
}
