import Foundation
import HTTP
import JSON
import Model
import Store
import TestSupport
import Testing

@testable import Web

/// What pages do: sign somebody in and out, show the figures of the API, and change things by forms.
struct PageFlowTests {
  @Test func `a code signs in by a button, and is not used up by looking`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("ada", .viewer)
      let code = try await server.code(of: person)
      let away = try await server.page("/results?verdict=fail")
      #expect(away.status == 303)
      #expect(away[header: "Location"] == "/sign-in?next=%2Fresults%3Fverdict%3Dfail")
      for _ in 0..<2 {
        let shown = try await server.page("/?code=\(Address.encoded(code))")
        #expect(shown.status == 200)
        #expect(shown.text.contains("value=\"\(code.replacing("+", with: "+"))\""))
      }
      let wrong = try await server.form("/sign-in", ["code": "\(code)x"])
      #expect(wrong.status == 401)
      #expect(wrong.text.contains("value=\"\(code)x\""))
      let foreign = try await server.form(
        "/sign-in",
        ["code": code],
        headers: [("Origin", "https://elsewhere.example")]
      )
      #expect(foreign.status == 403)
      let answer = try await server.form(
        "/sign-in",
        ["code": code, "next": "/results?verdict=fail"]
      )
      #expect(answer.status == 303)
      #expect(answer[header: "Location"] == "/results?verdict=fail")
      let cookie = try #require(answer[header: "Set-Cookie"])
      #expect(cookie.contains("HttpOnly; SameSite=Lax"))
      let token = String(try #require(cookie.firstMatch(of: /plumb=([^;]+)/)).1)
      let home = try await server.page("/", as: .session(token))
      #expect(home.status == 200)
      #expect(home.text.contains("<strong>ada</strong>"))
      let again = try await server.form("/sign-in", ["code": code])
      #expect(again.status == 401)
      let out = try await server.form("/sign-out", as: .session(token), [:])
      #expect(out[header: "Location"] == "/sign-in?notice=signed-out")
      #expect(try await server.page("/", as: .session(token)).status == 303)
    }
  }

  @Test func `signing in leads nowhere else`() async throws {
    try await TestServer.with { server in
      let person = try await server.person("ada", .viewer)
      for place in [
        "https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere", "javascript:1",
      ] {
        let code = try await server.code(of: person)
        let answer = try await server.form("/sign-in", ["code": code, "next": place])
        #expect(answer[header: "Location"] == "/")
      }
    }
  }

  @Test func `a form of another site changes nothing`() async throws {
    try await TestServer.with { server in
      let world = try await World(server)
      let side = try #require(world.sides["own"])
      let editor = try await server.session(of: server.person("eve", .editor))
      let fields: KeyValuePairs = [
        "csrf": "0", "rule": "test.bucket.encrypted", "resource": side.bucket, "reason": "x",
        "owner": "x", "compensating_control": "x", "expires_at": "2026-12-31",
      ]
      #expect(try await server.form("/exceptions/new", as: editor, fields).status == 403)
      #expect(try await server.form("/sign-out", as: editor, ["csrf": ""]).status == 403)
      #expect(try await server.form("/exceptions/new", fields).status == 303)
      let listed = try await server.send("GET", "/api/v1/exceptions", as: editor)
      #expect(listed.json["items"] == [])
    }
  }

  @Test func `an exception goes from the form through another person's approval to its end`()
    async throws
  {
    try await TestServer.with { server in
      let world = try await World(server)
      let side = try #require(world.sides["own"])
      let editor = try await server.session(of: server.person("ed", .editor))
      let approver = try await server.session(of: server.person("ann", .administrator))
      let typed: KeyValuePairs = [
        "action": "request", "rule": "test.bucket.encrypted", "resource": side.bucket, "scope": "",
        "reason": "",
        "owner": "the <owner>", "compensating_control": "backups", "expires_at": "2026-07-31",
      ]
      let refused = try await server.form("/exceptions/new", as: editor, typed)
      #expect(refused.status == 400)
      #expect(
        refused.text.contains(
          "<p class=\"fault\" id=\"request-reason-fault\">must not be empty</p>"
        )
      )
      #expect(refused.text.contains("value=\"the &lt;owner&gt;\""))
      let made = try await server.form(
        "/exceptions/new",
        as: editor,
        [
          "rule": "test.bucket.encrypted", "resource": side.bucket, "reason": "it is a copy",
          "owner": "ed", "compensating_control": "backups", "expires_at": "2026-07-31",
        ]
      )
      #expect(made.status == 303)
      #expect(made[header: "Location"] == "/exceptions/1?notice=exception-requested")
      let own = try await server.page("/exceptions/1", as: editor)
      #expect(own.text.contains("You requested it, so somebody else has to approve it."))
      #expect(!own.text.contains("value=\"approve\""))
      let viewer = try await server.session(of: server.person("vic", .viewer))
      let denied = try await server.form("/exceptions/1", as: viewer, ["action": "approve"])
      #expect(denied.status == 403)
      #expect(denied.text.contains("<strong>Not allowed</strong>"))
      let approved = try await server.form("/exceptions/1", as: approver, ["action": "approve"])
      #expect(approved[header: "Location"] == "/exceptions/1?notice=exception-approved")
      let shown = try await server.page("/results/\(side.resource)/\(side.goal)", as: approver)
      #expect(shown.text.contains("This failure is accepted until"))
      let stale = try await server.form(
        "/exceptions/1",
        as: approver,
        ["action": "end", "tag": "\"0\""]
      )
      #expect(stale.status == 412)
      let page = try await server.page("/exceptions/1", as: approver)
      let tag = try #require(page.text.firstMatch(of: /name="tag" value="&quot;([0-9a-f]+)&quot;"/))
        .1
      let ended = try await server.form(
        "/exceptions/1",
        as: approver,
        ["action": "end", "tag": "\"\(tag)\""]
      )
      #expect(ended[header: "Location"] == "/exceptions/1?notice=exception-ended")
      let exception = try await server.send("GET", "/api/v1/exceptions/1", as: approver)
      #expect(exception.json["state"] == "revoked")
    }
  }

  @Test func `figures are those of the rows behind them`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.exception(server, administrator)
      let approver = try await server.caller(.administrator, "ann")
      let visitor = try await server.session(of: server.person("vic", .viewer))
      _ = try await server.send("POST", "/api/v1/exceptions/1/approval", as: approver)
      try await server.change { transaction in
        let selector = try Scope.Selector("tag:x=*,id=bucket *")
        try transaction.put(Scope(name: "tagged", parent: "", includes: [selector], excludes: []))
      }
      try await compare(server, administrator, visitor)
      // One with a wildcard cannot be looked up, so every failure is asked for.
      let wild = try await server.send(
        "POST",
        "/api/v1/exceptions",
        as: administrator,
        [
          "rule": "test.bucket.kept", "resource": "bucket 3*", "reason": "x", "owner": "x",
          "compensating_control": "x",
          "expires_at": .string("\(server.clock.now.advanced(days: 20))"),
        ]
      )
      #expect(wild.status == 201)
      _ = try await server.send("POST", "/api/v1/exceptions/2/approval", as: approver)
      try await compare(server, administrator, visitor)
      try await compareHome(server, administrator, visitor)
    }
  }

  /// Compares counts with the rows of the page and of its files, for many filters.
  private func compare(_ server: TestServer, _ administrator: Caller, _ visitor: Caller)
    async throws
  {
    for query in [
      "", "verdict=fail", "verdict=fail&verdict=unknown", "severity=high", "account=shop",
      "account=none", "kind=store/bucket", "rule=test.bucket.kept",
      "verdict=fail&without_excepted=true",
      "resource=bucket+1*", "scope=own-scope", "scope=tagged&verdict=fail", "profile=house",
    ] {
      let counts = try await server.send(
        "GET",
        "/api/v1/results/counts?\(query)",
        as: administrator
      )
      let total = try #require(counts.json["total"]?.whole, "\(query): \(counts.text)")
      let file = try await server.page("/results.json?\(query)", as: visitor)
      #expect(file.json.array?.count == total, "\(query)")
      let sheet = try await server.page("/results.csv?\(query)", as: visitor)
      #expect(sheet.text.split(separator: "\r\n").count == total + 1, "\(query)")
      let page = try await server.page("/results?\(query)", as: visitor)
      if total > 0 { #expect(page.text.contains("<caption>\(total.of("result")), 1 to \(total)")) }
      let rows = page.text.matches(of: /<a href="\/results\/[0-9]+\/[0-9]+"/).count
      #expect(rows == total, "\(query)")
    }
  }

  /// Compares the figures on the home page with those of the API.
  private func compareHome(_ server: TestServer, _ administrator: Caller, _ visitor: Caller)
    async throws
  {
    let home = try await server.page("/", as: visitor)
    for verdict in Verdict.allCases {
      let counts = try await server.send(
        "GET",
        "/api/v1/results/counts?verdict=\(verdict.rawValue)",
        as: administrator
      )
      let number = counts.json["total"]?.whole ?? -1
      #expect(home.text.contains("<a href=\"/results?verdict=\(verdict.rawValue)\">\(number)</a>"))
    }
    let status = try await server.send("GET", "/api/v1/status", as: administrator)
    let standing = status.json["standings"]?.array?.first {
      $0["scope"] == "" && $0["profile"] == ""
    }
    let score = try #require(standing?["score_with_exceptions"]?.double)
    #expect(home.text.contains("<p class=\"figure\">\(score.short) <span"))
    let counted = try await server.send("GET", "/api/v1/results/counts", as: administrator)
    #expect(counted.json["score"]?.double == score)
    #expect(counted.json["whole"]?["excepted"] == 2)
  }

  @Test func `a page as of an instant says so, and its links stay there`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      let first = server.clock.now.advanced(milliseconds: -1_800_000)
      let visitor = try await server.session(of: server.person("vic", .viewer))
      let past = try await server.page("/?as_of=\(first)", as: visitor)
      #expect(past.text.contains("snapshot, not the present state"))
      let instant = Address.encoded("\(first)")
      #expect(past.text.contains("href=\"/results?as_of=\(instant)&amp;verdict=pass\">2</a>"))
      let now = try await server.page("/", as: visitor)
      #expect(now.text.contains("<strong>Now</strong>"))
      #expect(now.text.contains("href=\"/results?verdict=pass\">3</a>"))
    }
  }

  @Test func `style and scripts are kept by browsers, and named by what is in them`() async throws {
    try await TestServer.with { server in
      let page = try await server.page("/sign-in")
      let path = String(
        try #require(page.text.firstMatch(of: /href="(\/assets\/plumb-[0-9a-f]+\.css)"/)).1
      )
      let style = try await server.page(path)
      #expect(style[header: "Content-Type"] == "text/css; charset=utf-8")
      #expect(style[header: "Cache-Control"] == "public, max-age=31536000, immutable")
      let tag = try #require(style[header: "ETag"])
      let again = try await server.send("GET", path, headers: [("If-None-Match", tag)])
      #expect(again.status == 304)
    }
  }
}
