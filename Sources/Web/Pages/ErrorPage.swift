import Reports

/// A page in place of one that cannot be shown, which says why and what may help.
struct ErrorPage {
  var problem: Problem
  /// The number of the request in the log.
  var request: String
  /// What was asked for, where it was a page.
  var asked: Address?

  var content: PageContent {
    PageContent(
      problem.title,
      hasInstant: false,
      main: """
        <div class="card stack">
        <p>\(problem.plainDetail)</p>
        \(without)
        \(help)
        <p class="quiet">Status \(problem.status), request <code>\(request)</code></p>
        </div>
        """
    )
  }

  /// The way back to the page without what of its address is at fault.
  private var without: HTML {
    guard let asked, problem.status == 400 || problem.status == 422 else { return "" }
    let odd = Set(problem.faults.map { String($0.pointer.drop { $0 == "/" }) })
    guard asked.query.contains(where: { odd.contains($0.name) }) else { return "" }
    var address = asked
    address.query.removeAll { odd.contains($0.name) }
    return
      "<p>\(HTML.link(address, "Show it without \(odd.sorted().joined(separator: " and "))", "button main"))</p>"
  }

  private var help: HTML {
    switch problem.status {
    case 401: "<p><a class=\"button\" href=\"/sign-in\">Sign in</a></p>"
    case 403:
      "<p>You are signed in, and this is not among what your roles allow.</p><p><a class=\"button\" href=\"/\">Home</a></p>"
    default: "<p><a class=\"button\" href=\"/\">Home</a></p>"
    }
  }
}
