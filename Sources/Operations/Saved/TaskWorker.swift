import Engine
import JSON
import Model
import Store

/// Judges the tasks of a scan and stores what is new; one worker serves one thread.
final class TaskWorker {
  private let scan: SavedScan
  private let id: Int64
  private let inventory: Inventory
  private let knowledge: ScanKnowledge
  private let judge: Judge
  private let owner: String

  init(_ scan: SavedScan, _ id: Int64, _ inventory: Inventory, _ knowledge: ScanKnowledge, owner: String) {
    self.scan = scan
    self.id = id
    self.inventory = inventory
    self.knowledge = knowledge
    self.owner = owner
    judge = Judge(
      scan.plan.ruleSet,
      JudgeOptions(selection: .vectors, now: "\(scan.instant)")
    )
  }

  /// How many bytes are judged at once.
  private static let chunkSize = 1 << 18

  /// What one task found so far.
  private struct Found {
    var report = TaskReport()
    var seen: [Int64] = []
    var population = Population()
    var deferred: [UInt8] = []
    /// Resources to be stored, by account.
    var resources: [Int64: [FoundResource]] = [:]
    /// Judged resources whose accounts and kinds have no numbers yet, each with its line.
    var judged: [(resource: JudgedResource, line: [UInt8], proofs: [(goal: Goal, proof: String)])] = []
  }

  /// Does one task, from its lease to its end.
  func run(_ task: ScanTask) async throws -> TaskReport {
    var found = Found()
    let bytes = try inventory.bytes(of: task.start..<task.start + task.length)
    read(bytes, count: Int(task.length), task, into: &found)
    return try await store(&found, task)
  }

  /// Does the task of the resources that wait for counts over all others.
  func runRelated(
    _ task: ScanTask,
    _ outcomes: [TaskOutcome],
    _ population: Population
  ) async throws -> TaskReport {
    var found = Found()
    for outcome in outcomes where !outcome.deferred.isEmpty {
      let bytes = outcome.deferred + [UInt8](repeating: 0, count: JSONParser.padding)
      var start = 0
      while start < outcome.deferred.count {
        let end = lineEnd(bytes, from: start, limit: outcome.deferred.count)
        judge(bytes[start..<end], line: 0, population, into: &found)
        start = end
      }
    }
    return try await store(&found, task)
  }

  /// The end of a chunk that starts at a place: behind the last line end within the chunk's size.
  private func lineEnd(_ bytes: [UInt8], from start: Int, limit: Int) -> Int {
    var end = min(start + Self.chunkSize, limit)
    if end < limit {
      while end > start, bytes[end - 1] != 0x0A { end -= 1 }
      if end == start {
        end = bytes[(start + Self.chunkSize)..<limit].firstIndex(of: 0x0A).map { $0 + 1 } ?? limit
      }
    }
    return end
  }

  /// Passes over what did not change and judges the rest.
  private func read(_ bytes: [UInt8], count: Int, _ task: ScanTask, into found: inout Found) {
    var pending: [UInt8] = []
    pending.reserveCapacity(Self.chunkSize * 2)
    let seed = scan.store.seed
    unsafe bytes.withUnsafeBufferPointer { buffer in
      var start = 0
      while start < count {
        let rest = unsafe UnsafeBufferPointer(rebasing: buffer[start..<count])
        let length = unsafe JSONParser.lineLength(of: rest)
        let line = unsafe UnsafeBufferPointer(rebasing: buffer[start..<start + length])
        let fingerprint = unsafe Fingerprint(of: UnsafeRawBufferPointer(line), seed: seed)
        start += length + 1
        if let place = knowledge.index.place(fingerprint: fingerprint),
          knowledge.plan.isSettled(knowledge.index.entries[place])
        {
          found.report.resources += 1
          found.report.unchanged += 1
          if knowledge.meet(place) { found.seen.append(knowledge.index.entries[place].resource) }
          continue
        }
        unsafe pending.append(contentsOf: line)
        pending.append(0x0A)
        if pending.count >= Self.chunkSize {
          judge(pending[...], line: 0, nil, into: &found)
          pending.removeAll(keepingCapacity: true)
        }
      }
    }
    if !pending.isEmpty { judge(pending[...], line: 0, nil, into: &found) }
  }

