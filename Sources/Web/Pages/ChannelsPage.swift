import JSON
import Model
import Reports

/// Who is told of findings, and of which.
enum ChannelsPage {
  static let page = Page(
    "/channels",
    entry: Page.Entry(area: .insights, name: "Channels", permission: .administer),
    show: show,
    change: change,
    by: ["addChannel"]
  )

  static let listing = Listing(
    "/channels",
    "listChannels",
    sort: "name",
    columns: [
      "id", "name", "kind", "address", "from", "to", "user", "severity", "sources", "notes",
      "scope", "budget", "digest", "digest_hours", "enabled", "changed_by", "changed_at",
      "tested_at=test.at", "accepted=test.accepted", "outcome=test.outcome",
    ]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    var body = filter(form)
    (body["name"], body["kind"]) = (.string(form["name"]), .string(form["kind"]))
    for name in ["address", "from", "user"] where !form[name].isEmpty {
      body[name] = .string(form[name])
    }
    if !form["to"].isEmpty { body["to"] = list(form["to"]) }
    if !form["secret"].isEmpty {
      let secrets = ["slack": "url", "teams": "url", "email": "password"]
      body["secret"] = .object([secrets[form["kind"]] ?? "key": .string(form["secret"])])
    }
    let added = try await visit.change("addChannel", [:], .object(body))
    let place = Address("/channels/\(added.count("id"))")
    guard let key = added["key"]?.string else {
      return .go(place.with("notice", Notice.channelAdded.rawValue))
    }
    return .page(
      .told(
        "The key of \(added.text("name"))",
        key,
        "By it the webhook knows that a message is from here: the header <code>webhook-signature</code> is made with it.",
        back: place
      )
    )
  }

  /// What a form says of which findings a channel is told, and how, as the API takes it.
  static func filter(_ form: Form) -> JSONObject {
    var body: JSONObject = [
      "severity": .string(form["severity"]), "scope": .string(form["scope"]),
      "notes": list(form["notes"]), "digest": .bool(form["digest"] == "true"),
      "sources": list(form["source"]),
    ]
    for name in ["budget", "digest_hours"] where !form[name].isEmpty {
      body[name] = Int64(form[name]).map { .integer($0) } ?? .string(form[name])
    }
    return body
  }

