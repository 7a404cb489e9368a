import ArgumentParser
import Collectors
import Content
import Engine
import Foundation
import JSON
import Model
import Operations
import Reports
import Store
import YAML

struct ScanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Collects resources, judges them and reports.",
    subcommands: [
      ScanAWS.self, ScanIBM.self, ScanTerraform.self, ScanCloudFormation.self,
      ScanKubernetes.self, ScanInventory.self,
    ]
  )
}

/// What every scan takes beside its source and its goals.
struct ScanOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Exit with 1 only when something of this severity or above failed.",
      valueName: "critical|high|medium|low"
    )
  )
  var threshold = "low"

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The form of the report.",
      valueName: "text|json|ndjson|csv|html|sarif|junit|github|gitlab"
    )
  )
  var format = "text"

  @OptionGroup var files: ReportFiles

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Also write the resources that were read, a line of JSON each, for plumb judge.",
      valueName: "file"
    )
  )
  var inventory: String?

  @Flag(name: .long, help: "Exit with 2 when a verdict at or above the threshold is unknown.")
  var failOnUnknown = false

  @Option(
    name: .long,
    help: ArgumentHelp("Judge as of this instant, ISO 8601.", valueName: "instant")
  )
  var now: String?

  @OptionGroup var pages: RulePageOptions
  @OptionGroup var saving: SaveOptions
  @OptionGroup var watch: WatchOptions

  func validate() throws {
    _ = try reportFormat
    _ = try Severity(option: threshold)
    guard saving.save else { return }
    try ScanKeeper.check(try instant)
  }

  private var reportFormat: ReportFormat {
    get throws {
      if let format = ReportFormat(rawValue: format) { return format }
      let words = ReportFormat.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--format \"\(format)\" is none of \(words)")
    }
  }

  private var instant: Instant {
    get throws { try moment(now, option: "--now") ?? timeOfDay() }
  }

  /// The goals that will be judged, with the attached ones where the scan is saved, and whether some
  /// were chosen or attached rather than all shipped rules.
  func chosen(_ goals: GoalOptions) async throws -> (GoalOptions.Choice, isChosen: Bool) {
    let attached = try await keeper()?.attached(at: instant) ?? AttachedGoals()
    let choice = try goals.choose(attached: attached)
    return (choice, goals.isChosen || !attached.parts.isEmpty)
  }

  private func keeper() async throws -> ScanKeeper? {
    guard saving.save else { return nil }
    return ScanKeeper(
      store: try await saving.store.open(),
      options: saving.store,
      actor: saving.person.actor,
      progress: watch.format
    )
  }

  /// Scans, reports, keeps the results for `plumb why` and ends with the exit code they ask for.
  ///
  /// `figures` says what else a program that watches is told.
  func scan(
    _ collector: any Collector,
    _ goals: GoalOptions,
    subject: [String],
    account: String,
    mappingsOf library: ContentLibrary? = nil,
    journal: CollectionJournal? = nil,
    figures: @escaping @Sendable () -> JSONObject = { [:] }
  ) async throws {
    let format = try reportFormat
    let threshold = try Severity(option: threshold)
    let rulePages = try pages.base()
    let instant = try instant
    let keeper = try await keeper()
    let attached = try await keeper?.attached(at: instant) ?? AttachedGoals()
    let choice = try goals.choose(attached: attached)
    var found: [Exception] = []
    var scopes = ScopeTree([])
    var accounts: [String: [String]] = [:]
    if let keeper {
      (found, scopes, accounts) = try await keeper.store.read { transaction in
        (
          try transaction.exceptionsInForce(at: instant),
          ScopeTree(try transaction.scopes(at: instant)), try Places(transaction).names
        )
      }
    }
    found += try files.readExceptions(choice.index)
    let progress = Progress(watch.format)
    let name = subject.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
    // Two plans have nothing to do with each other unless one account is named for both.
    let owner = saving.account ?? (account.isEmpty && saving.save ? name : account)
    let scan = Scan(
      collector,
      choice.ruleSet,
      profiles: choice.attached.map(\.profile),
      exceptions: found,
      scopes: scopes,
      accounts: accounts,
      now: "\(instant)",
      subject: name,
      account: owner,
      content: try (choice.library ?? library)?.stamp()
    )
    let spool = try await keeper?.spoolFile()
    let writer = try spool.map { path in
      try journal.map { try SpoolWriter($0.inventory, isAppending: true) } ?? SpoolWriter(path)
    }
    let copy = try inventory.map { try SpoolWriter(replacing: $0) }
    if let copy, let journal { try copy.append(linesOf: journal.inventory) }
    var report = try await scan.run(
      toolVersion: Plumb.configuration.version,
      earlier: journal?.inventory,
      keep: { bytes in
        try writer?.append(bytes)
        try copy?.append(bytes)
      },
      checkpoint: { try journal?.note($0) },
      progress: { step in progress.show(step.text, figures().with(step)) }
    )
    report.rulePages = rulePages
    progress.clear()
    try copy?.finish()
    if watch.format == .text { LastScan.keep(report.results) }
    if let keeper, let spool {
      try writer?.finish()
      try journal?.share(as: spool)
      try await save(
        report,
        choice,
        goals,
        keeper,
        spool,
        owner,
        isOpen: journal == nil,
        instant
      ) { journal?.finish() }
    }
    try write(report, format)
    if format != .text || files.output != nil {
      for diagnostic in report.diagnostics { complain("\(diagnostic)") }
    }
    try end(report, threshold)
  }

  /// Keeps what was collected.
  private func save(
    _ report: ScanReport,
    _ choice: GoalOptions.Choice,
    _ goals: GoalOptions,
    _ keeper: ScanKeeper,
    _ spool: String,
    _ account: String,
    isOpen: Bool,
    _ instant: Instant,
    begun: () -> Void
  ) async throws {
    let number = try await keeper.begin(
      choice,
      goals,
      inventory: spool,
      isSpool: true,
      subject: account,
      account: account,
      // All of a live account is of that account; files may hold resources of any.
      isOpen: isOpen,
      isComplete: false,
      // An account that is named after the files holds nothing else; of others a file may be a part.
      endsMissing: report.diagnostics.isEmpty && (saving.complete || account == report.subject),
      instant: instant
    )
    begun()
    complain(try await keeper.run(number, choice).text(number))
  }

  private func write(_ report: ScanReport, _ format: ReportFormat) throws {
    let isColored =
      files.output == nil && isatty(STDOUT_FILENO) == 1
      && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    try files.write { try format.render(report, isColored: isColored, to: $0) }
  }

  private func end(_ report: ScanReport, _ threshold: Severity) throws {
    if report.resourceCount == 0 {
      complain("nothing to judge in \(report.subject)")
      throw Exit.notJudged
    }
    if !report.diagnostics.isEmpty { throw Exit.notJudged }
    if report.summary.hasFailure(from: threshold) { throw Exit.failed }
    if failOnUnknown, report.summary.hasUnknown(from: threshold) { throw Exit.notJudged }
  }
}

extension JSONObject {
  /// The figures with those of a step.
  fileprivate func with(_ step: Scan.Step) -> JSONObject {
    var figures = self
    figures["phase"] = step.isJudging ? "judging" : "collecting"
    figures["resources"] = .integer(Int64(step.resources))
    return figures
  }
}
