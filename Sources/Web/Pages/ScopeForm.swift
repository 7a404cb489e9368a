import JSON
import Model
import Reports

/// The forms by which scopes are added, changed and removed.
enum ScopeForm {
  static let page = Page("/scopes/new", show: show, change: change, by: ["putScope"])

  static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let isNew = form["action"] == "add"
    let name = isNew ? form["name"] : visit.part("name")
    if form["action"] == "remove" {
      _ = try await visit.change("removeScope", ["name": name, "If-Match": form["tag"]])
      return .go(Address("/scopes", ["notice": Notice.scopeRemoved.rawValue]))
    }
    if isNew, name.isEmpty { throw Problem.invalid("name", "must not be empty") }
    func lines(_ field: String) -> JSONValue {
      let lines = form[field].split(whereSeparator: \.isNewline).map(\.trimmed)
      return .array(lines.filter { !$0.isEmpty }.map { .string($0) })
    }
    var body: JSONObject = ["includes": lines("includes"), "excludes": lines("excludes")]
    let isAll = body["includes"]?.array?.isEmpty ?? true
    if isAll, form["everything"].isEmpty {
      throw Problem.invalid(
        "includes",
        "is empty, so the scope would hold everything there; say below that this is meant"
      )
    }
    if !form["parent"].isEmpty { body["parent"] = .string(form["parent"]) }
    if isNew {
      let values = ["name": name, "If-Match": "*", "If-None-Match": "*"] as KeyValuePairs
      _ = try await visit.change("putScope", values, .object(body))
    } else {
      _ = try await visit.change(
        "putScope",
        ["name": name, "If-Match": form["tag"]],
        .object(body)
      )
    }
    return .go(Address("/scopes", parts: [name]).with("notice", Notice.scopeSaved.rawValue))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let name = Field(name: "name", label: "Name", hint: "What people call the section.")
    let fields = [name] + (try await fields(visit, .null))
    let cancel: HTML = "<a class=\"button\" href=\"/scopes\">Cancel</a>"
    let content = PageContent(
      "Add a scope",
      lead: "It holds from now on; what was before stays as it was.",
      hasInstant: false,
      main: """
        <div class="card">\(visit.form("add", fields, button: "Add", more: cancel))</div>
        """
    )
    return .page(content)
  }

  /// The forms that change and remove a scope.
  static func edit(_ visit: Visit, _ name: String) async throws -> HTML {
    let scope = try await visit.look("showScope", ["name": name])
    let fields = try await fields(visit, scope)
    let tag: HTML = "<input type=\"hidden\" name=\"tag\" value=\"\(scope.entityTag)\">"
    let forms: HTML = """
      <div class="stack">\(visit.form("save", fields, button: "Save", more: tag))
      \(visit.button("remove", "Remove", kind: "danger", ["tag": scope.entityTag]))</div>
      """
    return HTML.folded("Change or remove it", isOpen: visit.refused != nil, forms)
  }

  private static func fields(_ visit: Visit, _ scope: JSONValue) async throws -> [Field] {
    let names = try await visit.look("listScopes", ["limit": "500"]).list("items")
      .map { $0.text("name") }.filter { $0 != scope.text("name") }.sorted()
    func lines(_ member: String) -> String {
      scope.list(member).compactMap(\.string).joined(separator: "\n")
    }
    return [
      Field(
        name: "parent",
        label: "Within",
        hint: "The scope that it is a part of.",
        kind: .choice([("", "everything")] + names.map { ($0, $0) }),
        value: scope.text("parent"),
        isRequired: false
      ),
      Field(
        name: "includes",
        label: "Includes",
        hint: "A selector a line, such as account=prod-*,tag:env=live.",
        kind: .long,
        value: lines("includes"),
        isRequired: false
      ),
      Field(
        name: "everything",
        label: "Without one it holds everything within",
        kind: .check,
        value: scope["name"] != nil && scope.list("includes").isEmpty ? "true" : "",
        isRequired: false
      ),
      Field(
        name: "excludes",
        label: "Excludes",
        hint: "A selector a line.",
        kind: .long,
        value: lines("excludes"),
        isRequired: false
      ),
    ]
  }
}
