import JSON
import Model

/// A control of an OSCAL catalog, as far as a profile of ours takes it.
struct OSCALControl {
  /// Its identifier in the catalog.
  var token: String
  /// What people call it: its label, or else its identifier.
  var label: String
  var title: String
  var isWithdrawn: Bool
  /// The tokens of the controls that it stands under, the outermost first.
  var ancestors: [String]
  var goals: [OSCALGoal]
  /// Our parameters by their OSCAL identifier.
  var parameters: [String: OSCALParameter]
  /// What our own documents say that a person judges.
  var reason: String
  /// How the goals came under it; what the catalog says of all, where it has none of its own.
  var basis: MappingBasis
  var location: SourceLocation
  /// The path to it in its document.
  var path: String
}

/// A goal that a catalog of ours names.
struct OSCALGoal {
  var rule: String
  /// The OSCAL identifiers of its parameters.
  var parameters: [String]
  var path: String
}

/// A parameter of a rule in a catalog of ours.
struct OSCALParameter {
  var name: String
  var type: String
  var value: JSONValue
}

/// Properties of an OSCAL object.
struct OSCALProperties {
  /// One property; `space` is nil for OSCAL's own.
  private struct Entry {
    var name: String
    var value: String
    var space: String?
    var kind: String?
    var remarks: String
  }

  private var entries: [Entry] = []

  /// The properties of the object that a reader reads.
  init(_ reader: inout DocumentReader) throws(DocumentError) {
    for (index, node) in try reader.list("props").enumerated() {
      var prop = try DocumentReader(node, path: "\(reader.key("props"))[\(index)]")
      entries.append(
        Entry(
          name: try prop.requiredText("name"),
          value: try prop.requiredText("value"),
          space: try prop.text("ns"),
          kind: try prop.text("class"),
          remarks: try prop.text("remarks") ?? ""
        )
      )
    }
  }

  /// The first value of a property of ours.
  func own(_ name: String) -> String? { allOwn(name).first }

  /// Every value of a property of ours.
  func allOwn(_ name: String) -> [String] {
    entries.filter { $0.space == OSCAL.space && $0.name == name }.map(\.value)
  }

  /// The basis that a property of ours tells; nil without one, or with a word that is none.
  var basis: MappingBasis? {
    let entry = entries.first { $0.space == OSCAL.space && $0.name == "basis" }
    guard let entry, let kind = MappingBasis.Kind(rawValue: entry.value) else { return nil }
    return MappingBasis(kind, note: entry.remarks)
  }

  /// The label for people: one without a class before any other.
  var label: String? {
    let labels = entries.filter { $0.space != OSCAL.space && $0.name == "label" }
    return (labels.first { $0.kind == nil } ?? labels.first)?.value
  }

  /// Whether the object's status says that it is withdrawn.
  var isWithdrawn: Bool {
    entries.contains { $0.name == "status" && $0.value.lowercased() == "withdrawn" }
  }
}

/// What the metadata of a catalog or profile tells of it.
struct OSCALMetadata {
  var title: String
  var version: String
  var day: String
  var description: String
  /// The id of the profile of ours that was written out; nil for a document of others.
  var profile: String?
  var framework: String
  var source: String
  var basis: MappingBasis

  /// Reads the metadata of a document.
  init(_ document: inout DocumentReader) throws(DocumentError) {
    let node = try document.requiredNode("metadata")
    var reader = try DocumentReader(node, path: document.key("metadata"))
    title = OSCAL.line(try reader.requiredText("title"))
    version = OSCAL.line(try reader.requiredText("version"))
    day = String(try reader.requiredText("last-modified").prefix(10))
    guard ProfileDecoder.isDay(day) else {
      throw reader.error("last-modified", "expected a date and time such as 2026-01-31T00:00:00Z")
    }
    let props = try OSCALProperties(&reader)
    profile = props.own("profile")
    framework = props.own("framework") ?? ""
    source = props.own("source") ?? ""
    basis = props.basis ?? MappingBasis()
    let remarks = try reader.text("remarks") ?? ""
    // Remarks of others may hold a standard's own words.
    description = profile == nil ? "" : remarks
  }
}