  private func judge(
    _ chunk: ArraySlice<UInt8>,
    line: Int,
    _ population: Population?,
    into found: inout Found
  ) {
    let text = Array(chunk) + [UInt8](repeating: 0, count: JSONParser.padding)
    let outcome = unsafe text.withUnsafeBufferPointer { buffer in
      let body = unsafe UnsafeBufferPointer(rebasing: buffer[..<chunk.count])
      return unsafe judge.judge(
        body,
        firstLine: line,
        lineCount: JSONParser.lineEnds(in: body) + (chunk.last == 0x0A ? 0 : 1),
        population: population
      )
    }
    found.population.merge(outcome.population)
    found.deferred += outcome.deferred
    found.report.add(outcome.summary, chunk, isFirstPass: population == nil)
    var proofs: [String: [(goal: Goal, proof: String)]] = [:]
    if !outcome.lines.isEmpty { proofs = ResultLines.byResource(outcome.lines) }
    for resource in outcome.resources {
      found.judged.append(
        (
          resource, Array(text[resource.line]),
          proofs[ResultLines.key(resource)] ?? []
        )
      )
    }
  }

  /// Stores what is new or changed, and ends the task, all in one transaction.
  private func store(_ found: inout Found, _ task: ScanTask) async throws -> TaskReport {
    try await number(&found)
    let outcome = (
      seen: found.seen, population: Array(found.population.json.text.utf8), found.deferred,
      found.report.json, found.resources
    )
    let owner = owner
    let instant = scan.instant
    try await scan.store.write(as: scan.actor, at: scan.clock()) { transaction in
      var seen = outcome.seen
      for (account, resources) in outcome.4.sorted(by: { $0.key < $1.key }) {
        seen += try transaction.store(resources, of: account, at: instant)
      }
      try transaction.finish(
        task,
        by: owner,
        TaskOutcome(
          report: outcome.3,
          seen: NumberSet(seen),
          population: outcome.population,
          deferred: outcome.2
        )
      )
    }
    return found.report
  }

  /// Gives judged resources the numbers under which they are stored.
  private func number(_ found: inout Found) async throws {
    typealias Name = ScanKnowledge.AccountName
    func name(_ resource: JudgedResource) -> Name {
      Name(
        provider: resource.provider,
        account: resource.account.isEmpty ? scan.account : resource.account
      )
    }
    let (accounts, kinds) = try await knowledge.numbers(
      accounts: Set(found.judged.map { name($0.resource) }),
      kinds: Set(found.judged.map(\.resource.kind)),
      scan.store,
      as: scan.actor,
      at: scan.clock()
    )
    for (resource, line, proofs) in found.judged {
      let name = name(resource)
      guard scan.isOpenToAccounts || name.account == scan.account else {
        throw StoreError.otherAccount(
          expected: scan.account,
          found: name.account,
          record: resource.id
        )
      }
      guard let account = accounts[name], let kind = kinds[resource.kind] else { continue }
      add(resource, line, proofs, account: account, kind: kind, to: &found)
    }
    found.judged.removeAll()
  }

  private func add(
    _ resource: JudgedResource,
    _ line: [UInt8],
    _ proofs: [(goal: Goal, proof: String)],
    account: Int64,
    kind: Int64,
    to found: inout Found
  ) {
    let seed = scan.store.seed
    let key = Fingerprint(account: account, kind: kind, resource: resource.id, seed: seed)
    let fingerprint = unsafe line.withUnsafeBytes { unsafe Fingerprint(of: $0, seed: seed) }
    let layout = resource.layout.map { knowledge.plan.layouts[$0].id } ?? 0
    let place = knowledge.index.place(key: key)
    guard place.map({ knowledge.meet($0) }) ?? knowledge.meet(new: key) else {
      found.report.fault("\(resource.kind) \(resource.id) stands twice in the inventory")
      return
    }
    let known = place.map { knowledge.index.entries[$0] }
    if let known {
      if known.isCurrent, known.fingerprint == fingerprint, known.layout == layout,
        knowledge.verdicts[known.resource].map({ $0 == resource.verdicts }) ?? true
      {
        found.report.unchanged += 1
        found.seen.append(known.resource)
        return
      }
      found.report.changed += 1
    } else {
      found.report.new += 1
    }
    found.resources[account, default: []].append(
      FoundResource(
        known: known?.resource,
        account: account,
        kind: kind,
        key: key,
        region: resource.region,
        group: resource.group,
        id: resource.id,
        name: resource.name,
        tags: resource.tags,
        fingerprint: fingerprint,
        layout: layout,
        verdicts: resource.verdicts,
        line: line,
        proofs: proofs.compactMap { goal, proof in
          knowledge.plan.number(of: goal).map { (goal: $0, proof: proof) }
        }
      )
    )
  }
}
