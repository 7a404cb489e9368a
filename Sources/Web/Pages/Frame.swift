import JSON
import Model
import Reports

/// What stands around every page: head, navigation, the instant that is shown, and how to get the
/// same from a shell.
struct Frame {
  let assets: Assets
  /// `light`, `dark`, or empty for what the browser prefers.
  let theme: String
  let address: Address
  /// Nil where nobody is signed in.
  var visit: Visit?

  /// A page with everything around it.
  func page(_ content: PageContent) -> HTML {
    guard let visit else { return bare(content) }
    return document(
      content,
      """
      <div class="frame">
      \(bar(visit))
      <main id="main" tabindex="-1">
      <div class="head">
      <div><h1>\(content.title)</h1>\(lead(content))</div>
      \(content.hasInstant ? instant(visit) : "")
      </div>
      \(notices(content, visit))
      \(content.main)
      \(sources(content, visit))
      <p class="printed">\(address.text) · \("\(visit.asker.now)".asTime)</p>
      </main>
      </div>
      """
    )
  }

  /// A page for somebody who is not signed in, or of whom that is not known.
  func bare(_ content: PageContent) -> HTML {
    document(
      content,
      """
      <main id="main" class="bare" tabindex="-1">
      <p class="brand">\(Self.mark) Plumbline</p>
      <h1>\(content.title)</h1>\(lead(content))
      \(content.main)
      </main>
      """
    )
  }

  private func lead(_ content: PageContent) -> HTML {
    content.lead.text.isEmpty ? "" : "<p class=\"lead\">\(content.lead)</p>"
  }

  private func document(_ content: PageContent, _ body: HTML) -> HTML {
    let scripts = ["plumb.js", "htmx.js"].compactMap(assets.path).map { path -> HTML in
      "<script src=\"\(path)\" defer></script>"
    }
    return """
      <!DOCTYPE html>
      <html lang="en"\(HTML.when(!theme.isEmpty, " data-theme=\"\(theme)\""))>
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="htmx-config" content='{"includeIndicatorStyles":false,"allowEval":false,"historyCacheSize":0}'>
      <title>\(content.title) · Plumbline</title>
      <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%232456c9'/%3E%3Cpath d='M8 2v7M8 9l-2.5 3L8 14.500l2.500-2.500z' stroke='%23fff' fill='%23fff'/%3E%3C/svg%3E">
      <link rel="stylesheet" href="\(assets.path("plumb.css") ?? "")">
      \(HTML(scripts))
      </head>
      <body>
      <a class="skip" href="#main">Skip to content</a>
      \(body)
      </body>
      </html>

      """
  }

  private static let mark: HTML = """
    <svg class="mark" viewBox="0 0 16 16" width="20" height="20" aria-hidden="true" focusable="false"><path d="M8 1v8"/><path class="bob" d="M8 8.500 5 12l3 3.500 3-3.500z"/></svg>
    """

  // MARK: - Navigation

  private func bar(_ visit: Visit) -> HTML {
    let areas = Page.Area.allCases.map { area -> HTML in
      let pages = Page.all.filter { page in
        page.entry.map { $0.area == area && visit.may($0.permission) } ?? false
      }
      guard !pages.isEmpty else { return "" }
      let links = pages.map { page -> HTML in
        let isHere = page.leads.contains { path in
          address.path == path || (path != "/" && address.path.hasPrefix("\(path)/"))
        }
        return """
          <li><a href="\(visit.to(page.path).text)"\(HTML.when(isHere, " aria-current=\"page\""))>\(page.entry?.name ?? "")</a></li>
          """
      }
      return """
        <h2>\(area.rawValue)</h2>
        <ul>\(HTML(links))</ul>
        """
    }
    return """
      <header class="bar"><div class="inner">
      <a class="brand" href="/">\(Self.mark) Plumbline</a>
      <nav aria-label="Pages">
      \(HTML(areas))
      </nav>
      <div class="who">
      <p><span class="quiet">Signed in as</span> <strong>\(visit.asker.principal.name)</strong></p>
      <div class="row">
      <form method="post" action="/theme"><input type="hidden" name="next" value="\(address.text)"><input type="hidden" name="theme" value="\(nextTheme)"><button type="submit" class="plain">\(themeName)</button></form>
      <form method="post" action="/sign-out"><input type="hidden" name="csrf" value="\(visit.antiForgery)"><button type="submit" class="plain">Sign out</button></form>
      </div>
      </div>
      </div></header>
      """
  }

