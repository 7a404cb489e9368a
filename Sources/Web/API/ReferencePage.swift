import Foundation
import JSON
import Model
import Reports

/// The API's description as a page for people: no scripts, nothing from elsewhere.
struct ReferencePage {
  private let document: JSONValue

  init(_ document: JSONValue) { self.document = document }

  private static let style = """
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
      color: #1b1f24; background: #fff; }
    h2 { margin-top: 3rem; border-bottom: 1px solid #767d86; }
    h3 code { background: #eef1f4; padding: .1em .3em; }
    table { border-collapse: collapse; width: 100%; }
    th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
    td code { overflow-wrap: anywhere; }
    @media (prefers-color-scheme: dark) {
      body { color: #e6e8eb; background: #14171a; } h3 code { background: #262b31; } a { color: #8ab8ff; }
    }
    """

  /// What the page may load: its own style, and nothing else.
  static let policy =
    "default-src 'none'; style-src 'sha256-\(styleDigest)'; frame-ancestors 'none'; base-uri 'none'; "
    + "form-action 'none'"

  private static let styleDigest: String = {
    let hex = Array(Digest.sha256(Array(style.utf8)))
    let bytes = stride(from: 0, to: hex.count, by: 2).compactMap {
      UInt8(String(hex[$0...$0 + 1]), radix: 16)
    }
    return Data(bytes).base64EncodedString()
  }()

  /// The page.
  var html: HTML {
    let info = document["info"]
    let groups = Dictionary(grouping: operations) { $0.tag }.sorted { $0.key < $1.key }
    return """
      <!doctype html>
      <html lang="en"><head><meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>API of \(info?["title"]?.string ?? "")</title>
      <style>\(HTML(stringLiteral: Self.style))</style></head><body>
      <h1>API of \(info?["title"]?.string ?? "")</h1>
      <p>\(info?["description"]?.string ?? "")</p>
      <p><a href="/api/v1/openapi.json">The same as an OpenAPI document</a></p>
      <ul>\(HTML(groups.map { "<li><a href=\"#\($0.key)\">\($0.key)</a></li>" }))</ul>
      \(HTML(groups.map { "<h2 id=\"\($0.key)\">\($0.key)</h2>\(HTML($0.value.map(section)))" }))
      <h2 id="schemas">schemas</h2>
      \(HTML(schemas.map { section($0.key, $0.value) }))
      </body></html>
      """
  }

  private struct Operation {
    var method: String
    var path: String
    var value: JSONValue
    var tag: String { value["tags"]?.array?.first?.string ?? "other" }
  }

  private var operations: [Operation] {
    (document["paths"]?.object?.members ?? []).flatMap { path, item in
      (item.object?.members ?? []).map {
        Operation(method: $0.key.uppercased(), path: path, value: $0.value)
      }
    }
  }

  private var schemas: [(key: String, value: JSONValue)] {
    (document["components"]?["schemas"]?.object?.members ?? []).sorted { $0.key < $1.key }
  }

  private func section(_ operation: Operation) -> HTML {
    let value = operation.value
    let parameters = (value["parameters"]?.array ?? []).map { Schema.resolved($0, document) }
    let rows = parameters.map { parameter -> HTML in
      row(
        parameter["name"]?.string ?? "",
        [parameter["in"]?.string ?? "", parameter["required"]?.bool == true ? "required" : ""],
        parameter["schema"] ?? [:],
        parameter["description"]?.string
      )
    }
    let body = value["requestBody"]?["content"]?.object?.members.first
    let answers = (value["responses"]?.object?.members ?? []).map { status, answer -> HTML in
      let content = answer["content"]?.object?.members.first
      return row(
        status,
        [content?.key ?? ""],
        content?.value["schema"] ?? [:],
        answer["description"]?.string
      )
    }
    let permission = value["x-permission"]?.string ?? "none"
    return """
      <section id="\(value["operationId"]?.string ?? "")">
      <h3><code>\(operation.method) \(operation.path)</code></h3>
      <p>\(value["summary"]?.string ?? ""). \(value["description"]?.string ?? "")</p>
      <p>Permission: \(permission)</p>
      \(rows.isEmpty ? "" : "<table><caption>Parameters</caption>\(HTML(rows))</table>")
      \(body.map { "<p>Body: \($0.key), \(text($0.value["schema"] ?? [:]))</p>" } ?? "")
      <table><caption>Answers</caption>\(HTML(answers))</table>
      </section>
      """
  }

  private func section(_ name: String, _ schema: JSONValue) -> HTML {
    let required = Set((schema["required"]?.array ?? []).compactMap(\.string))
    let rows = (schema["properties"]?.object?.members ?? []).map { key, value in
      row(key, [required.contains(key) ? "required" : ""], value, value["description"]?.string)
    }
    return """
      <section id="schema-\(name)"><h3><code>\(name)</code></h3>
      <p>\(schema["description"]?.string ?? "") \(rows.isEmpty ? text(schema) : "")</p>
      \(rows.isEmpty ? "" : "<table>\(HTML(rows))</table>")</section>
      """
  }

  private func row(
    _ name: String,
    _ facts: [String],
    _ schema: JSONValue,
    _ description: String?
  ) -> HTML {
    let facts = facts.filter { !$0.isEmpty }.joined(separator: ", ")
    return """
      <tr><th scope="row"><code>\(name)</code></th><td>\(facts)</td><td>\(text(schema))</td>
      <td>\(description ?? "")</td></tr>
      """
  }

  /// What a schema asks for, in a few words, with links to others.
  private func text(_ schema: JSONValue) -> HTML {
    if let reference = schema["$ref"]?.string {
      let name = reference.split(separator: "/").last.map(String.init) ?? ""
      return "<a href=\"#schema-\(name)\">\(name)</a>"
    }
    if let items = schema["items"] { return "list of \(text(items))" }
    if let told = schema["properties"]?["data"]?["contentSchema"] { return "events: \(text(told))" }
    if let listed = schema["properties"]?["items"] { return "page: \(text(listed))" }
    var facts: [String] = []
    if let choices = schema["enum"]?.array {
      facts.append(choices.map { $0.string ?? $0.text }.joined(separator: " | "))
    } else if let type = schema["type"] {
      facts.append(type.string ?? (type.array ?? []).compactMap(\.string).joined(separator: " or "))
    }
    for key in ["format", "minimum", "maximum", "minLength", "maxLength", "pattern", "default"] {
      if let value = schema[key] { facts.append("\(key) \(value.string ?? value.text)") }
    }
    return "\(facts.joined(separator: ", "))"
  }
}
