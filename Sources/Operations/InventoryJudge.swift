package import Engine
import Foundation
import Model
import Synchronization

/// Judges an inventory of any size: streams in, results stream out, memory stays bounded.
///
/// Chunks are judged on all cores at once; results come out in the order of the input. Population
/// rules are judged in a second pass over the resources that need it, which wait in a spool file.
package struct InventoryJudge: Sendable {
  package let ruleSet: RuleSet
  package let options: JudgeOptions
  /// How many chunks are judged at once.
  package let workers: Int
  /// Whether the inventory holds every resource of every kind, so that counts are final.
  package let isComplete: Bool

  /// A judge with one worker per core unless told otherwise.
  package init(
    _ ruleSet: RuleSet, _ options: JudgeOptions, isComplete: Bool = false, workers: Int? = nil
  ) {
    self.ruleSet = ruleSet
    self.options = options
    self.isComplete = isComplete
    self.workers = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  /// Judges everything that an open file holds.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - write: receives result lines, in the order of the input.
  ///   - progress: is told now and then how many resources and bytes were judged.
  /// - Throws: ``InputError`` when the file cannot be read on, and what `write` throws.
  package func run(
    descriptor: Int32, name: String,
    write: ([UInt8]) throws -> Void,
    progress: (_ resources: Int, _ bytes: Int) -> Void = { _, _ in }
  ) async throws -> JudgeSummary {
    let spool = try SpoolFile()
    var first = try await pass(
      LineChunks(descriptor: descriptor, name: name), population: nil, spool: spool, write: write,
      progress: progress)
    first.population.isComplete = isComplete
    guard spool.count > 0 else { return first.summary }
    try spool.rewind()
    let second = try await pass(
      LineChunks(descriptor: spool.descriptor, name: name), population: first.population,
      spool: nil, write: write, progress: { _, _ in })
    first.summary.merge(second.summary)
    return first.summary
  }

  private struct Totals {
    var summary: JudgeSummary
    var population = Population()
  }

  private func pass(
    _ source: LineChunks, population: Population?, spool: SpoolFile?,
    write: ([UInt8]) throws -> Void, progress: (Int, Int) -> Void
  ) async throws -> Totals {
    var source = source
    var totals = Totals(summary: JudgeSummary(ruleSet))
    let pool = JudgePool(ruleSet, options)
    // Results that came before their turn; at most as many as there are chunks under way.
    var early: [Int: ChunkOutcome] = [:]
    var nextToWrite = 0
    func take(_ sequence: Int, _ outcome: ChunkOutcome) throws {
      early[sequence] = outcome
      while let outcome = early.removeValue(forKey: nextToWrite) {
        nextToWrite += 1
        totals.summary.merge(outcome.summary)
        totals.population.merge(outcome.population)
        if !outcome.lines.isEmpty { try write(outcome.lines) }
        if !outcome.deferred.isEmpty { try spool?.append(outcome.deferred) }
      }
      progress(totals.summary.resources, source.bytesRead)
    }
    try await withThrowingTaskGroup(of: (Int, Chunk, ChunkOutcome).self) { group in
      var free: [Chunk] = []
      var sequence = 0
      var running = 0
      while true {
        // One chunk more than there are workers, so that reading and judging overlap.
        if running > workers, let (number, chunk, outcome) = try await group.next() {
          running -= 1
          free.append(chunk)
          try take(number, outcome)
        }
        let chunk = free.popLast() ?? Chunk(capacity: LineChunks.chunkSize)
        guard try source.fill(chunk) else { break }
        let number = sequence
        group.addTask {
          pool.withJudge { judge in
            let outcome = unsafe judge.judge(
              chunk.text, firstLine: chunk.firstLine, population: population)
            return (number, chunk, outcome)
          }
        }
        sequence += 1
        running += 1
      }
      while let (number, _, outcome) = try await group.next() { try take(number, outcome) }
    }
    return totals
  }
}

/// Judges that wait for a chunk; each serves one task at a time.
private final class JudgePool: Sendable {
  private struct Waiting: @unchecked Sendable {
    // Sendable: a judge leaves the list before it is used and comes back after.
    var judges: [Judge] = []
  }

  private let ruleSet: RuleSet
  private let options: JudgeOptions
  private let waiting = Mutex(Waiting())

  init(_ ruleSet: RuleSet, _ options: JudgeOptions) {
    self.ruleSet = ruleSet
    self.options = options
  }

  func withJudge<Result>(_ body: (Judge) -> Result) -> Result {
    let waiting = waiting.withLock { $0.judges.popLast().map(Loan.init) }
    let judge = waiting?.judge ?? Judge(ruleSet, options)
    let result = body(judge)
    let loan = Loan(judge: judge)
    self.waiting.withLock { $0.judges.append(loan.judge) }
    return result
  }

  private struct Loan: @unchecked Sendable {
    // Sendable: the one reference to a judge that is out of the list.
    let judge: Judge
  }
}
