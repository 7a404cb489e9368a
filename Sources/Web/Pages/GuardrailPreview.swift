import JSON
import Model
import Reports

/// What a guardrail holds up of present resources, or would have of what was recorded.
enum GuardrailPreview {
  private static func question(_ guardrail: JSONValue) -> JSONValue {
    var body = JSONObject()
    for name in [
      "rule", "profile", "template", "scope", "excludes", "parameters", "enforcement", "on_failure",
    ] { body[name] = guardrail[name] }
    return .object(body)
  }

  /// What it holds up of present resources, or of what was recorded since an instant; the first so many.
  static func ask(
    _ guardrail: JSONValue,
    since: Instant? = nil,
    limit: Int = 50,
    _ visit: Visit
  ) async throws -> JSONValue {
    var body: JSONObject = ["guardrail": question(guardrail), "limit": .integer(Int64(limit))]
    body["since"] = since.map { .string("\($0)") }
    return try await visit.change("previewGuardrail", [:], .object(body))
  }

  /// The instant from which on recorded configurations are looked at.
  static func replayed(_ visit: Visit) -> Instant { visit.asker.now.advanced(days: -30) }

  static let violators = sheet("violators") { _ in nil }
  static let replay = sheet("replay") { replayed($0) }

  /// What is held up as files: a row for each rule that a resource breaks or of which that is unknown.
  private static func sheet(_ name: String, since: @escaping @Sendable (Visit) -> Instant?) -> Sheet
  {
    Sheet(
      path: "/guardrails/{id}/\(name)",
      columns: [
        "resource_number", "provider", "account", "region", "service_name", "resource_kind", "id",
        "name",
        "owner", "since", "rule", "verdict", "reason",
      ],
      check: { visit in
        let guardrail = try await visit.look("showGuardrail", ["id": visit.part("id")])
        _ = try await ask(guardrail, since: since(visit), limit: 0, visit)
      },
      each: { visit, body in
        let guardrail = try await visit.look("showGuardrail", ["id": visit.part("id")])
        let found = try await ask(guardrail, since: since(visit), limit: 10_000, visit)
        for item in found.list("items") {
          var row = item.object ?? [:]
          row["rulings"] = nil
          for ruling in item.list("rulings") {
            for name in ["rule", "verdict", "reason"] { row[name] = ruling[name] }
            try await body(.object(row))
          }
        }
      }
    )
  }
}

/// What a guardrail would hold up: of present resources, or of what was recorded.
struct GuardPreviewView {
  let preview: JSONValue
  let visit: Visit
  /// Since when recorded configurations are looked at; nil for present resources.
  var since: Instant?

  var html: HTML {
    let owners = preview.list("owners").sorted { $0.count("count") > $1.count("count") }.map {
      entry -> HTML in
      let owner = entry.text("owner")
      return """
        <tr><th scope="row">\(owner.isEmpty ? "nobody is named" : owner)</th><td class="num">\(entry.count("count").grouped)</td></tr>
        """
    }
    let days = preview.list("days").map { entry -> HTML in
      """
      <tr><th scope="row">\(entry.text("day"))</th><td class="num">\(entry.count("count").grouped)</td></tr>
      """
    }
    let items = preview.list("items").map(row)
    let what = since == nil ? "present resource" : "recorded configuration"
    let title = since == nil ? "Violators today" : "Would have been held up"
    return """
      <section class="card" aria-label="Preview"><dl class="numbers">\(figure("Judged", "judged"))\(figure("Would fail", "failed"))\(figure("Unknown", "unknown"))\(figure("Excepted", "excepted"))</dl></section>
      <div class="grid">
      \(HTML.tableCard(title, "w8", "\(preview.count("judged").of(what)) judged; the first that fail or cannot be judged", ["Resource", "Since", "Why"], items, kind: "cards", empty: "Nothing would be held up."))
      <div class="w4 column">
      \(HTML.tableCard("By owner", "", "By the mark owner", ["Owner", "#Held up"], owners, empty: "Nobody's."))
      \(HTML.when(since != nil, HTML.tableCard("By day", "", "Failures by the day on which they were recorded", ["Day", "#Failures"], days, empty: "None.")))
      </div>
      </div>
      """
  }

  private func figure(_ name: String, _ member: String) -> HTML {
    "<div><dt>\(name)</dt><dd>\(preview.count(member).grouped)</dd></div>"
  }

  private func row(_ item: JSONValue) -> HTML {
    let rulings = item.list("rulings").map { ruling -> HTML in
      "<li>\(HTML.verdict(ruling.text("verdict"))) \(ruling.text("reason"))</li>"
    }
    let owner = item.text("owner").isEmpty ? "" : " · \(item.text("owner"))"
    return """
      <tr><th scope="row">\(HTML.link(visit.to("/resources/\(item.count("resource_number"))"), "\(item.shownName)"))<span class="quiet">\(item.text("service_name"))/\(item.text("resource_kind")) · \(item.text("account"))\(owner)</span></th><td class="tight">\(item.text("since").asTime)</td><td><ul class="tree">\(HTML(rulings))</ul></td></tr>
      """
  }
}