  private var nextTheme: String { theme.isEmpty ? "dark" : theme == "dark" ? "light" : "" }

  private var themeName: HTML {
    switch theme {
    case "dark": "Theme: dark"
    case "light": "Theme: light"
    default: "Theme: system"
    }
  }

  // MARK: - The instant

  /// Which instant the page shows, and how to look at another one.
  private func instant(_ visit: Visit) -> HTML {
    let kept = address.query.filter { !["as_of", "notice", "cursor", "seen"].contains($0.name) }
    let hidden = kept.map { pair -> HTML in
      "<input type=\"hidden\" name=\"\(pair.name)\" value=\"\(pair.value)\">"
    }
    let state: HTML =
      visit.asOf.map { text in
        "<p class=\"asof past\"><strong>As of \(text.asTime)</strong> · snapshot, not the present state · <a href=\"\(address.without("as_of", "cursor", "seen").text)\">back to now</a></p>"
      } ?? "<p class=\"asof\"><strong>Now</strong> · \("\(visit.asker.now)".asTime)</p>"
    return """
      <div class="instant">
      \(state)
      <details><summary>Another instant</summary>
      <form method="get" action="\(address.path)" class="row">
      \(HTML(hidden))
      <div class="field"><label for="as-of">As of, in UTC</label>
      <input id="as-of" name="as_of" type="text" placeholder="2026-11-21T08:00Z" value="\(visit.asOf ?? "")" required pattern="[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+][0-9:]+|-[0-9:]+)?)?" title="such as 2026-11-21 or 2026-11-21T08:00Z"></div>
      <button type="submit">Show</button>
      </form></details>
      </div>
      """
  }

  // MARK: - Messages

  private func notices(_ content: PageContent, _ visit: Visit) -> HTML {
    if let problem = visit.refused?.problem {
      return """
        <div class="alert" role="alert"><strong>\(problem.title)</strong><p>\(problem.plainDetail)</p></div>
        """
    }
    let notice = visit.value("notice").flatMap(Notice.init)
    let told: HTML = notice.map { "<p class=\"notice\" role=\"status\">\($0.text)</p>" } ?? ""
    let isPresent = visit.asOf != nil && (!content.hasInstant || visit.unread.contains("as_of"))
    let unknown = visit.unread.filter { $0 != "as_of" }
    return """
      \(told)
      \(HTML.when(isPresent, "<p class=\"quiet\">This page always shows the present, whatever instant other pages are shown as of.</p>"))
      \(HTML.when(!unknown.isEmpty, "<p class=\"warning\">This page does not heed \(HTML.code(unknown)), which its address has.</p>"))
      """
  }

  // MARK: - The same from a shell

  /// The calls and commands that tell what the page tells.
  private func sources(_ content: PageContent, _ visit: Visit) -> HTML {
    func each(_ calls: [Visit.Call], _ text: (APIOperation, Visit.Call) -> String?) -> [String] {
      var seen: Set<String> = []
      return calls.compactMap { call in
        visit.api.operation(call.operation).flatMap { text($0, call) }
      }.filter { seen.insert($0).inserted }
    }
    let reads = visit.reads
    let commands =
      content.commands.isEmpty
      ? each(reads) { $0.command($1) } : content.commands.map(APIOperation.commandLine)
    let given = Dictionary(address.query.map { ($0.name, $0.value) }) { first, _ in first }
    let parts = visit.parts.map { Address.Pair(name: $0.key, value: $0.value) }
    let changes = each(visit.changes.map { Visit.Call(operation: $0, values: parts) }) {
      operation,
      call in
      guard operation.permission.map(visit.may) ?? true else { return nil }
      return operation.change(call, visit.api.sketch(operation, given: given))
    }
    let texts = [
      ("as-command", "As a command", commands),
      ("as-call", "As calls of the API", each(reads) { $0.curl($1) }),
      ("as-change", "What its forms send, to be filled in", changes),
    ].filter { !$0.2.isEmpty }
    guard !texts.isEmpty else { return "" }
    let shown = texts.map { id, name, lines -> HTML in
      """
      <h3 id="\(id)-name">\(name)</h3>
      <div class="copy"><pre id="\(id)" tabindex="0" role="region" aria-labelledby="\(id)-name"><code>\(lines.joined(separator: "\n"))</code></pre><button type="button" class="plain" data-copy="\(id)" hidden>Copy</button></div>
      """
    }
    return """
      <details class="sources"><summary>Copy as command or API call</summary>
      \(HTML(shown))
      <p class="quiet"><code>PLUMB_SERVER</code> is this server's address, <code>PLUMB_TOKEN</code> a key of yours (<code>plumb keys</code>). <a href="/api/v1/reference">Reference of the API</a></p>
      </details>
      """
  }
}

