/// Why the store refuses.
package enum StoreError: Error, Equatable, CustomStringConvertible {
  /// The database was made by a newer binary.
  case newer(String, schema: Int, known: Int)
  /// A migration that was applied has another text than the one this binary carries.
  case otherMigration(String, number: Int)
  /// A record of one account came with work for another.
  case otherAccount(expected: String, found: String, record: String)
  /// There is no such thing.
  case notFound(kind: String, name: String)
  /// Nothing was kept yet at a place.
  case noDatabase(String)
  /// The ledger has no score by an instant.
  case noScore(String)
  /// There is such a thing already, or its state does not allow what was asked.
  case conflict(String)
  /// What was stored cannot be read back.
  case damaged(String)
  /// The lease of a task went to somebody else.
  case leaseLost(task: Int64)

  /// Whether a score is missing.
  package var isNoScore: Bool { if case .noScore = self { true } else { false } }

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .newer(let name, let schema, let known):
      "\(name): was written by a newer plumb (schema \(schema), this one knows \(known)); "
        + "use that plumb, or restore a backup from before"
    case .otherMigration(let name, let number):
      "\(name): migration \(number) was applied with another text; this is not a database of "
        + "this product's release, restore a backup"
    case .otherAccount(let expected, let found, let record):
      "\(record) belongs to account \"\(found)\", and this work is for account \"\(expected)\"; "
        + "nothing of it was kept"
    case .notFound(let kind, let name): "there is no \(kind) \"\(name)\""
    case .noDatabase(let place):
      "nothing is kept in \(place); plumb scan … --save or plumb credentials add begins there, or "
        + "--data names another place"
    case .noScore(let what): "no finished scan tells \(what); plumb scans list has their instants"
    case .conflict(let message): message
    case .damaged(let message): "the store is damaged: \(message); see plumb doctor"
    case .leaseLost(let task):
      "task \(task) was taken over by another worker; its outcome here is dropped"
    }
  }
}
