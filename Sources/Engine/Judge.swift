import CSimdjson
import JSON
package import Model

/// Judges an inventory chunk by chunk with the rules of a set; one judge serves one thread.
package final class Judge {
  private let ruleSet: RuleSet
  /// The verdicts that are written, a bit for each index.
  private let written: Int
  private(set) var parser = JSONParser()
  private let hasVectors: Bool
  let evaluator: Evaluator
  /// The path that is unread where it is not known whether a resource exists.
  private static let existence = "$resource.exists"
  /// Whether the resource at hand may not exist.
  private var mayBeMissing = false
  private let kinds: KindTable
  let writer: ResultWriter
  private(set) var outcome: ChunkOutcome
  /// Verdicts per goal of the chunk at hand, as ``JudgeSummary/counts``; by itself, since it is written to for
  /// every verdict.
  private var counts: [Int]
  private var chunkSize = 0
  /// Room for the tags of one resource.
  let tagText = LineBuffer()
  /// Where the text at hand starts in the chunk.
  private(set) var lineBase = 0

  /// How large a chunk may be without the parser's memory being given back.
  private static let keptSize = 4 << 20

  /// With vectors: asked for each resource that counts for others, or waits for them, whether it was
  /// met before; one that was is left out, so that it does not count twice.
  ///
  /// `offset` is where its line starts in the chunk; a chunk with a broken line is read twice.
  package var isRepeated:
    ((_ account: String, _ kind: ResourceKind, _ id: String, _ offset: Int) -> Bool)?

  /// Set in the second pass, when all related resources are counted.
  private var population: Population?

  /// A judge for a rule set.
  ///
  /// - Precondition: the options' instant is ISO 8601.
  package init(_ ruleSet: RuleSet, _ options: JudgeOptions) {
    guard let now = Timestamp.seconds(options.now) else {
      preconditionFailure("the instant of judgement is not ISO 8601: \(options.now)")
    }
    self.ruleSet = ruleSet
    switch options.selection {
    case .all: written = ~0
    case .failures: written = 1 << Verdict.fail.index
    case .obstacles: written = 1 << Verdict.fail.index | 1 << Verdict.unknown.index
    case .none, .vectors: written = 0
    }
    hasVectors = options.selection == .vectors
    let empty = KindProgram(KindBuilder(kind: ResourceKind(service: "", kind: "")))
    evaluator = Evaluator(ruleSet, empty: empty, now: now)
    kinds = KindTable(ruleSet.programs)
    writer = ResultWriter(ruleSet, options)
    outcome = ChunkOutcome(summary: JudgeSummary(counts: []))
    counts = []
  }

  /// Judges as of another instant from now on.
  ///
  /// - Precondition: the instant is ISO 8601.
  package func move(to now: String) {
    guard now != writer.now else { return }
    guard let seconds = Timestamp.seconds(now) else {
      preconditionFailure("the instant of judgement is not ISO 8601: \(now)")
    }
    evaluator.now = seconds
    writer.now = now
  }

  /// Judges the lines of a chunk, behind which ``JSONParser/padding`` bytes are readable.
  ///
  /// `firstLine` is the number of the chunk's first line in the input. `population` is given in the
  /// second pass, over ``ChunkOutcome/deferred``: then only population rules are judged.
  package func judge(
    _ chunk: UnsafeBufferPointer<UInt8>,
    firstLine: Int,
    lineCount: Int,
    population: Population? = nil
  ) -> ChunkOutcome {
    reset()
    chunkSize = chunk.count
    self.population = population
    var documents = 0
    var judgedUpTo = 0
    // The quick way: the parser finds the documents by itself. It is left, and the rest is read
    // line by line, at the first document that is broken or does not start a line.
    let error = unsafe parser.eachTape(of: chunk) { tape, offset in
      guard judgedUpTo >= 0 else { return }
      guard unsafe offset == 0 || chunk[offset - 1] == 0x0A else {
        judgedUpTo = -1
        return
      }
      documents += 1
      unsafe judge(tape, chunk, offset: offset, line: firstLine + documents - 1)
      judgedUpTo = offset
    }
    if judgedUpTo >= 0, error == nil, documents == lineCount { return take() }
    reset()
    unsafe judgeByLine(chunk, firstLine: firstLine)
    return take()
  }

  private func reset() {
    outcome = ChunkOutcome(summary: JudgeSummary(counts: []))
    counts = Array(repeating: 0, count: ruleSet.members.count * Verdict.count)
    writer.lines.removeAll()
    lineBase = 0
  }

  private func take() -> ChunkOutcome {
    // A parser keeps the memory of its largest document; that of one long line is given back.
    if chunkSize > Self.keptSize { parser = JSONParser() }
    outcome.lines = unsafe Array(writer.lines.text)
    outcome.summary.counts = counts
    return outcome
  }

  private func judgeByLine(_ chunk: UnsafeBufferPointer<UInt8>, firstLine: Int) {
    var start = 0
    var line = firstLine
    while start < chunk.count {
      var end = start
      while unsafe end < chunk.count && chunk[end] != 0x0A { end += 1 }
      let text = unsafe UnsafeBufferPointer(rebasing: chunk[start..<end])
      if unsafe !text.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) {
        lineBase = start
        do {
          try unsafe parser.withTape(of: text) { tape in
            unsafe judge(tape, text, offset: 0, line: line)
          }
        } catch {
          fault("\(error)", line)
        }
      }
      start = end + 1
      line += 1
    }
  }

  func fault(_ message: String, _ line: Int) {
    outcome.summary.add(fault: LineFault(line: line, message: message))
    // What the line held is not known, so no kind counts as fully read.
    outcome.population.noteFault()
  }

  func count(_ verdict: Verdict, _ goal: GoalProgram) {
    counts[Int(goal.goal) * Verdict.count + verdict.index] += 1
  }

  func keep(_ resource: JudgedResource) { outcome.resources.append(resource) }

  /// Judges one resource, or takes in one coverage statement.
  private func judge(
    _ tape: Tape,
    _ text: UnsafeBufferPointer<UInt8>,
    offset: Int,
    line: Int
  ) {
    let envelope: Envelope
    do {
      envelope = try unsafe Envelope(tape)
    } catch {
      return fault("\(error)", line)
    }
    if envelope.coverage != 0 {
      do {
        outcome.population.note(try unsafe Coverage(tape, envelope.coverage))
      } catch {
        fault("\(error)", line)
      }
      return
    }
    if population == nil { outcome.summary.resources += 1 }
    guard
      let program = unsafe kinds.program(tape.bytes(envelope.service), tape.bytes(envelope.kind))
    else {
      let kind = unsafe ResourceKind(
        service: tape.string(envelope.service),
        kind: tape.string(envelope.kind)
      )
      outcome.summary.notCovered[kind, default: 0] += 1
      if hasVectors {
        unsafe append(envelope, tape, kind, program: nil, "", text, offset: offset, line: line)
      }
      return
    }
    if !evaluator.unread.isEmpty { evaluator.unread.removeAll() }
    mayBeMissing = false
    if envelope.unread != 0 || envelope.configuration == 0 {
      guard unsafe readUnread(tape, envelope) else {
        return fault("unread: expected an object of path and reason", line)
      }
    }
    unsafe evaluator.load(
      program,
      tape,
      resource: tape.root,
      configuration: envelope.configuration
    )
    if let message = evaluator.fault { return fault(message, line) }
    if hasVectors, population == nil {
      let counts = program.hasPopulationGoals || program.tables.contributions.count > 0
      if counts, let isRepeated {
        let account = unsafe envelope.text(envelope.account, tape)
        let id = unsafe tape.string(envelope.id)
        if isRepeated(account, program.kind, id, lineBase + offset) { return }
      }
      if program.hasPopulationGoals {
        contribute(program, envelope)
        return unsafe deferLine(text, offset)
      }
    }
    writer.begin(envelope)
    if let population {
      let account = unsafe envelope.text(envelope.account, tape)
      evaluator.population = { [evaluator, ruleSet] quantifier in
        population.tally(quantifier, evaluator, ruleSet, account: account)
      }
      writer.population = (population, account)
    }
    if hasVectors {
      if let verdicts = vector(program, envelope, line) {
        unsafe append(
          envelope,
          tape,
          program.kind,
          program: program.index,
          verdicts,
          text,
          offset: offset,
          line: line
        )
      }
    } else {
      judgeGoals(program, envelope, line)
    }
    evaluator.population = nil
    guard population == nil else { return }
    if program.tables.contributions.count > 0 { contribute(program, envelope) }
    if program.hasPopulationGoals { unsafe deferLine(text, offset) }
  }

  private func deferLine(_ text: UnsafeBufferPointer<UInt8>, _ offset: Int) {
    let end = unsafe text[offset...].firstIndex(of: 0x0A) ?? text.count
    unsafe outcome.deferred.append(contentsOf: text[offset..<end])
    outcome.deferred.append(0x0A)
  }

  private func judgeGoals(_ program: KindProgram, _ envelope: Envelope, _ line: Int) {
    for index in 0..<program.tables.goals.count {
      let goal = program.tables.goals[index]
      guard goal.needsPopulation == (population != nil) else { continue }
      guard let verdict = evaluator.verdict(of: goal) else { continue }
      // Operators may meet what the walk did not.
      if let message = evaluator.fault { return fault(message, line) }
      // Compared by index: the enumeration's own comparison is a call into another module.
      if written & 1 << verdict.index != 0 {
        do {
          try writer.write(verdict, goal, evaluator, envelope)
        } catch {
          return fault("\(error)", line)
        }
      }
      count(verdict, goal)
    }
  }

  private func contribute(_ program: KindProgram, _ envelope: Envelope) {
    let account = unsafe envelope.text(envelope.account, evaluator.tape)
    for index in 0..<program.tables.contributions.count {
      let contribution = program.tables.contributions[index]
      // What may not exist counts neither as there nor as missing.
      let truth =
        mayBeMissing
        ? Truth.unknown
        : contribution.satisfy < 0 ? Truth.yes : evaluator.truth(contribution.satisfy)
      guard let join = contribution.join else {
        outcome.population.add(truth, clause: contribution.clause, account: account, join: "")
        continue
      }
      guard let values = evaluator.joinValues(join) else {
        outcome.population.add(truth, clause: contribution.clause, account: account, join: nil)
        continue
      }
      for value in Set(values) {
        outcome.population.add(truth, clause: contribution.clause, account: account, join: value)
      }
    }
  }

  /// Reads the paths that were not read; a resource without a configuration has read none.
  private func readUnread(_ tape: Tape, _ envelope: Envelope) -> Bool {
    var isRootNamed = false
    defer {
      if envelope.configuration == 0, !isRootNamed {
        evaluator.unread.add("$root", reason: ResultWriter.noConfiguration)
      }
      evaluator.unread.settle()
    }
    guard envelope.unread != 0, unsafe tape.kind(envelope.unread) != .null else { return true }
    guard unsafe tape.kind(envelope.unread) == .object else { return false }
    var index = envelope.unread + 1
    let end = unsafe tape.end(envelope.unread)
    while index < end {
      guard unsafe tape.kind(index + 1) == .string else { return false }
      let path = unsafe tape.string(index)
      if path == "$root" { isRootNamed = true }
      if path == Self.existence { mayBeMissing = true }
      evaluator.unread.add(path, reason: unsafe tape.string(index + 1))
      index = unsafe tape.next(index + 1)
    }
    return true
  }
}
