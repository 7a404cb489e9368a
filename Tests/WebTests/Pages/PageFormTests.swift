import Foundation
import JSON
import Model
import TestSupport
import Testing

@testable import Web

/// What pages with forms tell of the calls that do the same.
struct PageChangeTests {
  @Test func `every page that changes something names the operations, and each is one`() throws {
    let operations = try OpenAPIDocument().operations
    for page in Page.all where page.change != nil {
      #expect(!page.operations.isEmpty, "\(page.path)")
      for name in page.operations {
        let operation = try #require(operations.first { $0.id == name }, "\(page.path): \(name)")
        #expect(operation.method != "GET")
      }
    }
    #expect(Page.all.allSatisfy { $0.change != nil || $0.operations.isEmpty })
  }

  @Test func `a form's call has the page's own name and a body to be filled in`() async throws {
    try await TestServer.with { server in
      let visitor = try await server.session(of: server.person("ann", .administrator))
      func call(_ path: String) async throws -> String {
        let text = try await server.page(path, as: visitor).text
        return String(text.firstMatch(of: /<pre id="as-change"[^>]*><code>([^<]*)/)?.1 ?? "")
          .replacing("&quot;", with: "\"").replacing("&#39;", with: "'")
      }
      let line = try await call("/scopes/new")
      #expect(line.contains("curl -sS -X PUT ") && line.contains(" -H 'If-Match: *'"))
      #expect(line.hasSuffix("\"$PLUMB_SERVER/api/v1/scopes/NAME\""), "\(line)")
      let body = try #require(line.firstMatch(of: /--data '([^']*)'/)?.1)
      #expect(try JSONParser().parse(Array(body.utf8))["includes"]?.array != nil, "\(body)")
      // Whoever may not is not told how to.
      let viewer = try await server.session(of: server.person("vic", .viewer))
      let page = try await server.page("/alerts", as: viewer)
      #expect(page.status == 200 && !page.text.contains("as-change"))
    }
  }
}

/// A form that changes something, as a page offers it.
struct OfferedForm {
  /// Where it is sent to.
  let path: String
  /// Its fields with what stands in them; of a choice what browsers would choose.
  var fields: [(name: String, value: String)]

