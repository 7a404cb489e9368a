import JSON
import Model
import Reports

/// The profiles that there are: shipped ones and those of one's own.
enum ProfilesPage {
  static let page = Page(
    "/profiles",
    entry: Page.Entry(area: .requirements, name: "Profiles", others: ["/attestations"]),
    show: show
  )

  static let listing = Listing(
    "/profiles",
    "listProfiles",
    columns: [
      "id", "version", "title", "framework", "effective_date", "controls", "automated", "manual",
    ]
  )

  /// The links between what is about profiles.
  static func tabs(_ visit: Visit, _ here: String) -> HTML {
    HTML.choice(
      "About profiles",
      kind: "tabs",
      [("Profiles", "/profiles"), ("Attestations", "/attestations")].map { name, path in
        (name, Address(path), path == here)
      }
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let attached = try await visit.look("listAttachments", ["limit": "500"]).list("items")
    let rows = page.list("items").map { profile -> HTML in
      let scopes = attached.filter { $0.text("profile") == profile.text("id") }.map {
        $0.text("scope").isEmpty ? "everything" : $0.text("scope")
      }
      return """
        <tr><th scope="row">\(HTML.link(Address("/profiles", parts: [profile.text("id")]), "\(profile.text("title"))"))<span class="quiet">\(profile.text("id")) · version \(profile.text("version")), effective \(profile.text("effective_date"))</span></th>
        <td class="num">\(profile.count("automated").grouped)</td><td class="num">\(profile.count("manual").grouped)</td>
        <td>\(scopes.isEmpty ? "no scope" : scopes.prefix(4).joined(separator: ", "))</td></tr>
        """
    }
    let build = HTML.when(
      visit.may(.edit),
      HTML.mainLink("Build a profile", Address("/profiles/new"))
    )
    let content = PageContent(
      "Profiles",
      lead: "Versioned sets of controls. Rules judge some, people attest the others.",
      commands: listing.commands([["profiles", "list"]], visit),
      hasInstant: false,
      main: """
        \(tabs(visit, "/profiles"))
        \(build)
        \(visit.filter("/profiles", [visit.filterField("q", "Words", "of the title or framework")]))
        \(HTML.table("Profiles", ["Profile", "#Automated", "#Manual", "Attached to"], rows, empty: "No profile is like that."))
        \(listing.links(page, visit))
        """
    )
    return .page(content)
  }
}

/// One profile with its controls, their goals and its versions.
enum ProfilePage {
  static let page = Page("/profiles/{id}", show: show, change: remove, by: ["removeProfile"])

  /// Removes the version that is shown.
  private static func remove(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    _ = try await visit.change("removeProfile", ["id": form["version"], "If-Match": form["tag"]])
    return .go(Address("/profiles", ["notice": Notice.profileRemoved.rawValue]))
  }

  static let listing = Listing(
    "/profiles/{id}/controls",
    "listControls",
    columns: ["id", "title", "manual", "goals", "reason", "basis"]
  )