extension APIOperation {
  /// Words of `plumb` as a line for a shell.
  fileprivate static func commandLine(_ words: [String]) -> String {
    (["plumb"] + words).map(\.asShellWord).joined(separator: " ") + " --server \"$PLUMB_SERVER\""
  }

  /// The command that reads the same; of a list all of it.
  fileprivate func command(_ call: Visit.Call) -> String? {
    guard method == "GET" else { return nil }
    let address = address(call)
    let isList = parameters.contains { $0.name == "cursor" }
    let pairs = address.query.filter { !isList || !["limit", "cursor"].contains($0.name) }
    return Self.commandLine(
      ["api", address.path.replacing("/api/v1", with: "", maxReplacements: 1)]
        + pairs.map { "\($0.name)=\($0.value)" }
    )
  }

  /// The call of a read as a line for a shell.
  fileprivate func curl(_ call: Visit.Call) -> String? {
    guard method == "GET" else { return nil }
    return
      "curl -sS -H \"Authorization: Bearer $PLUMB_TOKEN\" \"$PLUMB_SERVER\(address(call).text)\""
  }

  /// The call of a change as a line for a shell, with a body to be filled in.
  fileprivate func change(_ call: Visit.Call, _ body: JSONValue?) -> String {
    let match = needsMatch ? " -H 'If-Match: *'" : ""
    let sent =
      body.map { " -H 'Content-Type: application/json' --data \($0.text.asShellWord)" } ?? ""
    return
      "curl -sS -X \(method) -H \"Authorization: Bearer $PLUMB_TOKEN\"\(match)\(sent) \"$PLUMB_SERVER\(address(call).text)\""
  }

  private func address(_ call: Visit.Call) -> Address {
    var path = path
    for parameter in parameters where parameter.place == .path {
      guard !call.values.contains(where: { $0.name == parameter.name }) else { continue }
      path = path.replacing("{\(parameter.name)}", with: parameter.name.uppercased())
    }
    var query: [Address.Pair] = []
    for pair in call.values {
      guard let parameter = parameters.first(where: { $0.name == pair.name }) else { continue }
      if parameter.place == .path {
        path = path.replacing("{\(pair.name)}", with: Address.encoded(pair.value))
      } else {
        query.append(pair)
      }
    }
    var address = Address(path)
    address.query = query
    return address
  }
}

extension String {
  /// The text as one word of a shell, quoted where it needs to be.
  var asShellWord: String {
    let isPlain =
      !isEmpty
      && unicodeScalars.allSatisfy {
        $0.isASCII
          && ($0.properties.isAlphabetic || "0123456789-_./:@%+=,".unicodeScalars.contains($0))
      }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }

  /// An instant for reading: to the minute, in UTC.
  var asTime: HTML {
    guard let instant = Instant(self) else { return "\(self)" }
    if instant.isNever { return "never" }
    let text = "\(instant)"
    let short = "\(text.prefix(10)) \(text.dropFirst(11).prefix(5))"
    return "<time datetime=\"\(text)\">\(short) UTC</time>"
  }

  /// The last day before an instant at which something ends.
  var asLastDay: HTML {
    guard let instant = Instant(self), !instant.isNever else { return "never" }
    let day = instant.advanced(milliseconds: -1).day
    return "<time datetime=\"\(day)\">\(day)</time>"
  }

  /// The day of an instant.
  var asDay: HTML {
    guard let instant = Instant(self) else { return "\(self)" }
    return "<time datetime=\"\(self)\">\(instant.day)</time>"
  }
}
