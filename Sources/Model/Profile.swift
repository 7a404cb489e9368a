/// A versioned set of controls (docs/profiles.md).
package struct Profile: Sendable {
  package var id: String
  package var version: String
  /// The day from which the version holds, `YYYY-MM-DD`.
  package var effectiveDate: String
  package var title: String
  package var framework: String
  package var description: String
  package var source: String
  /// What holds for the controls of the document that name no basis of their own.
  package var basis: MappingBasis
  package var controls: [Control]
  package var location: SourceLocation

  package init(
    id: String,
    version: String,
    effectiveDate: String,
    title: String,
    framework: String = "",
    description: String = "",
    source: String = "",
    basis: MappingBasis = MappingBasis(),
    controls: [Control],
    location: SourceLocation = SourceLocation(file: "")
  ) {
    self.id = id
    self.version = version
    self.effectiveDate = effectiveDate
    self.title = title
    self.framework = framework
    self.description = description
    self.source = source
    self.basis = basis
    self.controls = controls
    self.location = location
  }

  /// A requirement of a framework, met by goals or attested by a person.
  package struct Control: Sendable {
    package var id: String
    package var title: String
    package var goals: [Goal]
    /// Why no rule judges the control, or which part of it the goals leave to a person; empty for
    /// one that its goals judge as a whole.
    package var manualReason: String
    /// How the goals came under the control; says nothing where there are none.
    package var basis: MappingBasis
    package var location: SourceLocation

    package init(
      id: String,
      title: String,
      goals: [Goal],
      manualReason: String = "",
      basis: MappingBasis = MappingBasis(),
      location: SourceLocation = SourceLocation(file: "")
    ) {
      self.id = id
      self.title = title
      self.goals = goals
      self.manualReason = manualReason
      self.basis = basis
      self.location = location
    }

    /// Whether a person has to attest the control.
    package var isManual: Bool { goals.isEmpty }
  }

  /// The basis of a control where it is not what the profile says of all; nil for a manual one.
  package func ownBasis(of control: Control) -> MappingBasis? {
    control.isManual || control.basis == basis ? nil : control.basis
  }

  /// Every goal of the profile, each once, in the order of the controls.
  package var goals: [Goal] {
    var seen: Set<Goal> = []
    return controls.flatMap(\.goals).filter { seen.insert($0).inserted }
  }
}
