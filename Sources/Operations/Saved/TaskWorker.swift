import Engine
import JSON
import Model
import Store

/// Judges the tasks of a scan and stores what is new; one worker serves one thread.
final class TaskWorker {
  let scan: SavedScan
  private let id: Int64
  let inventory: Inventory
  let knowledge: ScanKnowledge
  private let judge: Judge
  private let owner: String
  /// The seed for lines that name no account.
  let accountSeed: UInt64

  init(
    _ scan: SavedScan,
    _ id: Int64,
    _ inventory: Inventory,
    _ knowledge: ScanKnowledge,
    owner: String
  ) {
    self.scan = scan
    self.id = id
    self.inventory = inventory
    self.knowledge = knowledge
    self.owner = owner
    let name = Array(scan.account.utf8)
    let mixed = unsafe name.withUnsafeBytes { unsafe Fingerprint(of: $0, seed: scan.store.seed) }
    accountSeed = mixed.low
    judge = Judge(
      scan.plan.ruleSet,
      JudgeOptions(selection: .vectors, now: "\(scan.instant)")
    )
  }

  /// How many bytes are judged at once.
  static let chunkSize = 1 << 18
  /// How many bytes of a task are read at once.
  private static let readSize: Int64 = 4 << 20

  /// What one task found so far.
  struct Found: Sendable {
    /// Where in the file each line of the chunk at hand starts; empty where they were put aside.
    var origins: [Int64] = []
    var report = TaskReport()
    var seen: [Int64] = []
    var population = Population()
    var deferred: [UInt8] = []
    /// What is to be stored, by account.
    var accounts: [Int64: Batch] = [:]
  }

  /// What is to be stored of one account.
  struct Batch: Sendable {
    var resources: [FoundResource] = []
    var blocks = BlockBuilder()
  }

  /// Does one task, from its lease to its end.
  func run(_ task: ScanTask) async throws -> TaskReport {
    var found = Found()
    var pending: [UInt8] = []
    pending.reserveCapacity(Self.chunkSize * 2)
    let end = task.start + task.length
    var start = task.start
    var rest: [UInt8] = []
    while start < end {
      let next = min(start + Self.readSize, end)
      let text = try rest + inventory.bytes(of: start..<next)
      // A piece ends where a line does, but for the last.
      let whole = next == end ? text.count : (text.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)
      rest = Array(text[whole...])
      if rest.count > LineChunks.lineLimit {
        throw InputError.lineTooLong(
          inventory.path,
          line: try inventory.line(at: next - Int64(rest.count)),
          limit: LineChunks.lineLimit
        )
      }
      start = next
      var place = 0
      while place < whole {
        let origin = next - Int64(text.count)
        place = try passOver(text, from: place, to: whole, at: origin, &pending, &found)
        if pending.count >= Self.chunkSize { try await judge(&pending, nil, &found) }
      }
    }
    if !pending.isEmpty { try await judge(&pending, nil, &found) }
    return try await store(found, task)
  }

  /// Does the task of the resources that wait for counts over all others.
  func runRelated(
    _ task: ScanTask,
    _ population: Population
  ) async throws -> TaskReport {
    var found = Found()
    let number = id
    // One task's lines at a time.
    for finished in try await scan.store.read({ try $0.finishedTasks(of: number) }) {
      let lines = try await scan.store.read { try $0.deferredLines(ofTask: finished) }
      var pending: [UInt8] = []
      for line in lines.split(separator: 0x0A) {
        pending += line
        pending.append(0x0A)
        if pending.count >= Self.chunkSize { try await judge(&pending, population, &found) }
      }
      if !pending.isEmpty { try await judge(&pending, population, &found) }
    }
    return try await store(found, task)
  }

