import JSON

/// Decodes profile documents (docs/profiles.md).
package enum ProfileDecoder {
  /// Decodes a profile.
  package static func profile(_ node: DocumentNode) throws(DocumentError) -> Profile {
    var reader = try DocumentReader(node)
    var controls: [Profile.Control] = []
    var seen: Set<String> = []
    for (index, node) in try reader.list("controls").enumerated() {
      let control = try self.control(node, path: "controls[\(index)]")
      guard seen.insert(control.id).inserted else {
        throw DocumentError(
          "control \"\(control.id)\" stands twice",
          key: "controls[\(index)].id",
          at: node.location
        )
      }
      controls.append(control)
    }
    if controls.isEmpty { throw reader.error("controls", "expected at least one control") }
    let date = try reader.requiredText("effective_date")
    guard isDay(date) else { throw reader.error("effective_date", "expected a day, YYYY-MM-DD") }
    let profile = Profile(
      id: try reader.requiredText("id"),
      version: try reader.requiredText("version"),
      effectiveDate: date,
      title: try reader.requiredText("title"),
      framework: try reader.text("framework") ?? "",
      description: try reader.text("description") ?? "",
      source: try reader.text("source") ?? "",
      controls: controls,
      location: node.location
    )
    try reader.finish()
    return profile
  }

  private static func control(
    _ node: DocumentNode,
    path: String
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
    let control = Profile.Control(
      id: try reader.requiredText("id"),
      title: try reader.requiredText("title"),
      goals: goals,
      manualReason: try reader.text("reason") ?? "",
      location: node.location
    )
    try reader.finish()
    return control
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
