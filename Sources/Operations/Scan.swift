package import Engine
import Foundation
import JSON
package import Model
import Synchronization

/// Collects resources, judges them and gathers what a report tells.
///
/// What the collector emits is spooled as an inventory and judged by the same path as `plumb judge`.
package struct Scan: Sendable {
  package let collector: any Collector
  package let ruleSet: RuleSet
  package let profiles: [Profile]
  package let exceptions: [Exception]
  /// The scopes to which exceptions may be confined, and what stands above each account.
  package let scopes: ScopeTree
  package let accounts: [String: [String]]
  /// The instant of judgement, ISO 8601.
  package let now: String
  /// What is scanned, in words.
  package let subject: String
  /// The account of resources that name none; empty leaves them without.
  package let account: String
  /// The content set that is used, for the report.
  package let content: ContentStamp?
  /// Is told of each result, with where its resource is.
  package var examine: (@Sendable (ResultRecord, Place) -> Void)?

  package init(
    _ collector: any Collector,
    _ ruleSet: RuleSet,
    profiles: [Profile] = [],
    exceptions: [Exception] = [],
    scopes: ScopeTree = ScopeTree([]),
    accounts: [String: [String]] = [:],
    now: String,
    subject: String,
    account: String = "",
    content: ContentStamp? = nil
  ) {
    self.collector = collector
    self.ruleSet = ruleSet
    self.profiles = profiles
    self.exceptions = exceptions
    self.scopes = scopes
    self.accounts = accounts
    self.now = now
    self.subject = subject
    self.account = account
    self.content = content
  }

  /// What a scan is doing.
  package struct Step: Sendable {
    /// Whether resources are judged, after all were read.
    package var isJudging: Bool
    /// How many resources were read or judged.
    package var resources: Int
    /// What the collector does, in words that follow others.
    package var activity: String

    /// The step for people.
    package var text: String {
      "\(resources) resources \(isJudging ? "judged" : "read")\(activity)"
    }
  }

  /// Runs the scan; `progress` is told now and then what is being done.
  ///
  /// `earlier` is a file with lines of the inventory that were collected before.
  /// `keep` receives the inventory that was collected, piece by piece, for a scan that is saved;
  /// `checkpoint` is told of each part that was collected in full, once all of it was kept.
  ///
  /// - Throws: what the collector throws when nothing can be read.
  package func run(
    toolVersion: String,
    earlier: String? = nil,
    keep kept: ([UInt8]) throws -> Void = { _ in },
    checkpoint: (String) throws -> Void = { _ in },
    progress: @escaping @Sendable (Step) -> Void = { _ in }
  ) async throws -> ScanReport {
    var found = Findings()
    let isScoped = examine != nil || exceptions.contains { !$0.scope.isEmpty }
    let spool = try SpoolFile()
    var buffer = JSONWriter()
    func flush() throws {
      try spool.append(buffer.bytes)
      try kept(buffer.bytes)
      buffer.bytes.removeAll(keepingCapacity: true)
    }
    func keep(_ line: JSONValue) throws {
      buffer.value(line)
      buffer.raw("\n")
      if buffer.bytes.count > 1 << 18 { try flush() }
    }
    if let earlier {
      found.resources += try spool.append(linesOf: earlier)
      if isScoped { try notePlaces(of: spool, in: &found) }
    }
    try await collector.collect { item in
      switch item {
      case .resource(var resource):
        found.resources += 1
        if resource.account.isEmpty { resource.account = account }
        if isScoped { found.places[PlaceKey(resource)] = place(of: resource) }
        progress(
          Step(isJudging: false, resources: found.resources, activity: collector.activity)
        )
        found.note(resource)
        try keep(resource.inventoryLine)
      case .coverage(var coverage):
        if coverage.account.isEmpty { coverage.account = account }
        if let gap = coverage.gap { found.gaps[coverage.kind] = gap }
        try keep(coverage.inventoryLine)
      case .checkpoint(let name):
        try flush()
        try checkpoint(name)
      case .diagnostic(let diagnostic): found.diagnostics.append(diagnostic)
      case .notCovered(let type, _): found.notCovered[type, default: 0] += 1
      case .outside(let address, let reason): found.outside.append((address, reason))
      }
    }
    try flush()
    try spool.rewind()
    let lines = try SpoolFile()
    let fault = Mutex<(any Error)?>(nil)
    let judge = InventoryJudge(ruleSet, JudgeOptions(now: now))
    let judged = try await judge.run(
      descriptor: spool.descriptor,
      name: subject,
      write: { bytes in
        do {
          try lines.append(bytes)
        } catch {
          fault.withLock { $0 = $0 ?? error }
        }
      },
      progress: { resources, _ in
        progress(Step(isJudging: true, resources: resources, activity: ""))
      }
    )
    if let error = fault.withLock({ $0 }) { throw error }
    for fault in judged.faults {
      found.diagnostics.append(Diagnostic(fault.message, at: SourceLocation(file: subject)))
    }
    for (kind, count) in judged.notCovered { found.notCovered["\(kind)", default: 0] += count }
    return try report(found, lines, toolVersion: toolVersion)
  }

  /// Notes where the resources are whose lines were collected before.
  private func notePlaces(of spool: SpoolFile, in found: inout Findings) throws {
    let parser = JSONParser()
    var reader = LineReader(spool)
    while let line = reader.next() {
      guard let resource = Resource(inventoryLine: try parser.parse(line)) else { continue }
      found.places[PlaceKey(resource)] = place(of: resource)
    }
  }

  private struct PlaceKey: Hashable {
    var account: String
    var kind: ResourceKind
    var id: String

    init(_ resource: Resource) {
      (account, kind, id) = (resource.account, resource.kind, resource.id)
    }

    init(_ resource: ResultRecord.Identity) {
      (account, kind, id) = (resource.account, resource.kind, resource.id)
    }
  }

  private func place(of resource: Resource) -> Place {
    Place(resource, accounts: accounts[resource.account] ?? [resource.account])
  }

  private struct Findings {
    /// Where each resource is, kept only where some exception is confined to a scope.
    var places: [PlaceKey: Place] = [:]
    var resources = 0
    var diagnostics: [Diagnostic] = []
    var notCovered: [String: Int] = [:]
    var outside: [(address: String, reason: String)] = []
    /// Why kinds were not fully read.
    var gaps: [ResourceKind: String] = [:]
    /// Why calls brought nothing; those that differ from call to call end as one.
    var unread: [String: Int] = [:]

    /// Notes which calls brought nothing for a resource that was read by calls.
    mutating func note(_ resource: Resource) {
      guard !resource.unread.isEmpty, resource.source?["call"] != nil else { return }
      for reason in Set(resource.unread.map(\.reason)) where !reason.hasPrefix("not read:") {
        let isKnown = unread[reason] != nil || unread.count < 10_000
        unread[isKnown ? reason : "other reasons", default: 0] += 1
      }
    }
  }

  /// Reads the judge's lines once: finds exceptions, sums up, and writes the lines as they are kept.
  private func report(
    _ found: Findings,
    _ lines: SpoolFile,
    toolVersion: String
  ) throws -> ScanReport {
    var resolver = ExceptionResolver(
      exceptions,
      now: Instant(now) ?? .never,
      scopes: scopes
    )
    let kept = try SpoolFile()
    var writer = JSONWriter()
    var summary = ResultSummary()
    var count = 0
    // The judge's lines are results without exceptions, in the form that the list reads.
    for var result in ResultList(lines, count: 0, exceptions: []) {
      func place(_ identity: ResultRecord.Identity) -> Place {
        found.places[PlaceKey(identity)] ?? Place(identity)
      }
      result.exception = resolver.exception(for: result, place: place)
      examine?(result, place(result.resource))
      summary.add(result)
      count += 1
      writer.value(result.json)
      writer.raw("\n")
      guard writer.bytes.count > 1 << 18 else { continue }
      try kept.append(writer.bytes)
      writer.bytes.removeAll(keepingCapacity: true)
    }
    try kept.append(writer.bytes)
    let rules = Dictionary(ruleSet.members.map { ($0.rule.id, $0.rule) }) { first, _ in first }
    // Nothing of a kind was met, and it was not fully read: whether there is something is not known.
    let unseen = Set(
      rules.values.filter { rule in rule.target.kinds.contains { found.gaps[$0] != nil } }
        .map(\.id)
    )
    func isUnseen(_ goal: Goal) -> Bool {
      summary.goals[goal] == nil && unseen.contains(goal.rule)
    }
    return ScanReport(
      subject: subject,
      judgedAt: now,
      toolVersion: toolVersion,
      content: content,
      resourceCount: found.resources,
      results: ResultList(kept, count: count, exceptions: exceptions),
      summary: summary,
      rules: rules,
      profiles: profiles.map { profile in
        ProfileReport(profile, summary, resolve: ruleSet.resolved, isUnseen: isUnseen)
      },
      diagnostics: found.diagnostics,
      notCovered: found.notCovered.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { (type: $0.key, count: $0.value) },
      unread: found.unread.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        .map { (reason: $0.key, count: $0.value) },
      gaps: found.gaps.sorted { $0.key < $1.key }.map { (kind: $0.key, reason: $0.value) },
      outside: found.outside,
      exceptionRemarks: resolver.remarks
    )
  }
}
