import JSON
import Model
import Reports

/// Customised defaults, which resources take before they are created.
enum TemplatesPage {
  static let page = Page(
    "/templates",
    entry: Page.Entry(area: .governance, name: "Templates"),
    show: show
  )

  static let listing = Listing(
    "/templates",
    "listTemplates",
    sort: "id",
    columns: ["id", "version", "title", "target", "defaults", "labels", "changed_by", "since"]
  )

  /// The kinds that a template is about.
  static func kinds(_ template: JSONValue) -> [String] {
    let target = template["target"] ?? .null
    let names = target["resource_kind"]?.array ?? [target["resource_kind"] ?? .null]
    return names.compactMap(\.string).map { "\(target.text("service_name"))/\($0)" }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let rows = page.list("items").map { template -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/templates", parts: [template.text("id")]), "\(template.text("title"))"))<span class="quiet">\(template.text("id")), version \(template.count("version"))</span></th><td>\(kinds(template).joined(separator: ", "))</td><td class="num" data-label="Defaults">\(template.list("defaults").count)</td><td class="tight">\(template.text("since").asTime)<span class="quiet">\(template.text("changed_by"))</span></td></tr>
      """
    }
    let add: HTML =
      visit.may(.edit)
      ? "<p>\(HTML.link(Address("/templates/new"), "Write a template", "button main"))</p>" : ""
    var content = PageContent(
      "Templates",
      lead:
        "Defaults that a resource takes for what its request leaves out. A guardrail lays a template on a scope.",
      commands: listing.commands([["templates", "list"]], visit),
      main: """
        \(add)
        \(visit.filter("/templates", [visit.filterField("label", "Label")]))
        \(HTML.table("Templates", ["Template", "Kinds", "#Defaults", "Since"], rows, kind: "cards", empty: "There is none."))
        \(listing.links(page, visit))
        """
    )
    content.hasInstant = false
    return .page(content)
  }
}

/// One template: what it completes, and where it is laid.
enum TemplatePage {
  static let page = Page("/templates/{id}", show: show, change: change, by: ["removeTemplate"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    _ = try await visit.change("removeTemplate", ["id": id, "If-Match": form["tag"]])
    return .go(Address("/templates", ["notice": Notice.templateRemoved.rawValue]))
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let template = try await visit.ask("showTemplate", ["id": visit.part("id")])
    let id = template.text("id")
    let laid = try await visit.look("listGuardrails", ["limit": "500"]).list("items").filter {
      $0["template"]?.string == id
    }
    let labels = template.list("labels").compactMap(\.string)
    var facts: [(String, HTML)] = [
      ("Id", "<code>\(id)</code>"), ("Version", "\(template.count("version"))"),
      ("Kinds", HTML.code(TemplatesPage.kinds(template))),
      ("Kept", "\(template.text("since").asTime), by \(template.text("changed_by"))"),
    ]
    if !labels.isEmpty { facts.append(("Labels", HTML(labels.map { HTML.tag($0) }))) }
    let defaults = template.list("defaults").map { one -> HTML in
      """
      <tr><th scope="row"><code>\(one.text("property"))</code></th><td><code>\(one["value"]?.shortened ?? "")</code></td></tr>
      """
    }
    let places = laid.map { guardrail -> HTML in
      """
      <tr><th scope="row">\(GuardrailsPage.link(guardrail))</th><td>\(AttachmentsPage.scope(guardrail.text("scope")))</td></tr>
      """
    }
    let actions: HTML =
      visit.may(.edit)
      ? "<div class=\"row\">\(HTML.link(Address("/guardrails/new", ["subject": "template", "name": id]), "Lay it on a scope", "button main"))\(HTML.link(Address("/templates", parts: [id, "edit"]), "Change it", "button"))\(visit.button("remove", "Remove it", kind: "danger", ["tag": template.entityTag]))</div>"
      : ""
    var content = PageContent(
      template.text("title"),
      commands: [["templates", "show", id]],
      main: """
        \(HTML.facts("Facts", facts))
        \(actions)
        <div class="grid">
        \(HTML.tableCard("Defaults", "w7", "What a resource takes where its request says nothing", ["Property", "Value"], defaults))
        \(HTML.tableCard("Laid on", "w5", "Guardrails", ["Guardrail", "Scope"], places, kind: "cards", empty: "It is laid on no scope of yours, so it completes nothing there."))
        </div>
        """
    )
    content.hasInstant = false
    return .page(content)
  }
}

/// The form by which a template is written.
enum TemplateForm {
  static let page = Page("/templates/new", show: show, change: change, by: ["addTemplate"])
  static let edit = Page("/templates/{id}/edit", show: show, change: change, by: ["changeTemplate"])

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let labels = form["labels"].split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    let body: JSONValue = [
      "document": .string(form["document"]), "labels": .array(labels.map { .string($0) }),
    ]
    let id = visit.part("id")
    let made =
      id.isEmpty
      ? try await visit.change("addTemplate", [:], body)
      : try await visit.change("changeTemplate", ["id": id, "If-Match": form["tag"]], body)
    return .go(
      Address("/templates", parts: [made.text("id")]).with("notice", Notice.templateKept.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    guard visit.may(.edit) else { throw Problem.forbidden(.edit) }
    let id = visit.part("id")
    let kept = id.isEmpty ? nil : try await visit.ask("showTemplate", ["id": id])
    var document = kept?.object ?? [:]
    for name in ["origin", "labels", "changed_by", "since", "until", "version"] {
      document[name] = nil
    }
    let fields = [
      Field(
        name: "labels",
        label: "Labels",
        hint: "Set apart by commas.",
        value: (kept?.list("labels") ?? []).compactMap(\.string).joined(separator: ", "),
        isRequired: false
      ),
      Field(
        name: "document",
        label: "Template",
        hint: "YAML or JSON. A property is in one template per scope at most.",
        kind: .code,
        value: kept == nil ? sketch : JSONValue.object(document).indented
      ),
    ]
    let tag: HTML =
      kept.map { "<input type=\"hidden\" name=\"tag\" value=\"\($0.entityTag)\">" } ?? ""
    var content = PageContent(
      kept == nil ? "Write a template" : "Change \(id)",
      lead: "Kept under a new version; where it is laid it counts from then on.",
      commands: [["templates", "list"]],
      main: """
        <div class="card">\(visit.form("keep", fields, button: "Keep it", more: "\(HTML.link(Address("/templates"), "Cancel", "button"))\(tag)"))</div>
        """
    )
    content.hasInstant = false
    return .page(content)
  }

  private static let sketch = """
    id: own.name-of-the-template
    title: What it sees to
    target: { service_name: s3, resource_kind: bucket }
    defaults:
      - property: name.of.a.property
        value: true
    """
}
