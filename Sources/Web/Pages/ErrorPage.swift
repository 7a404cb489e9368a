import Reports

/// A page in place of one that cannot be shown, which says why and what may help.
struct ErrorPage {
  var problem: Problem
  /// The number of the request in the log.
  var request: String

  var content: PageContent {
    PageContent(
      problem.title,
      hasInstant: false,
      main: """
        <div class="card stack">
        <p>\(problem.plainDetail)</p>
        \(help)
        <p class="quiet">Status \(problem.status), request <code>\(request)</code></p>
        </div>
        """
    )
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
