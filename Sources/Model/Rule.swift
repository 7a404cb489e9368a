package import JSON

/// A requirement on resources of one or more kinds (docs/rules.md).
package struct Rule: Sendable {
  package var id: String
  /// Other ids that are accepted: earlier ones, and those of another product's goals.
  package var aliases: [String]
  package var version: Int
  package var title: String
  package var status: Status
  /// The id of the rule to use instead; only a deprecated rule has one.
  package var successor: String?
  package var severity: Severity
  package var target: Target
  /// When false the rule is not applicable to a resource.
  package var applies: Condition?
  package var parameters: [Parameter]
  /// What the requirement says, in words.
  package var requirement: String
  package var requiredConfig: Condition
  package var rationale: String
  package var remediation: Remediation
  package var references: [String]
  /// The document that the rule was read from.
  package var source: SourceLocation

  package init(
    id: String,
    aliases: [String] = [],
    version: Int = 1,
    title: String,
    status: Status = .stable,
    successor: String? = nil,
    severity: Severity = .medium,
    target: Target,
    applies: Condition? = nil,
    parameters: [Parameter] = [],
    requirement: String = "",
    requiredConfig: Condition,
    rationale: String = "",
    remediation: Remediation = Remediation(),
    references: [String] = [],
    source: SourceLocation = SourceLocation(file: "")
  ) {
    self.id = id
    self.aliases = aliases
    self.version = version
    self.title = title
    self.status = status
    self.successor = successor
    self.severity = severity
    self.target = target
    self.applies = applies
    self.parameters = parameters
    self.requirement = requirement
    self.requiredConfig = requiredConfig
    self.rationale = rationale
    self.remediation = remediation
    self.references = references
    self.source = source
  }

  /// How settled a rule is.
  package enum Status: String, Sendable, CaseIterable { case draft, stable, deprecated }

  /// Which resources a rule is about.
  package struct Target: Sendable {
    package var kinds: [ResourceKind]
    /// Conditions on target attributes, all of which must hold.
    package var attributes: [Condition.Leaf]

    package init(kinds: [ResourceKind], attributes: [Condition.Leaf] = []) {
      self.kinds = kinds
      self.attributes = attributes
    }
  }

  /// How to mend a failure.
  package struct Remediation: Sendable {
    package var text: String
    /// Snippets by form: `cli`, `terraform`, `manifest`.
    package var snippets: [(form: String, text: String)]

    package init(text: String = "", snippets: [(form: String, text: String)] = []) {
      self.text = text
      self.snippets = snippets
    }
  }
}

/// A value that a rule leaves open, with its type, default and bounds.
package struct Parameter: Sendable {
  package var name: String
  package var type: Kind
  package var defaultValue: JSONValue
  package var minimum: Double?
  package var maximum: Double?
  package var allowed: [JSONValue]?
  package var description: String

  package init(
    name: String,
    type: Kind,
    defaultValue: JSONValue,
    minimum: Double? = nil,
    maximum: Double? = nil,
    allowed: [JSONValue]? = nil,
    description: String = ""
  ) {
    self.name = name
    self.type = type
    self.defaultValue = defaultValue
    self.minimum = minimum
    self.maximum = maximum
    self.allowed = allowed
    self.description = description
  }

  /// The types of parameters.
  package enum Kind: String, Sendable, CaseIterable {
    case string, integer, number, boolean
    case stringList = "string_list"
    case numberList = "number_list"
  }

  /// What is wrong with a value for this parameter, or nil where it may be used.
  package func fault(in value: JSONValue) -> String? {
    switch (type, value) {
    case (.string, .string), (.boolean, .bool), (.integer, .integer), (.number, .integer),
      (.number, .number):
      break
    case (.stringList, .array(let items)):
      if items.contains(where: { $0.string == nil }) { return "expects a list of strings" }
    case (.numberList, .array(let items)):
      if items.contains(where: { $0.double == nil }) { return "expects a list of numbers" }
    default: return "expects a value of type \(type.rawValue), not \(value.text)"
    }
    if let number = value.double {
      if let minimum, number < minimum { return "must be at least \(Self.plain(minimum))" }
      if let maximum, number > maximum { return "must be at most \(Self.plain(maximum))" }
    }
    if let allowed, !allowed.contains(value) {
      return "must be one of \(allowed.map(\.text).joined(separator: ", "))"
    }
    return nil
  }

  private static func plain(_ number: Double) -> String {
    var writer = JSONWriter()
    writer.number(number)
    return writer.text
  }
}

/// A rule with its parameters filled, as a control uses it.
package struct Goal: Sendable, Hashable {
  /// The rule's id.
  package var rule: String
  /// Values for parameters; those left out take the rule's defaults.
  package var parameters: [String: JSONValue]

  package init(rule: String, parameters: [String: JSONValue] = [:]) {
    self.rule = rule
    self.parameters = parameters
  }
}

/// One named configuration and the verdict that a rule must give it.
package struct RuleCase: Sendable {
  package var name: String
  /// The verdict expected; nil when the resource is outside the target.
  package var verdict: Verdict?
  package var resource: Resource
  package var parameters: [String: JSONValue]
  /// Further resources of the account, for population rules.
  package var related: [Resource]
  /// The kinds that were fully read; nil means every kind that the rule asks for.
  package var complete: [ResourceKind]?
  /// The instant of judgement, ISO 8601.
  package var now: String
  package var location: SourceLocation

  package init(
    name: String,
    verdict: Verdict?,
    resource: Resource,
    parameters: [String: JSONValue],
    related: [Resource],
    complete: [ResourceKind]?,
    now: String,
    location: SourceLocation
  ) {
    self.name = name
    self.verdict = verdict
    self.resource = resource
    self.parameters = parameters
    self.related = related
    self.complete = complete
    self.now = now
    self.location = location
  }
}