  private static func list(_ text: String) -> JSONValue {
    .array(
      text.split(whereSeparator: { $0 == "," || $0.isNewline }).map { part in
        .string(String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
      }
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let rows = page.list("items").map { channel -> HTML in
      """
      <tr><th scope="row">\(HTML.link(Address("/channels/\(channel.count("id"))"), "\(channel.text("name"))"))<span class="quiet">\(channel.text("kind")) \(channel.text("address").shortenedText)</span></th>
      <td>\(told(channel))</td><td>\(state(channel))</td><td>\(tested(channel))</td></tr>
      """
    }
    let scopes = try await visit.scopeChoices("everything")
    let fields = [
      Field(name: "name", label: "Name", hint: "Such as soc."),
      Field(
        name: "kind",
        label: "Kind",
        kind: .choice([
          ("webhook", "webhook, signed"), ("slack", "Slack"), ("teams", "Teams"),
          ("email", "mail"), ("syslog", "syslog"),
        ]),
        value: "webhook"
      ),
      Field(
        name: "address",
        label: "Address",
        hint:
          "https://… of a webhook; smtps:// or smtp+starttls://host:port of mail; syslog+tls://host:port. A chat has none: it is its secret.",
        isRequired: false
      ),
      Field(
        name: "secret",
        label: "Secret",
        hint:
          "A chat's webhook URL, mail's password, or a webhook's key, which is made where none is given. It is sealed and never shown again.",
        kind: .secret,
        isRequired: false
      ),
      Field(name: "from", label: "Mail from", hint: "Mail only.", isRequired: false),
      Field(
        name: "to",
        label: "Mail to",
        hint: "Mail only; addresses set apart by commas.",
        isRequired: false
      ),
      Field(
        name: "user",
        label: "Mail user",
        hint: "Mail only: as whom the server is signed in to.",
        isRequired: false
      ),
    ]
    let content = PageContent(
      "Channels",
      lead: "Who is told of findings, and of which. A secret goes in and never comes out.",
      commands: listing.commands([["channels", "list"]], visit),
      hasInstant: false,
      main: """
        \(HTML.table("Channels", ["Channel", "Is told of", "State", "Last test"], rows, kind: "cards", empty: "None is there, so nobody is told of findings."))
        \(listing.links(page, visit))
        \(HTML.folded("Add a channel", isOpen: visit.refused != nil || rows.isEmpty, visit.form("add", fields + filterFields(nil, scopes), button: "Add")))
        """
    )
    return .page(content)
  }

  /// The fields by which is chosen of what a channel is told, as they stand now.
  static func filterFields(
    _ channel: JSONValue?,
    _ scopes: [(value: String, words: String)]
  ) -> [Field] {
    let severities = ["critical", "high", "medium", "low", "informational"]
    let sources = ["insights", "posture", "governance", "operations", "custom"]
    let source = channel?.list("sources").compactMap(\.string).joined(separator: ", ") ?? ""
    let scope = channel?.text("scope") ?? ""
    let isThere = scopes.contains { $0.value == scope }
    return [
      Field(
        name: "severity",
        label: "Severity or above",
        kind: .choice(severities.map { ($0, $0) }),
        value: channel?.text("severity") ?? "medium"
      ),
      Field(
        name: "source",
        label: "Source",
        kind: .choice(
          [("", "any")] + sources.map { ($0, $0) }
            + (source.contains(",") ? [(source, source)] : [])
        ),
        value: source,
        isRequired: false
      ),
      Field(
        name: "notes",
        label: "Kinds",
        hint: "Patterns of their ids, such as network.*, set apart by commas; empty for all.",
        value: channel?.list("notes").compactMap(\.string).joined(separator: ", ") ?? "",
        isRequired: false
      ),
      Field(
        name: "scope",
        label: "Scope",
        kind: .choice(isThere ? scopes : scopes + [(scope, scope)]),
        value: scope,
        isRequired: false
      ),
      Field(
        name: "budget",
        label: "Alerts a day",
        hint: "Further ones wait for the digest; 0 for no bound.",
        value: channel.map { "\($0.count("budget"))" } ?? "50",
        isRequired: false
      ),
      Field(
        name: "digest_hours",
        label: "Hours between digests",
        hint: "1 to 24, from midnight UTC on.",
        value: channel.map { "\($0.count("digest_hours"))" } ?? "24",
        isRequired: false
      ),
      Field(
        name: "digest",
        label: "Let every alert wait for the digest",
        kind: .check,
        value: channel?["digest"]?.bool == true ? "true" : "",
        isRequired: false
      ),
    ]
  }

  /// Of what a channel is told, in words.
  static func told(_ channel: JSONValue) -> HTML {
    let sources = channel.list("sources").compactMap(\.string)
    let notes = channel.list("notes").compactMap(\.string)
    let scope = channel.text("scope")
    let budget = channel.count("budget")
    let pace =
      channel["digest"]?.bool == true
      ? "a digest every \(channel.count("digest_hours").of("hour"))"
      : budget == 0 ? "each at once" : "\(budget.grouped) a day at once, the others in a digest"
    return """
      \(HTML.severity(channel.text("severity"))) and above\(HTML.when(!sources.isEmpty, " of \(sources.joined(separator: ", "))")) <span class="quiet">\(HTML.when(!notes.isEmpty, "\(notes.joined(separator: ", ")); "))\(HTML.when(!scope.isEmpty, "in \(scope); "))\(pace)</span>
      """
  }

  /// Whether a channel is told of anything.
  static func state(_ channel: JSONValue) -> HTML {
    channel["enabled"]?.bool == false ? HTML.tag("paused", "wait") : HTML.tag("on", "good")
  }

  /// What came of trying a channel last.
  static func tested(_ channel: JSONValue) -> HTML {
    guard let test = channel["test"], test != .null else {
      return "<span class=\"quiet\">not tested</span>"
    }
    let isAccepted = test["accepted"]?.bool == true
    return """
      \(HTML.tag(isAccepted ? "accepted" : "refused", isAccepted ? "good" : "bad")) \(test.text("at").asTime) <span class="quiet">\(test.text("outcome").shortenedText)</span>
      """
  }
}

/// One channel: tried, changed, paused or removed.
enum ChannelPage {
  static let page = Page(
    "/channels/{id}",
    show: show,
    change: change,
    by: ["testChannel", "changeChannel"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let id = visit.part("id")
    func change(_ body: JSONObject) async throws {
      _ = try await visit.change(
        "changeChannel",
        ["id": id, "If-Match": form["tag"].isEmpty ? "*" : form["tag"]],
        .object(body)
      )
    }
    switch form["action"] {
    case "test":
      _ = try await visit.change("testChannel", ["id": id])
      return .go(visit.notice(.channelTested))
    case "change":
      try await change(ChannelsPage.filter(form))
      return .go(visit.notice(.channelChanged))
    case "pause", "resume":
      let isPause = form["action"] == "pause"
      try await change(["enabled": .bool(!isPause)])
      return .go(visit.notice(isPause ? .channelPaused : .channelResumed))
    case "remove":
      _ = try await visit.change(
        "removeChannel",
        ["id": id, "If-Match": form["tag"].isEmpty ? "*" : form["tag"]]
      )
      return .go(Address("/channels").with("notice", Notice.channelRemoved.rawValue))
    default: throw form.unknownAction
    }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let id = visit.part("id")
    let channel = try await visit.ask("showChannel", ["id": id])
    let alerts = try await visit.ask("listAlerts", ["channel": id, "limit": "10"])
    let isOn = channel["enabled"]?.bool ?? true
    var facts: [(String, HTML)] = [
      ("State", ChannelsPage.state(channel)), ("Kind", "\(channel.text("kind"))"),
      ("Address", "<code>\(channel.text("address"))</code>"),
      ("Is told of", ChannelsPage.told(channel)),
    ]
    for (words, member) in [("Mail from", "from"), ("Mail user", "user")]
    where !channel.text(member).isEmpty {
      facts.append((words, "\(channel.text(member))"))
    }
    let to = channel.list("to").compactMap(\.string)
    if !to.isEmpty { facts.append(("Mail to", "\(to.joined(separator: ", "))")) }
    facts.append(
      ("Changed", "\(channel.text("changed_at").asTime) by \(channel.text("changed_by"))")
    )
    facts.append(("Last test", ChannelsPage.tested(channel)))
    let tag: HTML = "<input type=\"hidden\" name=\"tag\" value=\"\(channel.entityTag)\">"
    let scopes = try await visit.scopeChoices("everything")
    let (action, words) = isOn ? ("pause", "Pause") : ("resume", "Resume")
    let content = PageContent(
      channel.text("name"),
      lead: "Channel",
      commands: [["channels", "show", id], ["alerts", "list", "--channel", id]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        <div class="row">\(visit.button("test", "Send a test", kind: "main"))
        \(visit.button(action, words, ["tag": channel.entityTag]))
        \(visit.button("remove", "Remove", kind: "danger", ["tag": channel.entityTag]))</div>
        \(HTML.folded("Change of what it is told", isOpen: visit.refused?.form["action"] == "change", visit.form("change", ChannelsPage.filterFields(channel, scopes), button: "Change", more: tag)))
        \(AlertsPage.table("Its last alerts", alerts.list("items"), visit))
        <p>\(HTML.link(Address("/alerts", ["channel": id]), "All its alerts", "button"))</p>
        """
    )
    return .page(content)
  }
}
