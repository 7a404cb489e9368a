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
    let well = lines.filter(\.isWell).map { HTML.link($0.address, $0.words) }
    let list: HTML =
      todo.isEmpty ? "<p>Nothing waits.</p>" : "<ul class=\"waiting\">\(HTML(todo))</ul>"
    return HTML.card(
      title,
      "w12",
      "<div class=\"stack\">\(list)\(HTML.when(!well.isEmpty, "<p class=\"quiet\">Well: \(HTML.commas(well)).</p>"))</div>"
    )
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
    let requests = try await visit.total("listExceptions", ["state": "requested"])
    let attestations = try await visit.total("listAttestations", ["state": "waiting"])
    let collectors = try await visit.total("listCollectors", ["state": "requested"])
    let refused = try await visit.total("listCredentials", ["state": "refused"])
    let untested = try await visit.total("listCredentials", ["state": "untested"])
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
        refused,
        "credential was refused",
        "credentials were refused",
        Address("/credentials", ["state": "refused"])
      ),
      line(
        untested,
        "credential was never tested",
        "credentials were never tested",
        Address("/credentials", ["state": "untested"])
      ),
    ].compactMap { $0 } + (try await mishaps())
  }

  /// Jobs that went wrong and alerts that nobody took.
  private func mishaps() async throws -> [Line] {
    let dead = try await visit.ask("countAlerts")["states"]?.count("dead")
    let failed = try await visit.total(
      "listJobs",
      pairs: [
        Address.Pair(name: "state", value: "failed"),
        Address.Pair(name: "state", value: "set_aside"),
      ]
    )
    return [
      line(
        failed,
        "job went wrong",
        "jobs went wrong",
        Address("/jobs").with("state", all: ["failed", "set_aside"])
      ),
      line(
        dead,
        "alert was taken by nobody",
        "alerts were taken by nobody",
        Address("/alerts", ["state": "dead"])
      ),
    ].compactMap { $0 }
  }

  private func scans() async throws -> [Line] {
    let running = try await visit.total("listJobs", ["state": "leased"])
    let gaps = try await visit.total("listCoverage", ["complete": "false"])
    let paused = try await visit.all("listAttachments").filter { $0["paused"]?.bool ?? false }.count
    let now = running.map {
      Line(
        words: $0 == 0 ? "no scan is under way" : "\($0.of("scan")) under way",
        address: Address("/jobs", ["state": "leased"]),
        isWell: true
      )
    }
    return (try await mishaps())
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
    let gaps = try await visit.total("listCoverage", ["complete": "false"])
    let waiting = try await visit.total("listAttestations", ["state": "waiting"])
    let excepted = try await visit.total("listExceptions", ["state": "approved"])
    return [
      log,
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
      excepted.map { count in
        Line(
          words: "\(count.of("exception is", "exceptions are")) in force",
          address: Address("/exceptions", ["state": "approved"]),
          isWell: true
        )
      },
    ].compactMap { $0 } + (try await evidenceGaps())
  }

  /// The attached profiles that have controls which a person has to attest, and nothing in force does.
  private func evidenceGaps() async throws -> [Line] {
    var lines: [Line] = []
    for one in try await visit.all("listAttachments").prefix(20) {
      let (profile, scope) = (one.text("profile"), one.text("scope"))
      let controls = try await visit.all(
        "listControlStates",
        ["profile": profile, "scope": scope.isEmpty ? nil : scope]
      )
      let missing = controls.filter {
        $0.text("state") == ControlState.manual.rawValue && $0["attestation"] == nil
      }.count
      guard missing > 0 else { continue }
      let place = scope.isEmpty ? "everything" : scope
      lines.append(
        Line(
          words: "\(missing.of("control")) of \(profile) over \(place) without evidence in force",
          address: Address(
            "/results",
            ["view": "controls", "profile": profile, "scope": scope.isEmpty ? nil : scope]
          ),
          isWell: false
        )
      )
    }
    return lines
  }
}