  /// Judges the lines of a chunk and empties it.
  private func judge(
    _ pending: inout [UInt8],
    _ population: Population?,
    _ found: inout Found
  ) async throws {
    var repeated: [Int: String] = [:]
    let chunk = knowledge.nextChunk()
    judge.isRepeated = { [knowledge] account, kind, id, offset in
      guard !knowledge.counts(account, kind, id, chunk: chunk, offset: offset) else { return false }
      repeated[offset] = "\(kind) \(id) stands twice in the inventory"
      return true
    }
    let count = pending.count
    pending += [UInt8](repeating: 0, count: JSONParser.padding)
    let outcome = unsafe pending.withUnsafeBufferPointer { buffer in
      let body = unsafe UnsafeBufferPointer(rebasing: buffer[..<count])
      return unsafe judge.judge(
        body,
        firstLine: 0,
        lineCount: JSONParser.lineEnds(in: body),
        population: population
      )
    }
    for (_, message) in repeated.sorted(by: { $0.key < $1.key }) { found.report.fault(message) }
    found.population.merge(outcome.population)
    found.deferred += outcome.deferred
    let origins = found.origins
    try found.report.add(outcome.summary, pending[..<count], isFirstPass: population == nil) {
      $0 < origins.count ? try inventory.line(at: origins[$0]) : nil
    }
    found.origins.removeAll(keepingCapacity: true)
    let proofs = outcome.lines.isEmpty ? [:] : ResultLines.byResource(outcome.lines)
    for statement in outcome.population.statements
    where !scan.isOpenToAccounts && !statement.account.isEmpty
      && statement.account != scan.account
    {
      throw StoreError.otherAccount(
        expected: scan.account,
        found: statement.account,
        record: "a statement of coverage"
      )
    }
    for resource in outcome.resources {
      let name = ScanKnowledge.AccountName(resource, defaultAccount: scan.account)
      guard scan.isOpenToAccounts || name.account == scan.account else {
        throw StoreError.otherAccount(
          expected: scan.account,
          found: name.account,
          record: resource.id
        )
      }
    }
    let names = try await knowledge.numbers(
      of: outcome.resources,
      defaultAccount: scan.account,
      scan.store,
      as: scan.actor,
      at: scan.clock()
    )
    for resource in outcome.resources {
      add(resource, pending[resource.line], proofs, names, &found)
    }
    pending.removeAll(keepingCapacity: true)
  }

  private func add(
    _ resource: JudgedResource,
    _ line: ArraySlice<UInt8>,
    _ proofs: [String: [(goal: Goal, proof: String)]],
    _ names: ScanKnowledge.Numbers,
    _ found: inout Found
  ) {
    let name = ScanKnowledge.AccountName(resource, defaultAccount: scan.account)
    let texts = [
      resource.id, resource.name, resource.region, resource.group, resource.account,
      resource.provider, resource.kind.service, resource.kind.kind,
    ]
    guard !texts.contains(where: { $0.utf8.contains(0) }) else {
      // PostgreSQL keeps no such text, and both databases keep the same.
      found.report.fault("\(resource.kind): its id, name or place holds a zero byte")
      return
    }
    let layoutOf = resource.layout.map { knowledge.plan.layouts[$0] }
    guard let account = names.accounts[name],
      let kind = layoutOf?.kind ?? names.kinds[resource.kind]
    else { return }
    let key = Fingerprint(
      account: account,
      kind: kind,
      resource: resource.id,
      seed: scan.store.seed
    )
    let fingerprint = unsafe line.withUnsafeBytes {
      unsafe self.fingerprint(of: $0, namesAccount: !resource.account.isEmpty)
    }
    let layout = layoutOf?.id ?? 0
    let place = knowledge.index.place(key: key)
    guard place.map({ knowledge.meet($0) }) ?? knowledge.meet(new: key) else {
      found.report.fault("\(resource.kind) \(resource.id) stands twice in the inventory")
      return
    }
    for letter in resource.verdicts.utf8 {
      if let verdict = Verdict(letter: letter) { found.report.verdicts[verdict, default: 0] += 1 }
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
    let kept = found.accounts[account, default: Batch()].blocks.append(line)
    let proved = proofs.isEmpty ? [] : proofs[ResultLines.key(resource)] ?? []
    found.accounts[account, default: Batch()].resources.append(
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
        block: kept.block,
        slot: kept.slot,
        proofs: proved.compactMap { goal, proof in
          knowledge.plan.number(of: goal).map { (goal: $0, proof: proof) }
        }
      )
    )
  }

  /// Stores what is new or changed, and ends the task, all in one transaction.
  private func store(_ found: Found, _ task: ScanTask) async throws -> TaskReport {
    let population = Array(found.population.json.text.utf8)
    let batches = found.accounts.sorted { $0.key < $1.key }.map { account, batch in
      var batch = batch
      return (account: account, resources: batch.resources, blocks: batch.blocks.finish())
    }
    let owner = owner
    let instant = scan.instant
    try await scan.store.write(as: scan.actor, at: scan.clock()) { transaction in
      var seen = found.seen
      for batch in batches {
        seen += try transaction.store(
          batch.resources,
          batch.blocks,
          of: batch.account,
          at: instant
        )
      }
      try transaction.finish(
        task,
        by: owner,
        TaskOutcome(
          report: found.report.json,
          seen: NumberSet(seen),
          population: population,
          deferred: found.deferred
        )
      )
    }
    return found.report
  }
}