  static let versionList = Listing(
    "/profiles/{id}/versions",
    "listProfileVersions",
    columns: [
      "id", "version", "title", "framework", "effective_date", "controls", "automated", "manual",
      "sha256", "shipped",
    ]
  )

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let profile = try await visit.look("showProfile", ["id": id])
    let page = try await listing.page(visit, limit: 100)
    let bare = profile.text("id")
    let versions = try await visit.ask("listProfileVersions", ["id": bare, "limit": "100"])
      .list("items")
    let attached = try await visit.look("listAttachments", ["profile": bare, "limit": "500"])
      .list("items")
    var facts: [(String, HTML)] = [
      ("Id", "<code>\(bare)</code>"),
      ("Version", "\(profile.text("version")), effective \(profile.text("effective_date"))"),
    ]
    if !profile.text("description").isEmpty {
      facts.append(("About", "\(profile.text("description"))"))
    }
    if !profile.text("source").isEmpty { facts.append(("Source", "\(profile.text("source"))")) }
    facts.append(
      (
        "Attached to",
        attached.isEmpty
          ? "no scope"
          : HTML.commas(
            attached.map { one in
              HTML.link(
                Address("/attachments/\(one.count("id"))"),
                "\(one.text("scope").isEmpty ? "everything" : one.text("scope"))"
              )
            }
          )
      )
    )
    let attach = HTML.when(
      visit.may(.edit),
      HTML.mainLink("Attach it", Address("/attachments/new", ["profile": bare]))
    )
    let rows = page.list("items").map { row($0, bare, visit) }
    let version = profile.text("version")
    let isKept = versions.contains {
      $0.text("version") == version && $0["shipped"]?.bool == false
    }
    let removal =
      isKept && visit.may(.edit) && attached.isEmpty
      ? visit.button(
        "remove",
        "Remove this version",
        kind: "danger",
        ["version": "\(bare)@\(version)", "tag": profile.entityTag]
      ) : ""
    let content = PageContent(
      profile.text("title"),
      lead: "\(profile.text("framework"))",
      commands: [["profiles", "show", id]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(attach)\(removal)
        \(visit.filter("/profiles/\(Address.encoded(id))", [visit.filterChoice("manual", "Controls", [("", "all"), ("false", "that rules judge"), ("true", "that people attest")])]))
        \(HTML.table("Controls with the goals that judge them", ["Control", "Goals"], rows, kind: "cards", empty: "No control is like that."))
        \(listing.links(page, visit))
        \(Self.versions(versions, profile))
        \(Self.versionList.fileLinks(visit, ["id": bare]))
        """
    )
    return .page(content)
  }

  private static func row(_ control: JSONValue, _ profile: String, _ visit: Visit) -> HTML {
    let goals = control.list("goals").map { goal -> HTML in
      let values = (goal["parameters"]?.object?.members ?? []).map {
        "\($0.key) = \($0.value.text)"
      }
      let set: HTML =
        values.isEmpty ? "" : " <span class=\"quiet\">\(values.joined(separator: ", "))</span>"
      return "<li>\(RulesPage.link(goal.text("rule")))\(set)</li>"
    }
    let isManual = control["manual"]?.bool ?? false
    let attest: HTML =
      isManual && visit.may(.edit)
      ? "<p>\(HTML.link(Address("/attestations/new", ["profile": profile, "control": control.text("id")]), "Attest it"))</p>"
      : ""
    let reason: HTML =
      control.text("reason").isEmpty ? "" : "<span class=\"quiet\">\(control.text("reason"))</span>"
    return """
      <tr><th scope="row">\(control.text("id"))<span class="quiet">\(control.text("title"))</span></th><td>\(isManual ? HTML.tag("a person attests it", "wait") : "<ul class=\"tree\">\(HTML(goals))</ul>")\(reason)\(attest)</td></tr>
      """
  }

  private static func versions(_ versions: [JSONValue], _ shown: JSONValue) -> HTML {
    let here = "\(shown.text("id"))@\(shown.text("version"))"
    let rows = versions.map { version -> HTML in
      let name = "\(version.text("id"))@\(version.text("version"))"
      let comparison = Address("/profiles/\(Address.encoded(name))/comparison", ["with": here])
      let compare: HTML =
        name == here ? "<span class=\"quiet\">shown here</span>" : HTML.link(comparison, "compare")
      return """
        <tr><th scope="row">\(HTML.link(Address("/profiles", parts: [name]), "\(version.text("version"))"))</th><td>\(version.text("effective_date"))</td><td class="num">\(version.count("automated"))</td><td class="num">\(version.count("manual"))</td><td>\(version["shipped"]?.bool == true ? "shipped" : "kept")</td><td>\(compare)</td></tr>
        """
    }
    return HTML.tableCard(
      "Versions",
      "",
      "Shipped, or kept because they were attached or made here",
      ["Version", "Effective", "#Automated", "#Manual", "From", "Differences"],
      rows
    )
  }
}

/// What differs between two profiles, or two versions of one.
enum ProfileComparisonPage {
  static let page = Page("/profiles/{id}/comparison", show: show)

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let all = try await visit.look("listProfiles", ["limit": "500"]).list("items")
    let choice = visit.filterChoice(
      "with",
      "Compare with",
      (Set(all.map { $0.text("id") }).union(visit.values("with"))).sorted().map { ($0, $0) }
    )
    let form = visit.filter("/profiles/\(Address.encoded(id))/comparison", [choice])
    guard let with = visit.value("with") else {
      let content = PageContent("Compare \(id)", hasInstant: false, main: form)
      return .page(content)
    }
    let found = try await visit.ask("compareProfiles", ["id": id, "with": with])
    func name(_ side: String) -> String {
      "\(found[side]?.text("id") ?? "") \(found[side]?.text("version") ?? "")"
    }
    let controls = found.list("controls").map { change -> HTML in
      """
      <tr><th scope="row">\(change.text("id"))</th><td>\(tag(change.text("change")))</td><td>\(change.list("differences").compactMap(\.string).joined(separator: ", "))</td></tr>
      """
    }
    let goals = found.list("goals").map { change -> HTML in
      """
      <tr><th scope="row">\(RulesPage.link(change.text("rule")))</th><td>\(tag(change.text("change")))</td><td>\(parameters(change["before"]))</td><td>\(parameters(change["after"]))</td></tr>
      """
    }
    let content = PageContent(
      "From \(name("before")) to \(name("after"))",
      hasInstant: false,
      main: """
        \(form)
        \(effect(found, name("before"), name("after")))
        <div class="grid">
        \(HTML.tableCard("Controls", "w5", "Controls that came, went or differ", ["Control", "Change", "What differs"], controls, empty: "They have the same controls."))
        \(HTML.tableCard("Goals", "w7", "Goals that came, went or have other parameters", ["Rule", "Change", "Before", "After"], goals, empty: "They have the same goals."))
        </div>
        """
    )
    return .page(content)
  }

  private static func tag(_ change: String) -> HTML {
    HTML.tag(change, change == "added" ? "good" : change == "removed" ? "bad" : "wait")
  }

  private static func parameters(_ goal: JSONValue?) -> HTML {
    let values = (goal?["parameters"]?.object?.members ?? []).map {
      "\($0.key) = \($0.value.text)"
    }
    return values.isEmpty ? "–" : "<code>\(values.joined(separator: ", "))</code>"
  }

  private static func effect(_ found: JSONValue, _ before: String, _ after: String) -> HTML {
    guard let effect = found["effect"], effect != .null else {
      return
        "<p class=\"quiet\">What present results come to by either is told to those who see all of them, once something was judged.</p>"
    }
    let rows = [(before, "before"), (after, "after")].map { name, side -> HTML in
      let score = effect[side]?["score_with_exceptions"]?.double?.short ?? "–"
      let missing = effect[side]?.list("not_judged_yet").count ?? 0
      return """
        <tr><th scope="row">\(name)</th><td class="num">\(score)</td><td class="num">\(missing)</td></tr>
        """
    }
    return HTML.tableCard(
      "Effect on the score",
      "",
      "Present results by either profile, accepted failures left out",
      ["Profile", "#Score", "#Goals not judged yet"],
      rows
    )
  }
}
