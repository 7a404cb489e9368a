import JSON
import Model
import Reports

/// What waits for somebody with the visitor's roles, which is what they see first.
struct HomeFirst {
  let visit: Visit

  /// One thing that waits, or is well.
  private struct Line {
    var words: HTML
    var address: Address
    var isWell: Bool
  }

  /// The card; nothing for those who only read.
  var card: HTML {
    get async throws {
      guard visit.asOf == nil else { return "" }
      if visit.may(.administer) { return Self.card("Waiting for you", try await administrator()) }
      if visit.may(.audit) { return Self.card("For the audit", try await auditor()) }
      if visit.may(.run) { return Self.card("Scans in your hands", try await scans()) }
      return ""
    }
  }

  private static func card(_ title: String, _ lines: [Line]) -> HTML {
    let todo = lines.filter { !$0.isWell }.map { line -> HTML in
      "<li>\(HTML.tag("to do", "wait")) \(HTML.link(line.address, line.words))</li>"
    }
    let well = lines.filter(\.isWell).enumerated().map { index, line -> HTML in
      "\(index == 0 ? "" : ", ")\(HTML.link(line.address, line.words))"
    }
    let list: HTML =
      todo.isEmpty ? "<p>Nothing waits.</p>" : "<ul class=\"waiting\">\(HTML(todo))</ul>"
    return HTML.card(
      title,
      "w12",
      "<div class=\"stack\">\(list)\(HTML.when(!well.isEmpty, "<p class=\"quiet\">Well: \(HTML(well)).</p>"))</div>"
    )
  }

  /// How many items a list has; nil where the visitor may not see it.
  private func number(
    _ operation: String,
    _ values: KeyValuePairs<String, String?>,
    where isMeant: (JSONValue) -> Bool = { _ in true }
  ) async throws -> Int? {
    try await visit.askIfThere(operation, values).map { $0.list("items").filter(isMeant).count }
  }

  private func line(_ count: Int?, _ one: String, _ many: String, _ address: Address) -> Line? {
    count.map { count in
      Line(
        words: count == 0 ? "no \(many)" : "\(count.of(one, many))",
        address: address,
        isWell: count == 0
      )
    }
  }

  private func administrator() async throws -> [Line] {
    let requests = try await number("listExceptions", ["state": "requested", "limit": "500"])
    let attestations = try await number("listAttestations", ["state": "waiting", "limit": "500"])
    let collectors = try await number("listCollectors", ["state": "requested", "limit": "500"])
    let credentials = try await number("listCredentials", ["limit": "500"]) {
      ["refused", "untested"].contains($0.text("state"))
    }
    return [
      line(
        requests,
        "exception waits for approval",
        "exceptions wait for approval",
        Address("/exceptions", ["state": "requested"])
      ),
      line(
        attestations,
        "attestation waits for approval",
        "attestations wait for approval",
        Address("/attestations", ["state": "waiting"])
      ),
      line(
        collectors,
        "collector waits for approval",
        "collectors wait for approval",
        Address("/collectors", ["state": "requested"])
      ),
      line(
        credentials,
        "credential was refused or never tested",
        "credentials were refused or never tested",
        Address("/credentials")
      ),
    ].compactMap { $0 } + (try await jobs())
  }

  private func jobs() async throws -> [Line] {
    let failed = try await visit.askIfThere(
      "listJobs",
      pairs: [
        Address.Pair(name: "state", value: "failed"),
        Address.Pair(name: "state", value: "set_aside"),
        Address.Pair(name: "limit", value: "500"),
      ]
    )?.list("items").count
    return [
      line(
        failed,
        "job went wrong",
        "jobs went wrong",
        Address("/jobs", ["state": "set_aside"])
      )
    ].compactMap { $0 }
  }

  private func scans() async throws -> [Line] {
    let running = try await visit.askIfThere("listJobs", ["state": "leased", "limit": "500"])?
      .list("items").count
    let gaps = try await number("listCoverage", ["complete": "false", "limit": "500"])
    let paused = try await number("listAttachments", ["limit": "500"]) {
      $0["paused"]?.bool ?? false
    }
    let now = running.map {
      Line(
        words: $0 == 0 ? "no scan is under way" : "\($0.of("scan")) under way",
        address: Address("/jobs", ["state": "leased"]),
        isWell: true
      )
    }
    return (try await jobs())
      + [
        line(
          gaps,
          "kind is not fully read",
          "kinds are not fully read",
          Address("/coverage", ["complete": "false"])
        ),
        line(paused, "schedule is paused", "schedules are paused", Address("/attachments")), now,
      ].compactMap { $0 }
  }

  private func auditor() async throws -> [Line] {
    let fault = try await visit.askIfThere("showAuditFault")
    let log = fault.map { fault in
      let isWhole = fault["is_whole"]?.bool ?? false
      return Line(
        words: isWhole
          ? "the audit log is whole: \(fault.count("entries").of("entry", "entries"))"
          : "the audit log is not whole",
        address: Address("/audit"),
        isWell: isWhole
      )
    }
    let gaps = try await number("listCoverage", ["complete": "false", "limit": "500"])
    let waiting = try await number("listAttestations", ["state": "waiting", "limit": "500"])
    let excepted = try await number("listExceptions", ["state": "approved", "limit": "500"])
    let missing = try await evidenceGaps()
    return [
      log,
      line(
        missing.count,
        "control without evidence in force",
        "controls without evidence in force",
        missing.address
      ),
      line(
        waiting,
        "attestation waits for approval",
        "attestations wait for approval",
        Address("/attestations", ["state": "waiting"])
      ),
      line(
        gaps,
        "kind is not fully read",
        "kinds are not fully read",
        Address("/coverage", ["complete": "false"])
      ),
      line(
        excepted,
        "exception is in force",
        "exceptions are in force",
        Address("/exceptions", ["state": "approved"])
      ),
    ].compactMap { $0 }
  }

  /// Controls of attached profiles that a person has to attest, and that nothing in force does.
  private func evidenceGaps() async throws -> (count: Int?, address: Address) {
    let attached = try await visit.look("listAttachments", ["limit": "500"]).list("items")
    let attestations = try await visit.look(
      "listAttestations",
      ["state": "in force", "limit": "500"]
    ).list("items")
    var missing = 0
    var worst: (count: Int, profile: String)?
    for one in attached.prefix(20) {
      let (profile, scope) = (one.text("profile"), one.text("scope"))
      let document = try await visit.askIfThere(
        "showProfile",
        ["id": "\(profile)@\(one.text("version"))"]
      )
      let known = Set(
        attestations.filter { $0.text("profile") == profile && $0.text("scope") == scope }
          .map { $0.text("control") }
      )
      let count = (document?.list("controls") ?? []).filter {
        $0["manual"]?.bool == true && !known.contains($0.text("id"))
      }.count
      missing += count
      if count > worst?.count ?? 0 { worst = (count, profile) }
    }
    let address = worst.map { worst in
      Address("/profiles", parts: [worst.profile]).with("manual", "true")
    }
    return (attached.isEmpty ? nil : missing, address ?? Address("/profiles"))
  }
}
