import JSON
import Model
import Reports

/// Resources with how they were judged.
struct ResultsByResource {
  let visit: Visit
  let filter: ResultsFilter

  var main: HTML {
    get async throws {
      let pairs = filter.pairs(["limit": "50", "cursor": visit.value("cursor")])
        .filter { ["scope", "kind", "account", "as_of", "limit", "cursor"].contains($0.name) }
      let files = pairs.filter { !["limit", "cursor"].contains($0.name) }
      let words = visit.value("resource")?.split { "*? ".contains($0) }.joined(separator: " ")
      let query = words.map { [Address.Pair(name: "q", value: $0)] } ?? []
      let page = try await visit.ask("listResources", pairs: pairs + query)
      let rows = page.list("items").map(row)
      return """
        <p class="quiet">Each with all its results; a number leads to them.</p>
        \(HTML.table("Resources with their results", ["Resource", "Verdicts", "#Pass", "#Fail", "#Unknown", "#Not applicable"], rows, kind: "wide", empty: page["next_cursor"] == nil ? "No resource is like that." : "None of those that were looked at; go on."))
        <div class="row">\(visit.next(page))
        \(HTML.link(file("csv", files + query), "All as CSV", "button"))
        \(HTML.link(file("json", files + query), "All as JSON", "button"))</div>
        """
    }
  }

  private func file(_ type: String, _ query: [Address.Pair]) -> Address {
    var address = Address("/resources.\(type)")
    address.query = query
    return address
  }

  private func row(_ resource: JSONValue) -> HTML {
    let verdicts = resource["verdicts"] ?? .null
    let number = resource.count("number")
    let cells = HTML.verdictCells(verdicts) { verdict in
      visit.to("/resources/\(number)", ["verdict": verdict.rawValue])
    }
    let bar = Charts.bar(
      pass: verdicts.count("pass"),
      fail: verdicts.count("fail"),
      unknown: verdicts.count("unknown")
    )
    return """
      <tr><th scope="row">\(HTML.link(visit.to("/resources/\(number)"), "\(resource.shownName)"))<span class="quiet">\(resource.text("service_name"))/\(resource.text("resource_kind")) · \(resource.text("account")) \(resource.text("region"))</span></th>
      <td class="bar-cell">\(bar)</td>\(cells)</tr>
      """
  }
}

/// Rules with their results.
struct ResultsByRule {
  static let listing = Listing(
    "/results/by-rule",
    "listRuleStates",
    sort: "-gain",
    columns: [
      "rule", "title", "severity", "pass=results.pass", "fail=results.fail",
      "unknown=results.unknown", "not_applicable=results.not_applicable", "failed", "gain",
    ]
  )

  let visit: Visit
  let filter: ResultsFilter

  var main: HTML {
    get async throws {
      let page = try await visit.ask(
        "listRuleStates",
        pairs: filter.pairs(["sort": "-gain", "limit": "100", "cursor": visit.value("cursor")])
      )
      let rows = page.list("items").map(row)
      return """
        \(HTML.table("Rules by what the score gains when their failures pass", ["Rule", "Severity", "#Pass", "#Fail", "#Unknown", "#Not applicable", "#Gain"], rows, kind: "wide", empty: "No result is like that."))
        \(Self.listing.links(page, visit))
        """
    }
  }

  private func row(_ rule: JSONValue) -> HTML {
    let counts = rule["results"] ?? .null
    let cells = HTML.verdictCells(counts) { verdict in
      filter.narrowed(["rule": rule.text("rule"), "verdict": verdict.rawValue])
    }
    return """
      <tr><th scope="row">\(HTML.link(Address("/rules", parts: [rule.text("rule")]), "\(rule.text("title"))"))<span class="quiet">\(rule.text("rule"))</span></th><td>\(HTML.severity(rule.text("severity")))</td>\(cells)<td class="num">\((rule["gain"]?.double ?? 0).signed)</td></tr>
      """
  }
}

/// The controls of an attached profile with how they stand.
struct ResultsByControl {
  static let listing = Listing(
    "/results/by-control",
    "listControlStates",
    columns: [
      "id", "title", "state", "rules", "pass=results.pass", "fail=results.fail",
      "unknown=results.unknown", "not_applicable=results.not_applicable", "excepted",
      "attested_by=attestation.attested_by", "attested_until=attestation.until",
    ]
  )