  /// The page and the action; the page as its template.
  var name: String {
    let parts = path.prefix { $0 != "?" }.split(separator: "/").map(String.init)
    let page = Page.all.first { page in
      let template = page.path.split(separator: "/").map(String.init)
      return template.count == parts.count
        && zip(template, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        && (parts.contains("new") == template.contains("new"))
    }
    let action = fields.first { $0.name == "action" }?.value ?? ""
    return "\(page?.path ?? path) \(action)"
  }

  /// The forms of a page.
  static func all(in text: String) -> [OfferedForm] {
    text.matches(of: /(?s)<form[^>]*method="post"[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/).map {
      OfferedForm(path: plain($0.1), fields: fields(of: String($0.2)))
    }
  }

  private static func fields(of text: String) -> [(name: String, value: String)] {
    var found: [(name: String, value: String)] = []
    for match in text.matches(of: /<input([^>]*)>/) {
      let type = attribute("type", match.1)
      guard type != "checkbox" || match.1.contains(" checked") else { continue }
      found.append((attribute("name", match.1), attribute("value", match.1)))
    }
    for match in text.matches(of: /(?s)<textarea([^>]*)>\n?(.*?)<\/textarea>/) {
      found.append((attribute("name", match.1), plain(match.2)))
    }
    for match in text.matches(of: /(?s)<select([^>]*)>(.*?)<\/select>/) {
      let options = match.2.matches(of: /<option([^>]*)>([^<]*)/)
      let chosen = options.first { $0.1.contains(" selected") }
      let first =
        chosen ?? options.first { !match.1.contains(" required") || attribute("value", $0.1) != "" }
      found.append((attribute("name", match.1), first.map { attribute("value", $0.1) } ?? ""))
    }
    return found
  }

  private static func attribute(_ name: String, _ tag: Substring) -> String {
    guard let begin = tag.range(of: " \(name)=\"") else { return "" }
    return plain(tag[begin.upperBound...].prefix { $0 != "\"" })
  }

  private static func plain(_ text: Substring) -> String {
    var plain = String(text)
    for (escaped, character) in [
      ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&"),
    ] {
      plain = plain.replacing(escaped, with: character)
    }
    return plain
  }
}

/// Every form of every page, filled in and sent.
struct PageFormTests {
  /// What is typed where nothing stands, by field; by page and action where that differs.
  private static let typed = [
    "name": "made", "email": "made@example.com", "reason": "it is agreed", "title": "Made here",
    "id": "own.made", "expires_at": "2026-07-31", "owner": "ed", "until": "2026-06-20",
    "compensating_control": "backups", "statement": "seen", "includes": "account=shop",
    "access_key_id": "AKIATEST", "secret": "s3cret/x", "account": "000000000001",
    "region": "us-east-1", "goal": "test.bucket.kept", "manual": "1: Somebody looks",
    "/guardrails/new name": "test.bucket.kept", "/scopes/new name": "made-scope",
    "/channels address": "https://hooks.example.org/in",
  ]

  /// What ends something comes after what changes it.
  private static let ends = ["cancel", "stop", "remove", "revoke", "detach", "disable"]

  @Test func `every form is taken, or says what is missing`() async throws {
    try await TestServer.with { server in
      let administrator = try await server.caller(.administrator)
      try await PageKit.estate(server, administrator)
      try await PageKit.decisions(server, administrator)
      let ann = try await server.person("ann", .administrator)
      let visitor = try await server.session(of: ann)
      let pages = try await server.crawl(
        from: [
          "/", "/jobs/1", "/jobs/2", "/scopes/new", "/attachments/new", "/attestations/new",
          "/profiles/new?goal=test.bucket.kept&q=bucket", "/rules/own.rule", "/rules/own.rule/edit",
          "/templates/own.template", "/templates/own.template/edit", "/guardrails/1",
        ],
        as: visitor
      )
      var forms: [String: OfferedForm] = [:]
      for page in pages {
        for form in OfferedForm.all(in: page.text)
        where forms[form.name] == nil && form.path != "/sign-out"
          && form.path != "/access/people/\(ann)"
        {
          forms[form.name] = form
        }
      }
      func rank(_ name: String) -> (Int, String) {
        ((Self.ends.firstIndex { name.hasSuffix(" \($0)") } ?? -1), name)
      }
      var refusals: [String: String] = [:]
      for (name, form) in forms.sorted(by: { rank($0.key) < rank($1.key) }) {
        server.clock.wait(seconds: 120)
        let kept = ["csrf", "action", "tag"]
        let bare = try await send(
          form.filled { kept.contains($0.name) ? $0.value : "" },
          server,
          visitor
        )
        if try await isTaken(bare, name, server, visitor) { continue }
        // As the page offers it by now.
        let page = try await server.page(form.path, as: visitor)
        guard let offered = OfferedForm.all(in: page.text).first(where: { $0.name == name }) else {
          refusals[name] = "not offered after \(bare.alert)"
          continue
        }
        let path = name.prefix { $0 != " " }
        let full = offered.filled { field in
          guard field.value.isEmpty else { return field.value }
          return Self.typed["\(path) \(field.name)"] ?? Self.typed[field.name] ?? ""
        }
        let answer = try await send(full, server, visitor)
        if try await !isTaken(answer, name, server, visitor) { refusals[name] = answer.alert }
      }
      // A file is chosen in DashboardScanTests; a scope that something rests on stays.
      #expect(
        refusals.keys.sorted() == ["/attestations/new attest", "/scopes/{name} remove"],
        "\(refusals)"
      )
      let words = refusals.values.joined(separator: " ")
      #expect(words.contains("evidence must be a file that is not empty"), "\(refusals)")
      #expect(words.contains("is used by attachment 1"), "\(refusals)")
    }
  }

  /// Whether a form was taken.
  ///
  /// Then what it leads to is there; what is refused is so in words.
  private func isTaken(_ answer: Answer, _ name: String, _ server: TestServer, _ visitor: Caller)
    async throws -> Bool
  {
    switch answer.status {
    case 200:
      #expect(answer.alert.isEmpty, "\(name): \(answer.alert)")
      return true
    case 303:
      let next = try #require(answer[header: "Location"])
      let shown = try await server.page(next, as: visitor)
      #expect(!next.hasPrefix("/sign-in"), "\(name)")
      #expect(shown.status == 200, "\(name) leads to \(next): \(shown.status)")
      return true
    default:
      #expect([400, 404, 409, 412, 422].contains(answer.status), "\(name): \(answer.status)")
      #expect(!answer.alert.isEmpty, "\(name) is refused without a word")
      return false
    }
  }

  private func send(_ form: OfferedForm, _ server: TestServer, _ visitor: Caller) async throws
    -> Answer
  {
    try await server.form(form.path, as: visitor, pairs: form.fields.map { ($0.name, $0.value) })
  }
}

extension Answer {
  /// What a page says went wrong; empty where nothing did.
  fileprivate var alert: String {
    let alert =
      text.firstMatch(of: /(?s)role="alert"[^>]*>(.*?)<\/div>/)
      ?? (status == 200 ? nil : text.firstMatch(of: /(?s)<h1>(.*?)<\/main>/))
    guard let alert else { return "" }
    return alert.1.replacing(/<[^>]*>/, with: " ").trimmingCharacters(in: .whitespacesAndNewlines)
  }
}

extension OfferedForm {
  /// The form with other values.
  fileprivate func filled(_ value: ((name: String, value: String)) -> String) -> OfferedForm {
    var form = self
    form.fields = fields.map { ($0.name, $0.name == "csrf" ? $0.value : value($0)) }
    return form
  }
}
