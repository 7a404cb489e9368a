import Reports

/// Where somebody signs in: by a code, or through the OpenID provider.
struct SignInPage {
  var code: String
  var next: String
  var hasOpenID: Bool
  var problem: Problem?
  var isSignedOut: Bool

  var content: PageContent {
    var main = PageContent(
      "Sign in",
      main: """
        \(message)
        <form class="card stack" method="post" action="/sign-in">
        <input type="hidden" name="next" value="\(next)">
        <div class="field">
        <label for="code">One-time code</label>
        <input id="code" name="code" type="text" value="\(code)" required maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false"\(HTML.when(problem != nil, " aria-invalid=\"true\" aria-describedby=\"code-fault\""))>
        <p class="hint">The server prints the first one when it starts. An administrator makes others: <code>plumb people code NAME</code></p>
        </div>
        <button class="main" type="submit">Sign in</button>
        </form>
        \(provider)
        """
    )
    main.lead = "A code signs you in once, for twelve hours."
    return main
  }

  private var message: HTML {
    if let problem {
      return """
        <div class="alert" role="alert" id="code-fault"><strong>\(problem.title)</strong><p>\(problem.detail)</p></div>
        """
    }
    return isSignedOut ? "<p class=\"notice\" role=\"status\">You are signed out.</p>" : ""
  }

  private var provider: HTML {
    guard hasOpenID else { return "" }
    return """
      <p class="or">or</p>
      <p>\(HTML.link(Address(SignInPages.beginning).with("next", next.isEmpty ? nil : next), "Sign in with OpenID", "button"))</p>
      """
  }
}