  let visit: Visit
  let filter: ResultsFilter

  var main: HTML {
    get async throws {
      let attachments = try await visit.look(
        "listAttachments",
        ["as_of": visit.asOf, "limit": "500"]
      ).list("items")
      let scope = visit.value("scope")
      guard let profile = visit.value("profile") else { return choice(attachments) }
      guard
        attachments.contains(where: {
          $0.text("profile") == profile && $0.text("scope") == scope ?? ""
        })
      else {
        return
          "<p class=\"warning\">\(profile) is not attached to \(scope ?? "everything").</p>\(choice(attachments))"
      }
      let page = try await visit.ask(
        "listControlStates",
        [
          "profile": profile, "scope": scope, "as_of": visit.asOf, "limit": "100",
          "cursor": visit.value("cursor"),
        ]
      )
      let rows = page.list("items").map(row)
      return """
        \(HTML.table("Controls of \(profile) over \(scope ?? "everything")", ["Control", "State", "#Pass", "#Fail", "#Unknown", "#Not applicable", "#Accepted"], rows, kind: "wide"))
        \(Self.listing.links(page, visit))
        """
    }
  }

  private func choice(_ attachments: [JSONValue]) -> HTML {
    let items = attachments.map { attachment -> HTML in
      let (profile, scope) = (attachment.text("profile"), attachment.text("scope"))
      let address = filter.narrowed(["profile": profile, "scope": scope, "view": "controls"])
      return
        "<li>\(HTML.link(address, "\(profile) over \(scope.isEmpty ? "everything" : scope)"))</li>"
    }
    return items.isEmpty
      ? "<p class=\"empty\">No profile is attached, so there are no controls to look at: <code>plumb attach PROFILE all</code></p>"
      : "<p>Whose controls?</p><ul>\(HTML(items))</ul>"
  }

  private func row(_ control: JSONValue) -> HTML {
    let state = control.text("state")
    let rules = control.list("rules").compactMap(\.string)
    let counts = control["results"] ?? .null
    let cells = HTML.verdictCells(counts) { verdict in
      guard !rules.isEmpty, rules.count <= 100 else { return nil }
      return filter.narrowed(["verdict": verdict.rawValue]).with("rule", all: rules)
    }
    let attested: HTML =
      control["attestation"].map { attestation in
        "<span class=\"quiet\">attested by \(attestation.text("attested_by")) until \(attestation.text("until").asDay)</span>"
      } ?? ""
    return """
      <tr><th scope="row">\(control.text("id"))<span class="quiet">\(control.text("title"))</span>\(attested)</th><td>\(HTML.verdict(state))</td>\(cells)<td class="num">\(control.count("excepted"))</td></tr>
      """
  }
}

/// Results as a tree: accounts, in one of them kinds, in one of these rules.
struct ResultsTree {
  /// All leaves of the tree: every rule of every kind of every account.
  static let sheet = Sheet(
    path: "/results/tree",
    columns: [
      "account", "kind", "rule", "severity", "pass=results.pass", "fail=results.fail",
      "unknown=results.unknown", "not_applicable=results.not_applicable",
    ],
    check: { visit in
      let all = ResultsFilter(visit).of(.tree)
      _ = try await visit.look("countResults", pairs: all.pairs([:]))
    },
    each: { visit, body in
      let filter = ResultsFilter(visit).of(.tree)
      func names(_ member: String, _ account: String? = nil) async throws -> [String] {
        var pairs = filter.pairs(["limit": "100000"])
        if let account { pairs = filter.pairs(["limit": "100000", "account": account]) }
        return try await visit.look("countResults", pairs: pairs).list(member).map {
          $0.text("name")
        }
      }
      for account in try await names("accounts") {
        for kind in try await names("kinds", account) {
          var cursor: String?
          repeat {
            let place: KeyValuePairs<String, String?> = [
              "account": account, "kind": kind, "sort": "-failed", "limit": "500",
              "cursor": cursor,
            ]
            let page = try await visit.look("listRuleStates", pairs: filter.pairs(place))
            for rule in page.list("items") {
              var row: JSONObject = ["account": .string(account), "kind": .string(kind)]
              for name in ["rule", "severity", "results"] { row[name] = rule[name] }
              try await body(.object(row))
            }
            cursor = page["next_cursor"]?.string
          } while cursor != nil
        }
      }
    }
  )

