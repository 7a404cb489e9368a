import JSON
import Model

/// The report as one file for a browser, readable without script, network or color vision.
struct HTMLReport {
  private let report: ScanReport

  init(_ report: ScanReport) { self.report = report }

  func render() -> String {
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
      <title>Plumbline: \(report.subject)</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <header>
      <h1>\(report.subject)</h1>
      <p>\(report.resourceCount) resources, \(report.results.count) results, judged <time datetime="\(report.judgedAt)">\(report.judgedAt)</time> by plumb \(report.toolVersion)\(content)</p>
      </header>
      <main>
      \(score)
      \(failing)
      \(profiles)
      \(unjudged)
      \(results)
      </main>
      <script>\(Self.script)</script>
      </body>
      </html>

      """
    return page.text
  }

  // MARK: - Sections

  /// The content set that was used, to its full digest.
  private var content: HTML {
    report.content.map { ", content \($0.versionText), SHA-256 <code>\($0.digest)</code>" } ?? ""
  }

  private var score: HTML {
    let counts = report.score.counts
    let note: HTML = report.exceptionNote.map { "<p>\($0)</p>" } ?? ""
    return """
      <section aria-labelledby="score">
      <h2 id="score">Score</h2>
      <p class="score">\(report.score.text)</p>
      \(note)
      \(chart)
      <table>
      <caption>Results by verdict</caption>
      <thead><tr><th scope="col">Verdict</th><th scope="col">Results</th><th scope="col">Share by weight</th></tr></thead>
      <tbody>
      <tr><th scope="row">pass</th><td>\(counts[0])</td><td>\(report.score.bands.pass.oneDigit) %</td></tr>
      <tr><th scope="row">fail</th><td>\(counts[1])</td><td>\(report.score.bands.fail.oneDigit) %</td></tr>
      <tr><th scope="row">unknown</th><td>\(counts[2])</td><td>\(report.score.bands.unknown.oneDigit) %</td></tr>
      <tr><th scope="row">not applicable</th><td>\(counts[3])</td><td>outside</td></tr>
      </tbody>
      </table>
      <p class="quiet">\(Score.formula)</p>
      </section>
      """
  }

  /// The bands as a picture; patterns tell them apart without color.
  private var chart: HTML {
    let bands = report.score.bands
    let pass = bands.pass * 6
    let fail = bands.fail * 6
    let unknown = bands.unknown * 6
    func bar(_ x: Double, _ width: Double, _ name: String, _ share: Double) -> HTML {
      guard width > 0 else { return "" }
      let label: HTML =
        width > 130
        ? """
        <text x="\((x + width / 2).oneDigit)" y="26" class="label">\(name) \(share.oneDigit) %</text>
        """ : ""
      return """
        <rect x="\(x.oneDigit)" y="0" width="\(width.oneDigit)" height="40" class="\(name)"><title>\(name) \(share.oneDigit) %</title></rect>\(label)
        """
    }
    return """
      <svg viewBox="0 0 600 40" role="img" aria-labelledby="chart-title chart-text">
      <title id="chart-title">Bands of the score</title>
      <desc id="chart-text">pass \(bands.pass.oneDigit) percent, fail \(bands.fail.oneDigit) percent, unknown \(bands.unknown.oneDigit) percent, by weight</desc>
      <defs><pattern id="hatch" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="8" height="8" fill="#b3261e"/><line x1="0" y1="0" x2="0" y2="8" stroke="#8c1d18" stroke-width="4"/></pattern></defs>
      \(bar(0, pass, "pass", bands.pass))
      \(bar(pass, fail, "fail", bands.fail))
      \(bar(pass + fail, unknown, "unknown", bands.unknown))
      </svg>
      """
  }

  private var failing: HTML {
    let goals = report.failingGoals
    guard !goals.isEmpty else {
      return "<section><h2>Failing goals</h2><p>Nothing failed.</p></section>"
    }
    return """
      <section aria-labelledby="failing">
      <h2 id="failing">Failing goals</h2>
      \(HTML(goals.map { goal(report.rules[$0.rule], $0.rule, $0.results) }))
      </section>
      """
  }

  private func goal(_ rule: Rule?, _ id: String, _ results: [ResultRecord]) -> HTML {
    let page: HTML =
      report.page(of: id).map { "<li><a href=\"\($0)\">Page of the rule</a></li>" } ?? ""
    let remediation: HTML =
      rule.map { rule in
        let snippets = rule.remediation.snippets.map { form, text -> HTML in
          "<h3>\(form)</h3><pre><code>\(text)</code></pre>"
        }
        let references = rule.references.filter { $0.hasPrefix("https://") }.map { link -> HTML in
          "<li><a href=\"\(link)\">\(link)</a></li>"
        }
        return """
          <p>\(rule.rationale)</p>
          <h3>How to meet it</h3><p>\(rule.remediation.text)</p>
          \(HTML(snippets))
          <ul>\(page)\(HTML(references))</ul>
          """
      } ?? ""
    let rows = results.map { result -> HTML in
      let note: HTML =
        result.exception.map { "<br>excepted until \($0.expires) by \($0.approver): \($0.reason)" }
        ?? ""
      return """
        <tr><td><a href="#r\(result.id)">\(result.id)</a></td><td>\(result.resource.id)</td><td>\(result.reason)\(note)</td></tr>
        """
    }
    return """
      <details id="rule-\(id)">
      <summary><span class="severity \(results[0].severity.rawValue)">\(results[0].severity.rawValue)</span> \(rule?.title ?? id) <span class="quiet">\(id), \(results.count) failing</span></summary>
      \(remediation)
      <table><caption>Resources that fail \(id)</caption>
      <thead><tr><th scope="col">Result</th><th scope="col">Resource</th><th scope="col">Reason</th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table>
      </details>
      """
  }

  private var profiles: HTML {
    guard !report.profiles.isEmpty else { return "" }
    let tables = report.profiles.map { entry -> HTML in
      let counts = ControlState.allCases.map { state -> HTML in
        "<td>\(entry.count(state))</td>"
      }
      let rows = entry.controls.map { control, state -> HTML in
        let goals = control.goals.map(\.rule).joined(separator: ", ")
        let basis: HTML =
          entry.profile.ownBasis(of: control).map {
            "<br><span class=\"quiet\">basis: \($0.text)</span>"
          } ?? ""
        return """
          <tr><th scope="row">\(control.id)</th><td>\(control.title)</td><td>\(state.rawValue.replacing("_", with: " "))</td><td>\(control.isManual ? control.manualReason : goals)\(basis)</td></tr>
          """
      }
      return """
        <h3>\(entry.profile.title) \(entry.profile.version): score \(entry.score.text)</h3>
        <p class="quiet">Basis of the mapping from goals to controls: \(entry.profile.basis.text)</p>
        <table><caption>Controls by state</caption><thead><tr>\(HTML(ControlState.allCases.map { "<th scope=\"col\">\($0.rawValue.replacing("_", with: " "))</th>" }))</tr></thead><tbody><tr>\(HTML(counts))</tr></tbody></table>
        <details><summary>Controls of \(entry.profile.title)</summary>
        <table><caption>Controls, effective \(entry.profile.effectiveDate)</caption><thead><tr><th scope="col">Control</th><th scope="col">Title</th><th scope="col">State</th><th scope="col">Goals, or why it is manual</th></tr></thead><tbody>\(HTML(rows))</tbody></table>
        </details>
        """
    }
    return
      "<section aria-labelledby=\"profiles\"><h2 id=\"profiles\">Profiles</h2>\(HTML(tables))</section>"
  }

  private var unjudged: HTML {
    let unknown = report.summary.unknownReasons.map { entry -> HTML in
      "<li>\(entry.count) × \(entry.reason)</li>"
    }
    let refused = report.unread.map { entry -> HTML in
      "<li>\(entry.count) × \(entry.reason)</li>"
    }
    let gaps = report.gaps.map { entry -> HTML in "<li>\("\(entry.kind)"): \(entry.reason)</li>" }
    let notCovered = report.notCovered.map { entry -> HTML in
      "<li>\(entry.type): \(entry.count)</li>"
    }
    let outside = report.outside.map { entry -> HTML in
      "<li>\(entry.address): \(entry.reason)</li>"
    }
    let unread = report.diagnostics.map { entry -> HTML in "<li>\(entry.description)</li>" }
    let remarks = report.exceptionRemarks.map { entry -> HTML in "<li>\(entry)</li>" }
    let groups: [(title: String, items: [HTML])] = [
      ("Unknown, and why", unknown), ("Calls that brought nothing, by resources", refused),
      ("Kinds that were not fully read", gaps),
      ("Not covered by any rule or mapping", notCovered),
      ("Not to be judged", outside), ("Could not be read", unread),
      ("Exceptions that cover nothing", remarks),
    ]
    let lists = groups.filter { !$0.items.isEmpty }.map { group -> HTML in
      "<h3>\(group.title)</h3><ul>\(HTML(group.items))</ul>"
    }
    guard !lists.isEmpty else { return "" }
    return
      "<section aria-labelledby=\"unjudged\"><h2 id=\"unjudged\">What was not judged</h2>\(HTML(lists))</section>"
  }

  /// The rule of a result with a link: to its page, or else to what the report says of it.
  private func rule(_ result: ResultRecord, _ failing: Set<String>) -> HTML {
    let id = result.goal.rule
    if let page = report.page(of: id) { return "<a href=\"\(page)\">\(id)</a>" }
    return failing.contains(id) ? "<a href=\"#rule-\(id)\">\(id)</a>" : "\(id)"
  }

  private var results: HTML {
    let failing = Set(report.summary.failingGoals.map(\.rule))
    let rows = report.results.map { result -> HTML in
      let proof: HTML =
        result.proof.map { proof in
          "<details><summary>proof</summary><pre><code>\(proof.indented)</code></pre></details>"
        } ?? ""
      let place = result.location?.description ?? ""
      return """
        <tr id="r\(result.id)"><td>\(result.id)</td><td><span class="verdict \(result.verdict.rawValue)">\(result.verdict.label)</span></td><td>\(result.severity.rawValue)</td><td>\(rule(result, failing))</td><td>\(result.resource.id)<br><span class="quiet">\(place)</span></td><td>\(result.reason)\(proof)</td></tr>
        """
    }
    return """
      <section aria-labelledby="results">
      <h2 id="results">All results</h2>
      <p class="search"><label for="q">Search results</label> <input id="q" type="search" autocomplete="off"> <span id="hits" role="status"></span></p>
      <table id="all"><caption>\(report.results.count) results</caption>
      <thead><tr><th scope="col">Result</th><th scope="col">Verdict</th><th scope="col">Severity</th><th scope="col">Rule</th><th scope="col">Resource</th><th scope="col">Reason</th></tr></thead>
      <tbody>\(HTML(rows))</tbody></table>
      </section>
      """
  }

  // MARK: - Looks

  private static let style: HTML = """
    :root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--line:#c5c6d0;--quiet:#5a5b66;--link:#0b57d0}
    @media(prefers-color-scheme:dark){:root{--ink:#e4e1e6;--paper:#1b1b1f;--line:#46464f;--quiet:#b5b4bf;--link:#a8c7fa}}
    *{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
    a{color:var(--link)}h1{font-size:1.5rem;margin-bottom:0;overflow-wrap:anywhere}.quiet{color:var(--quiet);font-size:.875rem}
    .score{font-size:3rem;font-weight:700;margin:0}svg{width:100%;max-width:48rem;height:auto;border:1px solid var(--line)}
    rect.pass{fill:#146c2e}rect.fail{fill:url(#hatch)}rect.unknown{fill:#7a5900}text.label{fill:#fff;font-size:14px;text-anchor:middle;font-weight:600}
    table{border-collapse:collapse;width:100%;margin:.5rem 0}caption{text-align:left;color:var(--quiet)}th,td{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
    td:first-child{white-space:nowrap}h3{font-size:1rem}details{margin:.5rem 0}summary{cursor:pointer}summary:focus-visible,a:focus-visible,input:focus-visible{outline:3px solid var(--link);outline-offset:2px}
    pre{overflow:auto;max-height:24rem;border:1px solid var(--line);padding:.5rem}.search input{font:inherit;padding:.3rem;min-width:16rem}
    .severity,.verdict{font-weight:600}.severity.critical,.severity.high,.verdict.fail{color:#b3261e}.verdict.pass{color:#146c2e}.verdict.unknown,.severity.medium{color:#7a5900}
    @media(prefers-color-scheme:dark){.severity.critical,.severity.high,.verdict.fail{color:#ffb4ab}.verdict.pass{color:#7fd990}.verdict.unknown,.severity.medium{color:#f3c04a}}
    """

  private static let script: HTML = """
    (function(){var q=document.getElementById('q'),hits=document.getElementById('hits'),rows=Array.from(document.querySelectorAll('#all tbody tr'));
    var texts=rows.map(function(r){return r.textContent.toLowerCase()});
    q.addEventListener('input',function(){var words=q.value.toLowerCase().split(/ +/).filter(Boolean),n=0;
    rows.forEach(function(r,i){var on=words.every(function(w){return texts[i].indexOf(w)>=0});r.hidden=!on;if(on)n++});
    hits.textContent=words.length?n+' of '+rows.length:''})})();
    """
}
