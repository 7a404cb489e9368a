package import Model

/// The formats that profiles are exchanged in.
package enum ProfileFormat: String, Sendable, CaseIterable {
  case oscalCatalog = "oscal-catalog"
  case oscalProfile = "oscal-profile"
  case csv
  case yaml
}

/// What an import made of a file.
package struct ProfileImport: Sendable {
  /// The profile; its location is the file's.
  package var profile: Profile
  /// What was left out and what needs a person, one line each.
  package var notes: [String]
}
