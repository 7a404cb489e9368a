import JSON
import Model
import Reports

/// What scans sign in with, never the secrets.
enum CredentialsPage {
  static let page = Page(
    "/credentials",
    entry: Page.Entry(area: .collection, name: "Credentials", permission: .administer),
    show: show,
    change: change,
    by: ["addCredential"]
  )

  static let listing = Listing(
    "/credentials",
    "listCredentials",
    columns: [
      "name", "provider", "state", "version", "account=details.account", "created_at", "rotated_at",
      "revoked_at", "tested_at=test.at", "outcome=test.outcome",
    ]
  )

  static func tag(_ state: String) -> HTML {
    switch state {
    case "accepted": HTML.tag(state, "good")
    case "refused": HTML.tag(state, "bad")
    case "revoked": HTML.tag(state)
    default: HTML.tag(state, "wait")
    }
  }

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let isAWS = form["provider"] == "aws"
    var details = JSONObject()
    for name in ["account"] + (isAWS ? ["access_key_id", "role_arn", "external_id", "region"] : [])
      + ["endpoint"]
    where !form[name].isEmpty {
      details[name] = .string(form[name])
    }
    let secret = isAWS ? "secret_access_key" : "api_key"
    let made = try await visit.change(
      "addCredential",
      [:],
      [
        "name": .string(form["name"]), "provider": .string(form["provider"]),
        "details": .object(details), "secret": .object([secret: .string(form["secret"])]),
      ]
    )
    return .go(
      Address("/credentials", parts: [made.text("name")])
        .with("notice", Notice.credentialKept.rawValue)
    )
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let page = try await listing.page(visit)
    let rows = page.list("items").map { credential -> HTML in
      let test = credential["test"] ?? .null
      let tested: HTML =
        test == .null
        ? "<span class=\"quiet\">not tested</span>"
        : "\(test.text("at").asTime)<span class=\"quiet\">\(test.text("outcome").shortenedText)</span>"
      return """
        <tr><th scope="row">\(HTML.link(Address("/credentials", parts: [credential.text("name")]), "\(credential.text("name"))"))<span class="quiet">\(credential.text("provider")) \(credential["details"]?.text("account") ?? "")</span></th>
        <td>\(tag(credential.text("state")))</td><td>\(tested)</td><td class="tight">\((credential["rotated_at"] ?? credential["created_at"])?.string?.asTime ?? "")</td></tr>
        """
    }
    let fields = [
      Field(name: "name", label: "Name", hint: "Such as audit; it stays."),
      Field(
        name: "provider",
        label: "Provider",
        kind: .choice([("aws", "AWS"), ("ibm", "IBM Cloud")]),
        value: "aws"
      ),
      Field(
        name: "account",
        label: "Account",
        hint: "It then signs in to no other.",
        isRequired: false
      ),
      Field(
        name: "access_key_id",
        label: "Access key id",
        hint: "AWS only.",
        isRequired: false
      ),
      Field(
        name: "role_arn",
        label: "Role",
        hint: "AWS only: the role to assume.",
        isRequired: false
      ),
      Field(name: "external_id", label: "External id", hint: "AWS only.", isRequired: false),
      Field(name: "region", label: "Region", hint: "AWS only.", isRequired: false),
      Field(
        name: "endpoint",
        label: "Endpoint",
        hint: "Where the provider's API is elsewhere than usual.",
        isRequired: false
      ),
      Field(
        name: "secret",
        label: "Secret",
        hint: "The secret access key, or IBM Cloud's API key. It is sealed and never shown again.",
        kind: .secret
      ),
    ]
    let content = PageContent(
      "Credentials",
      lead: "What scans sign in with. A secret goes in and never comes out.",
      commands: listing.commands([["credentials", "list"]], visit),
      hasInstant: false,
      main: """
        \(HTML.table("Credentials", ["Credential", "State", "Last test", "Secret of"], rows, kind: "cards", empty: "None is kept, so scans cannot sign in by themselves."))
        \(listing.links(page, visit))
        \(HTML.folded("Keep a credential", isOpen: visit.refused != nil || rows.isEmpty, visit.form("add", fields, button: "Keep")))
        """
    )
    return .page(content)
  }
}