  let visit: Visit
  let filter: ResultsFilter

  var main: HTML {
    get async throws {
      let (account, kind) = (visit.value("account"), visit.value("kind"))
      // What is opened narrows nothing above it.
      var above = filter.pairs(["account": nil])
      if account != nil { above.removeAll { $0.name == "kind" } }
      let everything = try await visit.ask("countResults", pairs: above)
      let selected =
        account == nil
        ? everything : try await visit.ask("countResults", pairs: filter.pairs([:]))
      var kinds: HTML = ""
      if account != nil {
        let found = try await visit.ask(
          "countResults",
          pairs: filter.pairs(["kind": nil])
        )
        var rules: HTML = ""
        if kind != nil {
          let states = try await visit.ask(
            "listRuleStates",
            pairs: filter.pairs(["sort": "-failed", "limit": "100"])
          )
          rules = list(states.list("items").map { rule($0) })
        }
        kinds = list(
          found.list("kinds").map { entry in
            item(
              entry,
              open: entry.text("name") == kind,
              address: tree(["account": account, "kind": entry.text("name")]),
              rows: filter.narrowed(["kind": entry.text("name")]),
              rules
            )
          }
        )
      }
      let accounts = everything.list("accounts").map { entry in
        item(
          entry,
          open: entry.text("name") == account,
          address: tree(["account": entry.text("name"), "kind": nil]),
          rows: filter.narrowed(["account": entry.text("name"), "kind": nil]),
          kinds
        )
      }
      let place = [account.map { "account \($0)" }, kind.map { "kind \($0)" }].compactMap { $0 }
      let opened = place.isEmpty ? "" : " of \(place.joined(separator: ", "))"
      return """
        <p>\(selected.count("total").of("result"))\(opened), among \(everything.count("total").of("result")) in \(accounts.count.of("account"))\(HTML.when(accounts.count >= 200, " or more, those with most")). A name opens what is below it; a number leads to the results.</p>
        \(HTML.when(accounts.isEmpty, "<p class=\"empty\">No result is like that.</p>"))
        \(HTML.when(!accounts.isEmpty, "<div class=\"card\"><ul class=\"tree\">\(HTML(accounts))</ul></div>"))
        <div class="row">\(Self.sheet.buttons(visit))</div>
        """
    }
  }

  private func tree(_ query: KeyValuePairs<String, String?>) -> Address {
    var address = filter.address.with("view", "tree")
    for (name, value) in query { address = address.with(name, value) }
    return address
  }

  private func list(_ items: [HTML]) -> HTML { items.isEmpty ? "" : "<ul>\(HTML(items))</ul>" }

  private func item(
    _ entry: JSONValue,
    open: Bool,
    address: Address,
    rows: Address,
    _ below: HTML
  ) -> HTML {
    let counts = entry["results"] ?? .null
    let name = entry.text("name")
    return """
      <li><div class="cond">\(HTML.link(address, "\(open ? "▾" : "▸") \(name.isEmpty ? "without a name" : name)"))
      \(numbers(counts, rows))</div>\(open ? below : "")</li>
      """
  }

  private func rule(_ rule: JSONValue) -> HTML {
    """
    <li><div class="cond">\(HTML.severity(rule.text("severity"))) \(rule.text("title")) \(numbers(rule["results"] ?? .null, filter.narrowed(["rule": rule.text("rule")])))</div></li>
    """
  }

  private func numbers(_ counts: JSONValue, _ rows: Address) -> HTML {
    HTML(
      Verdict.allCases.filter { counts.count($0.rawValue) > 0 }.map { verdict in
        let link = HTML.link(
          rows.with("verdict", verdict.rawValue),
          "\(counts.count(verdict.rawValue).grouped) \(verdict.words)"
        )
        return "<span class=\"tag\">\(link)</span>"
      }
    )
  }
}
