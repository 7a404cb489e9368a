import Collectors
import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization

/// Does jobs by scans, each in a process of its own: one that runs out of memory or crashes takes
/// nothing else with it.
struct ScanProcess: JobExecutor {
  let store: DataStore
  let place: StoreOptions
  let key: KeyOptions

  /// The providers whose accounts can be scanned.
  static let providers = Set(LiveCollector.allCases.map(\.rawValue))

  /// As whom the scans of a job are kept.
  private static func actor(of job: Int64) -> String { "worker/job-\(job)" }

  func run(_ job: Job, report: @escaping @Sendable (JobReport) -> Void) async throws {
    guard job.kind == "scan", Self.providers.contains(job.target.provider) else {
      let what = "\(job.kind) of \(job.target.provider)"
      throw JobFailure("this plumb has nothing that does a \(what)", isFinal: true)
    }
    if job.attempts > 1, let scan = try await finished(of: job) {
      // An earlier try did it, and whoever waited for that was gone.
      return report(JobReport(progress: scan.report, scan: scan.id))
    }
    try await checkCredential(of: job)
    for scan in try await leftovers(of: job) where try await resume(scan, job, report) {
      guard scan.started < job.createdAt else { return }
    }
    let target = job.target
    try await runScan(
      ["scan", target.provider, "--credential", target.credential, "--save"],
      job,
      report
    )
  }

  private func checkCredential(of job: Job) async throws {
    do {
      let credential = try await store.read { try $0.credential(job.target.credential) }
      guard credential.revokedAt == nil else {
        throw JobFailure("the credential \"\(credential.name)\" was revoked", isFinal: true)
      }
    } catch let error as StoreError {
      guard case .notFound = error else { throw error }
      throw JobFailure("\(error)", isFinal: true)
    }
  }

  /// The scan that a job ended without its being noted, whose inventory nobody needs any more.
  private func finished(of job: Job) async throws -> ScanRecord? {
    let actor = Self.actor(of: job.id)
    let scan = try await store.read { try $0.finishedScan(of: actor, since: job.createdAt) }
    if let scan { ScanKeeper(store: store, options: place, actor: actor).removeSpool(scan) }
    return scan
  }

  /// The open scans that jobs of the same target began and did not end.
  private func leftovers(of job: Job) async throws -> [ScanRecord] {
    try await store.read { transaction in
      try transaction.openScans().filter { scan in
        guard let number = scan.job, scan.actor == Self.actor(of: number) else { return false }
        return try number == job.id
          || transaction.jobIfKept(number)?.target.key == job.target.key
      }
    }
  }

  /// Takes up a scan where its inventory is on this machine; else, or where that fails, cancels it.
  private func resume(
    _ scan: ScanRecord,
    _ job: Job,
    _ report: @escaping @Sendable (JobReport) -> Void
  ) async throws -> Bool {
    let path = scan.instruction["inventory"]?["path"]?.string ?? ""
    if FileManager.default.fileExists(atPath: path) {
      do {
        try await runScan(["scans", "resume", "\(scan.id)"], job, report)
        return true
      } catch is JobFailure {
        try Task.checkCancellation()
      }
    }
    let actor = Self.actor(of: job.id)
    do {
      try await store.write(as: actor, at: timeOfDay()) { transaction in
        try transaction.move(scan.id, to: .cancelled, report: scan.report)
      }
    } catch let error as StoreError {
      // It ended in another way.
      guard case .conflict = error else { throw error }
    }
    ScanKeeper(store: store, options: place, actor: actor).removeSpool(scan)
    return false
  }