/// One credential: tested, given a new secret, or revoked.
enum CredentialPage {
  static let page = Page(
    "/credentials/{name}",
    show: show,
    change: change,
    by: ["testCredential", "rotateCredential", "revokeCredential"]
  )

  private static func change(_ visit: Visit, _ form: Form) async throws -> ChangeAnswer {
    let name = visit.part("name")
    switch form["action"] {
    case "test":
      _ = try await visit.change("testCredential", ["name": name])
      return .go(visit.notice(.credentialTested))
    case "rotate":
      let credential = try await visit.look("showCredential", ["name": name])
      let isAWS = credential.text("provider") == "aws"
      var secret: JSONObject = [
        isAWS ? "secret_access_key" : "api_key": .string(form["secret"])
      ]
      if isAWS, !form["access_key_id"].isEmpty {
        secret["access_key_id"] = .string(form["access_key_id"])
      }
      _ = try await visit.change(
        "rotateCredential",
        ["name": name, "If-Match": form["tag"]],
        .object(secret)
      )
      return .go(visit.notice(.credentialKept))
    case "revoke":
      _ = try await visit.change("revokeCredential", ["name": name, "If-Match": form["tag"]])
      return .go(visit.notice(.credentialRevoked))
    default: throw form.unknownAction
    }
  }

  private static func show(_ visit: Visit) async throws -> PageAnswer {
    let credential = try await visit.ask("showCredential", ["name": visit.part("name")])
    let isRevoked = credential.text("state") == "revoked"
    var facts: [(String, HTML)] = [
      ("State", CredentialsPage.tag(credential.text("state"))),
      ("Provider", "\(credential.text("provider"))"),
    ]
    for (name, value) in credential["details"]?.object?.members ?? [] {
      facts.append((name.replacing("_", with: " "), "<code>\(value.string ?? value.text)</code>"))
    }
    facts.append(("Kept since", credential.text("created_at").asTime))
    if let rotated = credential["rotated_at"]?.string {
      facts.append(("New secret", "\(rotated.asTime), the \(credential.count("version")). in all"))
    }
    if let revoked = credential["revoked_at"]?.string {
      facts.append(("Revoked", revoked.asTime))
    }
    facts.append(
      (
        "Sealed under",
        HTML.code(credential.list("keys").compactMap(\.string))
      )
    )
    if let test = credential["test"] {
      facts.append(
        (
          "Last test",
          "\(test.text("at").asTime) \(HTML.tag(test["accepted"]?.bool == true ? "accepted" : "refused", test["accepted"]?.bool == true ? "good" : "bad")) \(test.text("outcome"))"
        )
      )
    }
    let tag: HTML = "<input type=\"hidden\" name=\"tag\" value=\"\(credential.entityTag)\">"
    var fields = [Field(name: "secret", label: "New secret", kind: .secret)]
    if credential.text("provider") == "aws" {
      fields.insert(
        Field(
          name: "access_key_id",
          label: "Access key id",
          hint: "Where it is another than before.",
          isRequired: false
        ),
        at: 0
      )
    }
    let buttons: HTML =
      """
      <div class="row">\(visit.button("test", "Test now", kind: "main"))
      \(visit.button("revoke", "Revoke", kind: "danger", ["tag": credential.entityTag]))</div>
      \(HTML.folded("Give it a new secret", visit.form("rotate", fields, button: "Rotate", more: tag)))
      """
    let content = PageContent(
      credential.text("name"),
      lead: "Credential",
      commands: [["credentials", "show", credential.text("name")]],
      hasInstant: false,
      main: """
        \(HTML.facts("Facts", facts))
        \(isRevoked ? "" : buttons)
        """
    )
    return .page(content)
  }
}
