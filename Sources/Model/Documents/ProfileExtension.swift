/// What a profile document changes in the profile that it extends (docs/profiles.md, "Changing a
/// profile").
struct ProfileExtension {
  /// The controls as changed: those of the base in its order, then those that are added.
  private(set) var controls: [Profile.Control]

  private let base: Profile

  /// Reads `controls`, which replace, `without` and `add`.
  init(
    _ reader: inout DocumentReader,
    of base: Profile,
    _ basis: MappingBasis
  ) throws(DocumentError) {
    self.base = base
    controls = base.controls
    let titles = Dictionary(base.controls.map { ($0.id, $0.title) }) { first, _ in first }
    let replaced = try ProfileDecoder.controls("controls", &reader, basis, titles: titles)
    for (index, control) in replaced.enumerated() {
      guard let place = controls.firstIndex(where: { $0.id == control.id }) else {
        throw DocumentError(
          "there is no control \(name(control.id)); a new one stands under add",
          key: "controls[\(index)].id",
          at: control.location
        )
      }
      controls[place] = control
    }
    let without = try reader.strings("without")
    for id in without {
      if titles[id] == nil { throw reader.error("without", "there is no control \(name(id))") }
      if replaced.contains(where: { $0.id == id }) {
        throw reader.error("without", "control \"\(id)\" stands under controls as well")
      }
    }
    controls.removeAll { without.contains($0.id) }
    for (index, control) in try ProfileDecoder.controls("add", &reader, basis).enumerated() {
      if titles[control.id] != nil {
        throw DocumentError(
          "control \"\(control.id)\" is one of \(base.id); what replaces it stands under controls",
          key: "add[\(index)].id",
          at: control.location
        )
      }
      controls.append(control)
    }
  }

  /// A control's id with the profile that it should be of.
  private func name(_ id: String) -> String { "\"\(id)\" in \(base.id) \(base.version)" }
}
