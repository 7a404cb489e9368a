import JSON
import Model
import Reports

/// What a resource refers to, and what refers to it.
struct ResourceRelationsView {
  let visit: Visit

  var html: HTML {
    get async throws {
      let found = try await visit.ask(
        "showRelations",
        ["id": visit.part("resource"), "as_of": visit.asOf]
      )
      let isWhole = found["complete"]?.bool ?? false
      let bound: HTML =
        isWhole
        ? "" : "Not everything was looked at: the estate is larger than what one look may search."
      return """
        <p class="quiet">Found by the ids that stand in the stored configurations; \(found.count("searched").of("resource")) of its account searched. \(bound)</p>
        <div class="grid">
        \(table("Refers to", "What its configuration names", found.list("refers_to"), "It names no resource that is known."))
        \(table("Referred to by", "Resources whose configurations name it", found.list("referred_by"), "No resource of its account that was searched names it."))
        </div>
        """
    }
  }

  private func table(_ title: String, _ caption: HTML, _ items: [JSONValue], _ empty: HTML) -> HTML
  {
    let rows = items.map { resource -> HTML in
      let paths = resource.list("paths").compactMap(\.string)
      let shown = HTML.code(Array(paths.prefix(3)))
      let more = paths.count > 3 ? " and \((paths.count - 3).of("more place"))" : ""
      let failing = resource["verdicts"]?.count("fail") ?? 0
      return """
        <tr><th scope="row">\(HTML.link(visit.to("/resources/\(resource.count("number"))"), "\(resource.shownName)"))<span class="quiet">\(resource.text("service_name"))/\(resource.text("resource_kind")) · \(resource.text("account"))</span></th><td>\(shown)\(more)</td><td class="num" data-label="Failing">\(failing)</td></tr>
        """
    }
    return HTML.tableCard(
      title,
      "w6",
      caption,
      ["Resource", "At", "#Failing"],
      rows,
      kind: "cards",
      empty: empty
    )
  }
}

/// Who can access and who can manage a resource.
struct ResourceReachView {
  let visit: Visit

  var html: HTML {
    get async throws {
      let answer = try await visit.ask(
        "showReach",
        ["id": visit.part("resource"), "as_of": visit.asOf]
      )
      let notes = answer.list("notes").compactMap(\.string).map { "<li>\($0)</li>" as HTML }
      guard answer["known"]?.bool ?? false else {
        return """
          <div class="card"><p class="empty">Which rights mean access to \(answer.text("kind")) is not known, so nobody can be told. Compute resources of AWS and IBM Cloud are known.</p></div>
          """
      }
      let holders = answer.list("holders")
      let rows = holders.map { row($0, beside: answer.text("account")) }
      let unread = notes.isEmpty ? "" : "<ul class=\"quiet\">\(HTML(notes))</ul>" as HTML
      return """
        \(HTML.tableCard("Who can reach it", "", "By the policies that were read; what depends on the request is conditional, what could not be read unknown", ["Who", "Level", "Certainty", "How"], rows, kind: "cards", empty: "Nobody, by the policies that were read."))
        \(unread)
        """
    }
  }

  private func row(_ entry: JSONValue, beside account: String) -> HTML {
    let holder = entry["holder"] ?? .null
    let isNear = holder.text("account").isEmpty || holder.text("account") == account
    let place = isNear ? "" : " of \(holder.text("account"))"
    let ways = entry.list("ways").map { "<li>\(way($0))</li>" as HTML }
    let kind =
      switch entry.text("certainty") {
      case "certain": "bad"
      case "unknown": "wait"
      default: ""
      }
    return """
      <tr><th scope="row">\(holder.text("name").isEmpty ? holder.text("type") : holder.text("name"))<span class="quiet">\(holder.text("type").replacing("_", with: " "))\(place)</span></th><td>\(HTML.tag(entry.text("level")))</td><td>\(HTML.tag(entry.text("certainty"), kind))</td><td><ul class="tree">\(HTML(ways))</ul></td></tr>
      """
  }

  private func way(_ way: JSONValue) -> HTML {
    func joined(_ name: String, _ separator: String) -> String {
      way.list(name).compactMap(\.string).joined(separator: separator)
    }
    var parts: [String] = []
    if !way.list("through").isEmpty { parts.append("through \(joined("through", ", then "))") }
    if !way.text("policy").isEmpty {
      let statement = way.text("statement").isEmpty ? "" : " \(way.text("statement"))"
      parts.append("by \(way.text("policy"))\(statement)")
    }
    if !way.text("group").isEmpty { parts.append("of group \(way.text("group"))") }
    if !way.list("conditions").isEmpty { parts.append("if \(joined("conditions", " and "))") }
    if !way.list("unread").isEmpty { parts.append("not read: \(joined("unread", "; "))") }
    return "\(parts.isEmpty ? joined("actions", ", ") : parts.joined(separator: " "))"
  }
}
