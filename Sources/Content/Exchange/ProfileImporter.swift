import JSON
package import Model
import YAML

/// Makes profiles of files in the formats that others use.
package struct ProfileImporter: Sendable {
  /// How many bytes a file may have.
  package static let sizeLimit = 64 << 20

  /// The id of the rule of an id or alias; nil where there is none.
  private let rule: @Sendable (String) -> String?
  private let id: String?
  private let day: String?
  private let today: String

  /// An importer.
  ///
  /// `id` and `day` stand in for what the file tells; `today` is the effective date of a file that
  /// tells none.
  package init(
    id: String? = nil,
    day: String? = nil,
    today: String,
    rule: @escaping @Sendable (String) -> String?
  ) {
    self.id = id
    self.day = day
    self.today = today
    self.rule = rule
  }

  /// A file that was read.
  package struct File: Sendable {
    package var name: String
    package var text: String

    package init(name: String, text: String) {
      self.name = name
      self.text = text
    }
  }

  /// Reads a file, its format told by its content where none is given.
  ///
  /// Catalogs are what an OSCAL profile selects from, profiles what a document may extend.
  /// - Throws: ``DocumentError`` with the line or path at fault and what was expected there.
  package func read(
    _ file: File,
    as format: ProfileFormat?,
    catalogs: [File] = [],
    profiles: [Profile] = []
  ) throws(DocumentError) -> ProfileImport {
    let start = file.text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }.prefix(20)
    if start.hasPrefix("<") {
      throw DocumentError(
        "is XML; convert it to OSCAL's JSON first",
        key: "",
        at: SourceLocation(file: file.name, line: 1)
      )
    }
    let isSheet = start.hasPrefix("profilen") || start.hasPrefix("profiled")
    if format == .csv || format == nil && isSheet {
      try refuse(catalogs, .csv)
      return imported(try ControlSheet(file.text, file: file.name), file)
    }
    let node = try YAMLReader().document(file.text, file: file.name)
    let format = if let format { format } else { try Self.format(of: node) }
    if format != .oscalProfile { try refuse(catalogs, format) }
    switch format {
    case .oscalCatalog:
      let catalog = try OSCALCatalog(node)
      return try imported(catalog.controls, catalog.metadata, file, notes: [])
    case .oscalProfile: return try imported(OSCALProfile(node), from: catalogs, file)
    case .csv, .yaml:
      let profile = try ProfileDecoder.profile(node) { id in profiles.first { $0.id == id } }
      return imported(profile, file)
    }
  }

  private static func format(of node: DocumentNode) throws(DocumentError) -> ProfileFormat {
    let keys = Set(try DocumentReader(node).keys)
    if keys.contains("catalog") { return .oscalCatalog }
    if keys.contains("profile") { return .oscalProfile }
    if keys.contains("controls") { return .yaml }
    throw DocumentError(
      "expected an OSCAL catalog, an OSCAL profile, comma-separated values, or a profile document; "
        + "--format says which it is",
      key: "",
      at: node.location
    )
  }

  private func refuse(_ catalogs: [File], _ format: ProfileFormat) throws(DocumentError) {
    guard let catalog = catalogs.first else { return }
    throw DocumentError(
      "--catalog belongs to an OSCAL profile; the file is read as \(format.rawValue)",
      key: "",
      at: SourceLocation(file: catalog.name)
    )
  }

  private func imported(
    _ profile: OSCALProfile,
    from files: [File],
    _ file: File
  ) throws(DocumentError) -> ProfileImport {
    var catalogs: [OSCALCatalog] = []
    for file in files {
      catalogs.append(try OSCALCatalog(YAMLReader().document(file.text, file: file.name)))
    }
    let (controls, unused) = try profile.select(from: catalogs, file: file.name)
    var notes: [String] = []
    if unused > 0 { notes.append("settings of parameters that no rule has: \(unused)") }
    return try imported(controls, profile.metadata, file, notes: notes)
  }

  private func imported(
    _ found: [OSCALControl],
    _ metadata: OSCALMetadata,
    _ file: File,
    notes: [String]
  ) throws(DocumentError) -> ProfileImport {
    var notes = notes
    var controls: [Profile.Control] = []
    var paths: [String: String] = [:]
    var withdrawn = 0
    for control in found {
      guard !control.isWithdrawn else {
        withdrawn += 1
        continue
      }
      if let other = paths.updateValue(control.path, forKey: control.label) {
        throw DocumentError(
          "\"\(control.label)\" is the label of \(other) too",
          key: control.path,
          at: control.location
        )
      }
      let goals = control.goals.map { goal in
        let parameters = goal.parameters.compactMap { control.parameters[$0] }
        return Named(
          goal: Goal(
            rule: goal.rule,
            parameters: Dictionary(
              parameters.map { ($0.name, $0.value) },
              uniquingKeysWith: { $1 }
            )
          ),
          place: "\(file.name): \(goal.path)"
        )
      }
      var reason = control.reason
      if metadata.profile == nil, goals.isEmpty {
        reason = "The catalog names no rules. Name those that judge it, or attest it."
      }
      controls.append(
        self.control(
          Profile.Control(
            id: control.label,
            title: control.title,
            goals: [],
            manualReason: reason,
            basis: control.basis
          ),
          goals,
          &notes
        )
      )
    }
    if controls.isEmpty {
      throw DocumentError(
        "expected at least one control that is not withdrawn",
        key: "",
        at: SourceLocation(file: file.name)
      )
    }
    if withdrawn > 0 { notes.append("withdrawn controls, left out: \(withdrawn)") }
    let profile = Profile(
      id: id ?? metadata.profile ?? Self.identifier(metadata.title),
      version: metadata.version,
      effectiveDate: day ?? metadata.day,
      title: metadata.title,
      framework: metadata.profile == nil ? metadata.title : metadata.framework,
      description: metadata.description,
      source: metadata.source,
      basis: metadata.basis,
      controls: controls,
      location: SourceLocation(file: file.name)
    )
    return ProfileImport(profile: profile, notes: notes)
  }

  private func imported(_ sheet: ControlSheet, _ file: File) -> ProfileImport {
    var notes: [String] = []
    let controls = sheet.rows.map { row in
      let reason =
        !row.goals.isEmpty
        ? ""
        : sheet.parents.contains(row.id)
          ? "It names no goals; controls that stand under it may. Attest what they leave."
          : "It names no goals. Name rules that judge it, or attest it."
      return control(
        Profile.Control(
          id: row.id,
          title: row.description,
          goals: [],
          manualReason: reason,
          basis: row.basis
        ),
        row.goals.map { Named(goal: Goal(rule: $0), place: "\(file.name):\(row.line)") },
        &notes
      )
    }
    if sheet.tagged > 0 { notes.append("controls whose tags are not kept: \(sheet.tagged)") }
    let name = sheet.shortName.isEmpty ? sheet.name : sheet.shortName
    let profile = Profile(
      id: id ?? Self.identifier(name),
      version: "1.0.0",
      effectiveDate: day ?? today,
      title: sheet.name,
      framework: sheet.shortName,
      description: sheet.description,
      controls: controls,
      location: SourceLocation(file: file.name)
    )
    return ProfileImport(profile: profile, notes: notes)
  }

  private func imported(_ found: Profile, _ file: File) -> ProfileImport {
    var notes: [String] = []
    var profile = found
    profile.id = id ?? found.id
    profile.effectiveDate = day ?? found.effectiveDate
    profile.controls = found.controls.map { control in
      var bare = control
      bare.goals = []
      return self.control(
        bare,
        control.goals.map { Named(goal: $0, place: "\(control.location): \(control.id)") },
        &notes
      )
    }
    return ProfileImport(profile: profile, notes: notes)
  }

  /// A goal and where the file names it.
  private struct Named {
    var goal: Goal
    var place: String
  }

  /// A control with those goals whose rules there are; the others are noted and left to a person.
  private func control(
    _ control: Profile.Control,
    _ goals: [Named],
    _ notes: inout [String]
  ) -> Profile.Control {
    var control = control
    var unknown: [String] = []
    for named in goals {
      guard let known = rule(named.goal.rule) else {
        unknown.append(named.goal.rule)
        notes.append("\(named.place): there is no rule \"\(named.goal.rule)\"")
        continue
      }
      control.goals.append(Goal(rule: known, parameters: named.goal.parameters))
    }
    if !unknown.isEmpty {
      let sentence = "No rule of the library answers to \(unknown.joined(separator: ", "))."
      control.manualReason =
        control.manualReason.isEmpty ? sentence : "\(control.manualReason) \(sentence)"
    }
    return control
  }

  /// An id made of a title: lower-case letters, digits and dashes.
  private static func identifier(_ title: String) -> String {
    let words = title.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
    let id = words.joined(separator: "-").prefix(60)
    return id.isEmpty ? "imported" : String(id)
  }
}
