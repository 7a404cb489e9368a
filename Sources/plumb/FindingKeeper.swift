import Insights
import Model
import Store

/// Keeps what a run finds: a transaction for each part of a log, so that a run that breaks off has kept
/// what it read up to there, and one that reads the same again counts nothing twice.
final class FindingKeeper {
  private let store: DataStore
  private let actor: String
  private var waiting: [Finding] = []
  private(set) var outcome = FindingsKept()

  /// How many findings go into one transaction at most.
  private static let batch = 2000

  init(_ store: DataStore, as actor: String) { (self.store, self.actor) = (store, actor) }

  /// Takes a finding in.
  func take(_ finding: Finding) { waiting.append(finding) }

  /// Keeps what was taken in so far.
  func keep() async throws {
    while !waiting.isEmpty {
      let part = Array(waiting.prefix(Self.batch))
      waiting.removeFirst(part.count)
      outcome += try await store.write(as: actor, at: timeOfDay()) { try $0.keep(part) }
    }
  }

  /// What was kept, for people.
  var text: String {
    "kept \(counted(outcome.counted, "finding")): \(counted(outcome.opened, "cause")) new, "
      + "\(outcome.reopened) open again, \(outcome.known) known"
  }
}
