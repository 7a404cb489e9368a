import ArgumentParser
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Reports
import Store
import YAML

/// By which guardrails a gate decides, and how it tells.
struct GateOptions: ParsableArguments {
  @OptionGroup var goals: GoalOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Decide by the guardrails of a YAML file, see docs/guardrails.md.",
      valueName: "file"
    )
  )
  var guardrails: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What profiles and rules named by options do; default: disallow.",
      valueName: "audit_log|warn|disallow"
    )
  )
  var enforcement: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "What they do with what cannot be judged; default: open, which warns.",
      valueName: "open|closed"
    )
  )
  var onFailure: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The account of resources that name none: where they will be.",
      valueName: "id"
    )
  )
  var account: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The form of the report.",
      valueName: "text|json|sarif|junit|github|gitlab"
    )
  )
  var format = "text"

  @OptionGroup var files: ReportFiles

  @OptionGroup var at: InstantOptions
  @OptionGroup var pages: RulePageOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions
  @OptionGroup var server: ServerOptions

  private static let formats = ["text", "json", "sarif", "junit", "github", "gitlab"]

  func validate() throws {
    guard Self.formats.contains(format) else {
      throw ValidationError(
        "--format \"\(format)\" is none of \(Self.formats.joined(separator: ", "))"
      )
    }
    _ = try enforced
    if !isNamed, enforcement != nil || onFailure != nil {
      throw ValidationError("--enforcement and --on-failure are about --profile and --rules")
    }
    if guardrails != nil, isNamed {
      throw ValidationError("--guardrails excludes --profile and --rules; the file names them")
    }
  }

  /// Whether profiles or rules are named by options.
  private var isNamed: Bool { goals.isChosen }

  private var enforced: (Enforcement, FailureChoice) {
    get throws {
      let word = enforcement ?? "disallow"
      guard let enforcement = Enforcement(rawValue: word) else {
        throw ValidationError("--enforcement \"\(word)\" is none of audit_log, warn, disallow")
      }
      guard let choice = FailureChoice(rawValue: onFailure ?? "open") else {
        throw ValidationError("--on-failure \"\(onFailure ?? "")\" is none of open, closed")
      }
      return (enforcement, choice)
    }
  }

  /// Decides about what a collector reads, tells it, and ends with the exit code of the decision.
  func decide(
    _ collector: any Collector,
    _ library: ContentLibrary,
    subject: [String],
    gate: String,
    mayBeEmpty: Bool = false
  ) async throws {
    let now = try at.instant()
    let rulePages = try pages.base()
    let name = subject.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    var collected: [Collected] = []
    try await collector.collect { collected.append($0) }
    let report: GateReport
    let isRemote: Bool
    if let decisions = try await answered(collected, gate: gate) {
      // What the server would be asked has been shown.
      if server.showsAPI { return }
      report = GateReport(
        decisions,
        subject: name,
        toolVersion: Plumb.configuration.version,
        at: now,
        diagnostics: collected.diagnostics,
        notCovered: collected.notCovered,
        outside: collected.outside
      )
      isRemote = true
    } else {
      isRemote = false
      report = try await local(collected, library, subject: name, gate: gate, at: now)
    }
    if report.isWithoutGuardrails {
      throw isRemote ? Self.nothingThere : Self.nothing
    }
    try tell(report, rulePages)
    if collected.resources.isEmpty, report.diagnostics.isEmpty, !mayBeEmpty {
      complain("nothing to decide in \(name)")
      throw Exit.notJudged
    }
    if !report.diagnostics.isEmpty { throw Exit.notJudged }
    if report.effect == .refused { throw Exit.failed }
  }

  private func tell(_ report: GateReport, _ rulePages: String?) throws {
    try files.write { write in
      switch format {
      case "text": try write(Array(report.text.utf8))
      case "json": try write(Array((report.json.text + "\n").utf8))
      default:
        var scan = report.scanReport
        scan.rulePages = rulePages
        try ReportFormat(rawValue: format)?.render(scan, to: write)
      }
    }
    if format != "text" || files.output != nil {
      for diagnostic in report.diagnostics { complain("\(diagnostic)") }
    }
  }

  // MARK: - Here

  private func local(
    _ collected: [Collected],
    _ library: ContentLibrary,
    subject: String,
    gate: String,
    at now: Instant
  ) async throws -> GateReport {
    let (set, exceptions, data) = try await guardrailSet(library, at: now)
    for guardrail in set.guardrails {
      guard let fault = set.faults[guardrail.id] else { continue }
      // A file or option with a fault is put right; what is kept goes on without the one at fault.
      guard data != nil else { throw GuardrailError(description: fault) }
      complain("guardrail \(guardrail.id) is not enforced: \(fault)")
    }
    let (decisions, scan) = try await Gate(set, exceptions: exceptions).decisions(
      of: collected,
      at: now,
      account: account ?? "",
      subject: subject,
      toolVersion: Plumb.configuration.version
    )
    if let data { await log(decisions, collected, data, gate: gate) }
    return GateReport(
      decisions.map { $0.json(hasProof: true) },
      subject: subject,
      toolVersion: Plumb.configuration.version,
      at: now,
      diagnostics: scan.diagnostics,
      notCovered: scan.notCovered,
      outside: scan.outside
    )
  }

  private static let nothing = ValidationError(
    "there are no guardrails to decide by: name --guardrails FILE, --profile ID or --rules PATH, "
      + "or lay some on scopes with plumb guardrails add"
  )

  private static let nothingThere = ValidationError(
    "the server has no guardrails in force to decide by: lay some on scopes with plumb guardrails "
      + "add; plumb guardrails list tells why one is not enforced"
  )

  private func guardrailSet(
    _ library: ContentLibrary,
    at now: Instant
  ) async throws -> (GuardrailSet, [Model.Exception], DataStore?) {
    if let guardrails {
      let node = try YAMLReader().document(textFile(guardrails), file: guardrails)
      let (laid, scopes) = try Guardrail.document(node)
      if laid.isEmpty { throw Self.nothing }
      return try set(laid, ScopeTree(scopes), library.rules(), library.profiles())
    }
    if isNamed {
      let (enforcement, choice) = try enforced
      let chosen = try goals.choose(library: library)
      let laid = named(chosen.ruleSet, enforcement, choice)
      return try set(laid, ScopeTree([]), chosen.index.rules, [])
    }
    let data: DataStore
    do {
      data = try await store.openForReading()
    } catch StoreError.noDatabase {
      throw Self.nothing
    }
    let (rules, profiles) = (try library.rules(), try library.profiles())
    let fromFile = try files.readExceptions(RuleIndex(rules))
    let (found, kept) = try await data.read { transaction in
      // What nothing is asked of would be allowed without a word.
      if try transaction.guardrails(at: now).isEmpty { throw Self.nothing }
      return (
        try GuardrailSet(transaction, rules: rules, profiles: profiles, at: now),
        try transaction.exceptionsInForce(at: now)
      )
    }
    return (found, kept + fromFile, data)
  }

  private func set(
    _ laid: [Guardrail],
    _ scopes: ScopeTree,
    _ rules: [Rule],
    _ profiles: [Profile]
  ) throws -> (GuardrailSet, [Model.Exception], DataStore?) {
    let fromFile = try files.readExceptions(RuleIndex(rules))
    let parts = GuardrailSet.Parts(
      guardrails: laid,
      rules: rules,
      profiles: profiles,
      scopes: scopes,
      exceptions: fromFile
    )
    return (GuardrailSet(parts), fromFile, nil)
  }

  /// A guardrail over everything for each rule that options name, by themselves or through a profile.
  private func named(
    _ ruleSet: RuleSet,
    _ enforcement: Enforcement,
    _ choice: FailureChoice
  ) -> [Guardrail] {
    ruleSet.members.enumerated().map { index, member in
      Guardrail(
        id: Int64(index + 1),
        .rule(member.rule.id),
        parameters: [member.rule.id: member.parameters],
        enforcement: enforcement,
        onFailure: choice
      )
    }
  }

  /// Logs decisions by guardrails that are kept, beside what they came to.
  private func log(
    _ decisions: [Decision],
    _ collected: [Collected],
    _ data: DataStore,
    gate: String
  ) async {
    let log = DecisionLog(data)
    log.note(
      zip(decisions, collected.resources).map { decision, resource in
        LoggedDecision(
          decision,
          GuardKeeper.Request(resource, isNew: true, actor: person.actor, gate: gate)
        )
      }
    )
    let lost = await log.flush()
    if lost > 0 {
      complain("\(lost) decisions were not logged: \(store.place) takes none just now")
    }
  }
}

extension [Collected] {
  var resources: [Resource] {
    compactMap { if case .resource(let resource) = $0 { resource } else { nil } }
  }

  var diagnostics: [Diagnostic] {
    compactMap { if case .diagnostic(let diagnostic) = $0 { diagnostic } else { nil } }
  }

  var outside: [(address: String, reason: String)] {
    compactMap { if case .outside(let address, let reason) = $0 { (address, reason) } else { nil } }
  }

  var notCovered: [(type: String, count: Int)] {
    var counts: [String: Int] = [:]
    for case .notCovered(let type, _) in self { counts[type, default: 0] += 1 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
  }
}
