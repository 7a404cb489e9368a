import JSON

/// Decodes profile documents (docs/profiles.md).
package enum ProfileDecoder {
  /// Decodes a profile.
  ///
  /// `base` finds the profile that a document extends by its id; what is decoded is whole.
  package static func profile(
    _ node: DocumentNode,
    base: (String) throws(DocumentError) -> Profile? = { _ in nil }
  ) throws(DocumentError) -> Profile {
    var reader = try DocumentReader(node)
    let basis = try basis(&reader, of: MappingBasis()) ?? MappingBasis()
    let extended = try self.extended(&reader, base)
    let controls: [Profile.Control]
    if let extended {
      controls = try ProfileExtension(&reader, of: extended, basis).controls
    } else {
      controls = try self.controls("controls", &reader, basis)
    }
    if controls.isEmpty { throw reader.error("controls", "expected at least one control") }
    let date = try reader.requiredText("effective_date")
    guard isDay(date) else { throw reader.error("effective_date", "expected a day, YYYY-MM-DD") }
    let isTitled = extended == nil || reader.node("title") != nil
    let profile = Profile(
      id: try reader.requiredText("id"),
      version: try reader.requiredText("version"),
      effectiveDate: date,
      title: try isTitled ? reader.requiredText("title") : extended?.title ?? "",
      framework: try reader.text("framework") ?? extended?.framework ?? "",
      description: try reader.text("description") ?? extended?.description ?? "",
      source: try reader.text("source") ?? extended?.source ?? "",
      basis: basis,
      controls: controls,
      location: node.location
    )
    try reader.finish()
    return profile
  }

  /// The profile that a document extends; nil for a document that stands by itself.
  private static func extended(
    _ reader: inout DocumentReader,
    _ base: (String) throws(DocumentError) -> Profile?
  ) throws(DocumentError) -> Profile? {
    guard reader.node("extends") != nil else { return nil }
    let name = try reader.requiredText("extends")
    let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
    guard let id = parts.first, let found = try base(id) else {
      throw reader.error(
        "extends",
        "there is no profile \"\(name)\" to extend; `plumb profiles list` shows those there are"
      )
    }
    if parts.count == 2, parts[1] != found.version {
      throw reader.error(
        "extends",
        "\(id) is of version \(found.version) by now; look at what it changes, then name that version"
      )
    }
    return found
  }

  /// Decodes a list of controls, each id once.
  ///
  /// A control may leave out its title where there is one for its id.
  static func controls(
    _ key: String,
    _ reader: inout DocumentReader,
    _ basis: MappingBasis,
    titles: [String: String] = [:]
  ) throws(DocumentError) -> [Profile.Control] {
    var controls: [Profile.Control] = []
    var seen: Set<String> = []
    for (index, node) in try reader.list(key).enumerated() {
      let control = try control(node, path: "\(key)[\(index)]", basis, titles)
      guard seen.insert(control.id).inserted else {
        throw DocumentError(
          "control \"\(control.id)\" stands twice",
          key: "\(key)[\(index)].id",
          at: node.location
        )
      }
      controls.append(control)
    }
    return controls
  }

  private static func control(
    _ node: DocumentNode,
    path: String,
    _ basis: MappingBasis,
    _ titles: [String: String]
  ) throws(DocumentError) -> Profile.Control {
    var reader = try DocumentReader(node, path: path)
    var goals: [Goal] = []
    for (index, node) in try reader.list("goals").enumerated() {
      goals.append(try goal(node, path: "\(path).goals[\(index)]"))
    }
    let isManual = try reader.boolean("manual") ?? false
    if isManual != goals.isEmpty {
      throw DocumentError(
        isManual ? "a manual control has no goals" : "a control needs goals, or manual: true",
        key: path,
        at: node.location
      )
    }
    let ownBasis = try self.basis(&reader, of: basis)
    if isManual, ownBasis != nil {
      throw reader.error("basis", "a manual control has no goals that a basis could be of")
    }
    let id = try reader.requiredText("id")
    let isTitled = titles[id] == nil || reader.node("title") != nil
    let control = Profile.Control(
      id: id,
      title: try isTitled ? reader.requiredText("title") : titles[id] ?? "",
      goals: goals,
      manualReason: try reader.text("reason") ?? "",
      basis: ownBasis ?? basis,
      location: node.location
    )
    try reader.finish()
    return control
  }

  /// The basis that a mapping states; nil where it states none, and of the kind given where it has
  /// only a note.
  private static func basis(
    _ reader: inout DocumentReader,
    of all: MappingBasis
  ) throws(DocumentError) -> MappingBasis? {
    let kind = try reader.word("basis", MappingBasis.Kind.self)
    let note = try reader.text("basis_note")
    guard kind != nil || note != nil else { return nil }
    let basis = MappingBasis(kind ?? all.kind, note: note ?? "")
    if basis.kind == .crosswalk, basis.note.isEmpty {
      throw reader.error("basis", "which crosswalk it is stands under basis_note")
    }
    return basis
  }

  /// Decodes a goal: a rule's id, or a rule with parameters.
  private static func goal(_ node: DocumentNode, path: String) throws(DocumentError) -> Goal {
    if case .scalar(.string(let id)) = node.value { return Goal(rule: id) }
    var reader = try DocumentReader(node, path: path)
    var goal = Goal(rule: try reader.requiredText("rule"))
    if let node = reader.node("parameters") {
      guard case .mapping(let members) = node.value else {
        throw reader.error("parameters", "expected keys and values")
      }
      for (name, value) in members { goal.parameters[name] = value.json }
    }
    try reader.finish()
    return goal
  }

  /// Whether a text is a day of the form `YYYY-MM-DD`.
  package static func isDay(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.count) == [4, 2, 2], let year = Int(parts[0]), let month = Int(parts[1]),
      let day = Int(parts[2]), (1...12).contains(month)
    else { return false }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return (1...days[month - 1]).contains(day)
  }
}