  /// Runs a command until the scan is kept.
  ///
  /// - Throws: ``JobFailure`` with the last that it said.
  private func runScan(
    _ command: [String],
    _ job: Job,
    _ report: @escaping @Sendable (JobReport) -> Void
  ) async throws {
    let listener = Listener(report)
    let process = OwnProcess(
      arguments: command + [
        "--as", Self.actor(of: job.id), "--progress-format", "json", "--lifeline",
      ],
      environment: environment
    )
    let ending: OwnProcess.Ending
    do {
      ending = try await process.run { listener.take($0) }
    } catch {
      throw JobFailure("a process for the scan cannot be started: \(error)")
    }
    // Whatever the verdicts are, and whatever could not be judged: what is kept is done.
    guard !listener.isKept else { return }
    try Task.checkCancellation()
    throw JobFailure(listener.reason(ending))
  }

  /// The variables that a scan needs; what else is secret here is none of its business.
  private var environment: [String: String] {
    let all = ProcessInfo.processInfo.environment
    var found = all.filter { name, _ in
      Self.variables.contains(name) || Self.prefixes.contains { name.hasPrefix($0) }
    }
    // An address may hold a password, which arguments would show to everybody.
    found["PLUMB_DATA"] = place.place
    found.merge(key.variables(all)) { $1 }
    return found
  }

  private static let variables: Set = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "AWS_CA_BUNDLE", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
  ]
  private static let prefixes = ["LC_", "XDG_", "PLUMB_", "PG"]
}

extension KeyOptions {
  /// The variables by which another process of this binary finds the same key.
  func variables(_ all: [String: String]) -> [String: String] {
    let named = vaultKey ?? all[VaultKey.variable] ?? ""
    // A key in AWS KMS is used as whom AWS's own tools sign in here.
    var found = named.hasPrefix("aws-kms:") ? all.filter { $0.key.hasPrefix("AWS_") } : [:]
    if let vaultKey { found[VaultKey.variable] = vaultKey }
    return found
  }
}

extension ScanProcess {
  /// Hears what a scan says of itself.
  final class Listener: Sendable {
    private struct State {
      var figures: JSONObject = [:]
      var isKept = false
      var lastCalls: (count: Int64, at: ContinuousClock.Instant)?
      var words: [String] = []

      /// Works out how many calls a second there are.
      mutating func noteCalls(_ calls: Int64) {
        let now = ContinuousClock.now
        if let last = lastCalls {
          let seconds = (now - last.at) / .seconds(1)
          guard seconds >= 0.5 else { return }
          let rate = Double(calls - last.count) / seconds
          figures["calls_per_second"] = .number((rate * 10).rounded() / 10)
        }
        lastCalls = (calls, now)
      }
    }

    private let state = Mutex(State())
    private let report: @Sendable (JobReport) -> Void

    init(_ report: @escaping @Sendable (JobReport) -> Void) { self.report = report }

    /// Whether the scan is kept, with all that it judged.
    var isKept: Bool { state.withLock { $0.isKept } }

    func take(_ line: String) {
      guard line.hasPrefix("{"), let told = try? JSONParser().parse(Array(line.utf8)).object else {
        let text = line.hasPrefix("plumb: ") ? String(line.dropFirst(7)) : line
        return state.withLock { state in
          state.words.append(String(text.withoutControls.prefix(600)))
          if state.words.count > 3 { state.words.removeFirst() }
        }
      }
      let heard = state.withLock { state in
        for (name, value) in told.members { state.figures[name] = value }
        if told["phase"] == "kept" { state.isKept = true }
        if let calls = told["calls"]?.whole { state.noteCalls(Int64(calls)) }
        return state.figures
      }
      var progress = heard
      progress["scan"] = nil
      report(JobReport(progress: .object(progress), scan: heard["scan"]?.whole.map(Int64.init)))
    }

    /// Why nothing was kept, in the words of the scan.
    func reason(_ ending: OwnProcess.Ending) -> String {
      let words = state.withLock { $0.words.joined(separator: "; ") }
      switch ending {
      case .exit(let code):
        return words.isEmpty ? "the scan ended with status \(code) and said nothing" : words
      case .signal(let signal):
        let cause = signal == SIGKILL ? ", perhaps because there was no memory left" : ""
        return "the scan was ended by signal \(signal)\(cause)"
          + (words.isEmpty ? "" : "; \(words)")
      }
    }
  }
}
