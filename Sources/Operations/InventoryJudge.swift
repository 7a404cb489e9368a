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
    _ ruleSet: RuleSet,
    _ options: JudgeOptions,
    isComplete: Bool = false,
    workers: Int? = nil
  ) {
    self.ruleSet = ruleSet
    self.options = options
    self.isComplete = isComplete
    self.workers = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  /// Judges everything that an open file holds, and returns the totals.
  ///
  /// `name` is what errors call the file. `write` receives result lines in the order of the input,
  /// one call at a time; `progress` is told after each chunk how many resources and bytes were
  /// judged.
  ///
  /// - Throws: ``InputError`` when the file cannot be read on, and what `write` throws.
  package func run(
    descriptor: Int32,
    name: String,
    write: @escaping @Sendable ([UInt8]) throws -> Void,
    progress: @escaping @Sendable (_ resources: Int, _ bytes: Int) -> Void = { _, _ in }
  ) async throws -> JudgeSummary {
    let spool = try SpoolFile()
    let first = Pass(
      self,
      LineChunks(descriptor: descriptor, name: name),
      spool: spool,
      write: write,
      progress: progress
    )
    var (summary, population) = try await first.run()
    guard spool.count > 0 else { return summary }
    population.isComplete = isComplete
    try spool.rewind()
    let second = Pass(
      self,
      LineChunks(descriptor: spool.descriptor, name: name),
      population: population,
      write: write
    )
    summary.merge(try await second.run().summary)
    return summary
  }
}

/// One pass over an input: each worker reads a chunk, judges it and hands on what came of it.
private final class Pass: Sendable {
  private struct Reader {
    var source: LineChunks
    var sequence = 0
    var isAtEnd = false
  }

  private struct Writer {
    /// Outcomes that came before their turn.
    var early: [Int: ChunkOutcome] = [:]
    var next = 0
    var summary: JudgeSummary
    var population = Population()
  }

  /// How many outcomes may wait for their turn before workers pause.
  private static let earlyLimit = 16

  private let ruleSet: RuleSet
  private let options: JudgeOptions
  private let workers: Int
  private let population: Population?
  private let spool: SpoolFile?
  private let write: @Sendable ([UInt8]) throws -> Void
  private let progress: @Sendable (Int, Int) -> Void
  private let reader: Mutex<Reader>
  private let writer: Mutex<Writer>

  init(
    _ judge: InventoryJudge,
    _ source: LineChunks,
    population: Population? = nil,
    spool: SpoolFile? = nil,
    write: @escaping @Sendable ([UInt8]) throws -> Void,
    progress: @escaping @Sendable (Int, Int) -> Void = { _, _ in }
  ) {
    ruleSet = judge.ruleSet
    options = judge.options
    workers = judge.workers
    self.population = population
    self.spool = spool
    self.write = write
    self.progress = progress
    reader = Mutex(Reader(source: source))
    writer = Mutex(Writer(summary: JudgeSummary(judge.ruleSet)))
  }

  func run() async throws -> (summary: JudgeSummary, population: Population) {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<workers { group.addTask { try await self.work() } }
      try await group.waitForAll()
    }
    return writer.withLock { ($0.summary, $0.population) }
  }

  private func work() async throws {
    let judge = Judge(ruleSet, options)
    let chunk = Chunk(capacity: LineChunks.chunkSize)
    while let (sequence, bytesRead) = try fill(chunk) {
      let outcome = unsafe judge.judge(
        chunk.text,
        firstLine: chunk.firstLine,
        lineCount: chunk.lineCount,
        population: population
      )
      try hand(on: outcome, sequence, bytesRead)
      // Another worker is busy with a chunk that comes before all of these; let it catch up.
      while writer.withLock({ $0.early.count > Self.earlyLimit }) {
        try await Task.sleep(for: .milliseconds(1))
      }
      try Task.checkCancellation()
    }
  }

  private func fill(_ chunk: Chunk) throws -> (sequence: Int, bytesRead: Int)? {
    try reader.withLock { reader in
      guard !reader.isAtEnd, try reader.source.fill(chunk) else {
        reader.isAtEnd = true
        return nil
      }
      reader.sequence += 1
      return (reader.sequence - 1, reader.source.bytesRead)
    }
  }

  private func hand(on outcome: ChunkOutcome, _ sequence: Int, _ bytesRead: Int) throws {
    let resources = try writer.withLock { writer in
      writer.early[sequence] = outcome
      while let outcome = writer.early.removeValue(forKey: writer.next) {
        writer.next += 1
        writer.summary.merge(outcome.summary)
        writer.population.merge(outcome.population)
        if !outcome.lines.isEmpty { try write(outcome.lines) }
        if !outcome.deferred.isEmpty { try spool?.append(outcome.deferred) }
      }
      return writer.summary.resources
    }
    progress(resources, bytesRead)
  }
}
