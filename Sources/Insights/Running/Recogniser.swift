import JSON

/// Tells the log source of a record by its content alone, whatever came before it; of several that
/// claim a record, the first in their order.
@safe final class Recogniser {
  private let programs: [ConditionProgram]
  private let fields: EventFields

  init(_ sources: [LogSource]) {
    let trie = FieldTrie()
    programs = sources.map { source in ConditionProgram(source.recognised) { trie.slot($0) } }
    trie.close()
    fields = EventFields(trie)
  }

  /// The place of the log source among those given, or nil where none claims the record.
  func place(_ tape: Tape) -> Int? {
    unsafe fields.load(tape)
    return programs.firstIndex { $0.holds(fields) }
  }
}
