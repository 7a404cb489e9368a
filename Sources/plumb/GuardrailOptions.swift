import ArgumentParser
import Content
import Engine
import JSON
import Model
import Operations
import Store

/// What is laid on a scope.
struct GuardrailSubject: ParsableArguments {
  @Option(name: .long, help: ArgumentHelp("A rule, installed or of one's own.", valueName: "id"))
  var rule: String?

  @Option(name: .long, help: ArgumentHelp("Every goal of a profile.", valueName: "id"))
  var profile: String?

  @Option(name: .long, help: ArgumentHelp("The defaults of a template.", valueName: "id"))
  var template: String?

  func validate() throws {
    guard [rule, profile, template].compactMap({ $0 }).count == 1 else {
      throw ValidationError("name one of --rule, --profile and --template")
    }
  }

  var subject: Guardrail.Subject {
    rule.map { .rule($0) } ?? profile.map { .profile($0) } ?? .template(template ?? "")
  }
}

/// What a guardrail does, and where not.
struct GuardrailTerms: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "What it does with a failure; a new one records unless told otherwise.",
      valueName: "audit_log|warn|disallow"
    ),
    transform: { try word($0, Enforcement.self) }
  )
  var enforcement: Enforcement?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Under disallow: what it does with what cannot be judged.",
      valueName: "open|closed"
    ),
    transform: { try word($0, FailureChoice.self) }
  )
  var onFailure: FailureChoice?

  @Option(
    name: .long,
    help: ArgumentHelp("What is left out of the scope; may be repeated.", valueName: "selector")
  )
  var exclude: [String] = []

  @OptionGroup var settings: SettingOptions

  @Option(
    name: .long,
    help: ArgumentHelp("Why it disallows although something stands against it.", valueName: "text")
  )
  var reason = ""

  /// Puts what was said over a guardrail; `rules` are those that parameters may be of.
  func apply(to guardrail: inout Guardrail, _ rules: [Rule]) throws {
    if let enforcement { guardrail.enforcement = enforcement }
    if let onFailure { guardrail.onFailure = onFailure }
    if !exclude.isEmpty { guardrail.excludes = try exclude.map { try Scope.Selector($0) } }
    if !settings.isEmpty {
      guardrail.parameters = try settings.read(RuleIndex(rules))
    }
    guardrail.reason = reason
  }

  /// The same as members of a body of the API.
  func members(_ rules: [Rule]) throws -> JSONObject {
    var guardrail = Guardrail(.rule(""))
    try apply(to: &guardrail, rules)
    let json = guardrail.json
    var object = JSONObject()
    object["enforcement"] = enforcement.map { .string($0.rawValue) }
    object["on_failure"] = onFailure.map { .string($0.rawValue) }
    if !exclude.isEmpty { object["excludes"] = json["excludes"] }
    if !settings.isEmpty { object["parameters"] = json["parameters"] }
    if !reason.isEmpty { object["reason"] = .string(reason) }
    return object
  }
}

/// One of an enumeration's words.
func word<Word: RawRepresentable & CaseIterable>(_ text: String, _ type: Word.Type) throws -> Word
where Word.RawValue == String {
  if let word = Word(rawValue: text) { return word }
  let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
  throw ValidationError("\"\(text)\" is none of \(words)")
}

/// What is there besides a store: rules and profiles, read once.
struct InstalledContent: Sendable {
  let rules: [Rule]
  let profiles: [Profile]

  init(_ content: ContentOptions) throws {
    let library = try content.library()
    (rules, profiles) = (try library.rules(), try library.profiles())
  }

  func set(_ transaction: StoreTransaction, at now: Instant) throws -> GuardrailSet {
    try GuardrailSet(transaction, rules: rules, profiles: profiles, at: now)
  }

  func check(
    _ guardrail: Guardrail,
    former: Guardrail?,
    _ transaction: StoreTransaction,
    at now: Instant
  ) throws -> GuardrailCheck {
    try GuardrailCheck(
      guardrail,
      former: former,
      transaction,
      rules: rules,
      profiles: profiles,
      at: now
    )
  }
}
