/// Who says that the goals of a control are about the control.
package struct MappingBasis: Sendable, Hashable {
  package var kind: Kind
  /// What the mapping was taken from and who stands for it, in words; may be empty.
  package var note: String

  /// Where a mapping comes from; without a word of the document it is a judgement.
  package enum Kind: String, Sendable, CaseIterable {
    /// The framework's own text asks for what the goals check.
    case published
    /// A published table leads from another framework to the control; the note names it.
    case crosswalk
    /// A person judged that the goals speak to the control.
    case judgement
  }

  package init(_ kind: Kind = .judgement, note: String = "") {
    self.kind = kind
    self.note = note
  }

  /// Kind and note on one line.
  package var text: String { note.isEmpty ? kind.rawValue : "\(kind.rawValue): \(note)" }
}
