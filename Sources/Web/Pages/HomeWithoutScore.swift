import JSON
import Model
import Reports

/// Home for those who see a part of the estate only, and before anything was scanned.
struct HomeWithoutScore {
  let visit: Visit

  var content: PageContent {
    get async throws {
      let counts = try await visit.ask("countResults", ["as_of": visit.asOf])
      guard counts.count("total") > 0 else { return try await empty }
      return try await part(counts)
    }
  }

  /// What the visitor sees of the estate, with its own score.
  private func part(_ counts: JSONValue) async throws -> PageContent {
    let figure = counts["score"]?.double
    let score = Score(counts["weights"] ?? .null) ?? Score()
    let whole = counts["whole"] ?? .null
    let rows = Verdict.allCases.map { verdict -> HTML in
      let address = visit.to("/results", ["verdict": verdict.rawValue])
      return """
        <tr><th scope="row">\(HTML.verdict(verdict.rawValue))</th><td class="num">\(HTML.link(address, "\(whole.count(verdict.rawValue).grouped)"))</td></tr>
        """
    }
    let accounts = counts.list("accounts").map { account -> HTML in
      let results = account["results"] ?? .null
      let cells = HTML.verdictCells(results) { verdict in
        visit.to("/results", ["account": account.text("name"), "verdict": verdict.rawValue])
      }
      return "<tr><th scope=\"row\">\(account.text("name"))</th>\(cells)</tr>"
    }
    let view = HomeTodo(visit: visit, scope: nil, profile: nil)
    return PageContent(
      "Home",
      lead: "What you see of the estate.",
      commands: [["results"] + (visit.asOf.map { ["--as-of", $0] } ?? [])],
      main: """
        <div class="grid">
        \(try await HomeFirst(visit: visit).card)
        \(HTML.card("Score of what you see", "w5", "<div class=\"stack\"><div class=\"score\"><p class=\"figure\">\(figure?.short ?? "–")</p><p class=\"quiet\">of 100, accepted failures left out</p></div>\(Charts.bands(score, id: "bands"))\(HTML.table("Results by verdict", ["Verdict", "#Results"], rows))<p class=\"quiet\">\(Score.formula)</p></div>"))
        \(try await view.card("w7"))
        \(HTML.tableCard("Accounts", "w12", "The results that you see, by account", ["Account", "#Pass", "#Fail", "#Unknown", "#Not applicable"], accounts, kind: "wide"))
        \(try await view.risk("w12"))
        </div>
        """
    )
  }

  private var empty: PageContent {
    get async throws {
      let way: HTML =
        visit.asOf == nil
        ? """
        <p>Nothing that you may see was scanned and kept so far. The quickest start:</p>
        <ol>
        <li>Keep what scans sign in with: \(visit.may(.administer) ? HTML.link(Address("/credentials"), "Credentials") : "an administrator does it"), or <code>plumb credentials add</code></li>
        <li>Attach a profile, with a schedule if wanted: \(visit.may(.edit) ? HTML.link(Address("/attachments/new"), "Attach a profile") : "an editor does it"), or <code>plumb attach best-practices all --every 24h</code></li>
        <li>Run it now, or scan from a shell: <code>plumb scan aws --save</code>, or hand in an inventory: <code>plumb scan inventory FILE</code></li>
        </ol>
        """ : "<p>Nothing was scanned and kept by then.</p>"
      return PageContent(
        "Home",
        commands: [["status"]],
        main: """
          <div class="grid"><section class="card stack w12"><h2>No score yet</h2>\(way)</section>
          \(try await HomeFirst(visit: visit).card)</div>
          """
      )
    }
  }
}
