import JSON
import Model

/// An OSCAL profile: which controls of catalogs it selects, and the parameters that it sets.
struct OSCALProfile {
  var metadata: OSCALMetadata
  private var imports: [Import]
  private var settings: [Setting]

  private struct Import {
    var href: String
    /// Nil for all controls.
    var included: [Selection]?
    var excluded: [Selection]
    var path: String
    var location: SourceLocation
  }

  private struct Selection {
    var tokens: [String] = []
    var patterns: [String] = []
    var hasChildren = false
    var path: String
    var location: SourceLocation

    func matches(_ control: OSCALControl) -> Bool {
      for token in [control.token] + (hasChildren ? control.ancestors : []) {
        if tokens.contains(token) { return true }
        if patterns.contains(where: { Wildcard.matches(token, pattern: $0) }) { return true }
      }
      return false
    }
  }

  private struct Setting {
    var id: String
    var reader: DocumentReader
  }

  /// Reads an OSCAL profile.
  init(_ node: DocumentNode) throws(DocumentError) {
    var root = try DocumentReader(node)
    guard let content = root.node("profile") else {
      let found = root.keys.prefix(3).joined(separator: ", ")
      throw DocumentError(
        "expected an OSCAL profile, an object with the member \"profile\"; found \(found)",
        key: "",
        at: node.location
      )
    }
    var reader = try DocumentReader(content, path: "profile")
    metadata = try OSCALMetadata(&reader)
    imports = []
    for (index, node) in try reader.list("imports").enumerated() {
      imports.append(try Self.entry(node, at: "profile.imports[\(index)]"))
    }
    if imports.isEmpty { throw reader.error("imports", "expected at least one import") }
    settings = []
    guard let modify = reader.node("modify") else { return }
    var inner = try DocumentReader(modify, path: "profile.modify")
    for (index, node) in try inner.list("set-parameters").enumerated() {
      var setting = try DocumentReader(node, path: "profile.modify.set-parameters[\(index)]")
      settings.append(Setting(id: try setting.requiredText("param-id"), reader: setting))
    }
  }

  private static func entry(_ node: DocumentNode, at path: String) throws(DocumentError) -> Import {
    var reader = try DocumentReader(node, path: path)
    let href = try reader.requiredText("href")
    let isAll = reader.node("include-all") != nil
    let included = try selections("include-controls", &reader)
    if isAll, !included.isEmpty {
      throw reader.error("include-all", "expected include-all or include-controls, not both")
    }
    return Import(
      href: href,
      included: included.isEmpty ? nil : included,
      excluded: try selections("exclude-controls", &reader),
      path: path,
      location: reader.location
    )
  }

  private static func selections(
    _ name: String,
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> [Selection] {
    var selections: [Selection] = []
    for (index, node) in try reader.list(name).enumerated() {
      let path = "\(reader.key(name))[\(index)]"
      var entry = try DocumentReader(node, path: path)
      var selection = Selection(path: path, location: entry.location)
      selection.tokens = try entry.strings("with-ids")
      for (index, node) in try entry.list("matching").enumerated() {
        var match = try DocumentReader(node, path: "\(path).matching[\(index)]")
        selection.patterns.append(try match.requiredText("pattern"))
      }
      if selection.tokens.isEmpty, selection.patterns.isEmpty {
        throw DocumentError("expected with-ids or matching", key: path, at: entry.location)
      }
      selection.hasChildren = try entry.text("with-child-controls") == "yes"
      selections.append(selection)
    }
    return selections
  }

  /// The controls selected from catalogs, each once, with the profile's parameters set.
  ///
  /// One catalog stands for every import of one address; several are one for each import. What
  /// comes with them is how many settings are of parameters that no rule has.
  func select(
    from catalogs: [OSCALCatalog],
    file: String
  ) throws(DocumentError) -> (controls: [OSCALControl], unusedSettings: Int) {
    let addresses = Set(imports.map(\.href)).count
    guard catalogs.count == imports.count || catalogs.count == 1 && addresses == 1 else {
      throw DocumentError(
        "imports from \(imports.map { "\"\($0.href)\"" }.joined(separator: ", ")); "
          + "expected --catalog FILE for each of the \(imports.count), in their order, "
          + "found \(catalogs.count)",
        key: "profile.imports",
        at: SourceLocation(file: file)
      )
    }
    var controls: [OSCALControl] = []
    var seen: Set<String> = []
    for (index, entry) in imports.enumerated() {
      let catalog = catalogs.count == 1 ? catalogs[0] : catalogs[index]
      for control in try Self.select(entry, from: catalog)
      where seen.insert(control.token).inserted {
        controls.append(control)
      }
    }
    let unused = try apply(to: &controls)
    return (controls, unused)
  }

  private static func select(
    _ entry: Import,
    from catalog: OSCALCatalog
  ) throws(DocumentError) -> [OSCALControl] {
    let known = Set(catalog.controls.map(\.token))
    for selection in (entry.included ?? []) + entry.excluded {
      for (index, token) in selection.tokens.enumerated() where !known.contains(token) {
        throw DocumentError(
          "there is no control \"\(token)\" in \(catalog.file)",
          key: "\(selection.path).with-ids[\(index)]",
          at: selection.location
        )
      }
    }
    return catalog.controls.filter { control in
      (entry.included?.contains { $0.matches(control) } ?? true)
        && !entry.excluded.contains { $0.matches(control) }
    }
  }

  /// Sets parameters of rules; returns how many settings are of others.
  private func apply(to controls: inout [OSCALControl]) throws(DocumentError) -> Int {
    var places: [String: Int] = [:]
    for (index, control) in controls.enumerated() {
      for id in control.parameters.keys { places[id] = index }
    }
    var unused = 0
    for setting in settings {
      guard let place = places[setting.id],
        let parameter = controls[place].parameters[setting.id]
      else {
        unused += 1
        continue
      }
      var reader = setting.reader
      controls[place].parameters[setting.id]?.value = try reader.value(type: parameter.type)
    }
    return unused
  }
}
