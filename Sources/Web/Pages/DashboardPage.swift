import Hummingbird
import JSON
import Model
import Reports

/// A page of the dashboard: what it shows, and the changes that its forms make.
struct Page: Sendable {
  /// The path, with the names of its variable parts in braces.
  var path: String
  /// The area and name under which it stands in the navigation; nil where other pages lead to it.
  var entry: Entry?
  var show: @Sendable (Visit) async throws -> PageAnswer
  /// What a form of the page does; returns where to go then, or what is told this once.
  var change: (@Sendable (Visit, Form) async throws -> ChangeAnswer)?
  /// The operations of the API by which it does so, for whoever wants to do the same from a shell.
  var operations: [String]

  /// A place in the navigation.
  struct Entry: Sendable {
    var area: Area
    var name: String
    /// Who lacks it everywhere is not shown the entry.
    var permission = Permission.read
    /// The paths of pages without an entry that it leads to.
    var others: [String] = []
  }

  /// The paths at and below which its entry is where somebody is.
  var leads: [String] { [path] + (entry?.others ?? []) }

  /// The areas of the navigation.
  enum Area: String, Sendable, CaseIterable {
    case posture = "Posture"
    case governance = "Governance"
    case insights = "Insights"
    case requirements = "Requirements"
    case collection = "Collection"
    case administration = "Administration"
  }

  init(
    _ path: String,
    entry: Entry? = nil,
    show: @escaping @Sendable (Visit) async throws -> PageAnswer,
    change: (@Sendable (Visit, Form) async throws -> ChangeAnswer)? = nil,
    by operations: [String] = []
  ) {
    (self.path, self.entry, self.show, self.change) = (path, entry, show, change)
    self.operations = operations
  }

  /// Every page behind the sign-in; a page adds its line, and in the order of the navigation.
  static let all: [Page] =
    [
      HomePage.page, ResultsPage.page, ChangesPage.page, ResultPage.page, ResourcesPage.page,
      ResourcePage.page, ExceptionsPage.page, ExceptionForm.page, ExceptionPage.page,
      FindingsPage.page, FindingPage.page, ConversationsPage.page,
      AlertsPage.page, ChannelsPage.page, ChannelPage.page,
      ProfilesPage.page, ProfileForm.page, ProfilePage.page, ProfileComparisonPage.page,
      GuardrailsPage.page, EnforcementPage.page, GuardrailForm.page, GuardrailPage.page,
      DecisionsPage.page, DecisionPage.page, TemplatesPage.page, TemplateForm.page,
      TemplateForm.edit, TemplatePage.page,
      AttestationsPage.page, AttestationForm.page, AttestationPage.page, RulesPage.page,
      PropertiesPage.page, RuleForm.page, RuleForm.edit, RulePage.page, ScopesPage.page,
      ScopeForm.page, ScopePage.page, AttachmentsPage.page,
      AttachmentForm.page, AttachmentPage.page, ScansPage.page, ScanPage.page, JobsPage.page,
      JobPage.page, CoveragePage.page, CredentialsPage.page, CredentialPage.page,
      CollectorsPage.page, CollectorPage.page, AccessPage.page, KeysPage.page, PersonPage.page,
      AuditPage.page,
    ] + listings.flatMap(\.files) + sheets.flatMap(\.files)

  /// The lists that are to be had as files.
  private static let listings: [Listing] = [
    ResultsList.listing, ResultsByRule.listing, ResultsByControl.listing, ChangesPage.listing,
    ResourcesPage.listing, ExceptionsPage.listing, FindingsPage.listing,
    ConversationsPage.listing, ConversationsPage.days, AlertsPage.listing, ChannelsPage.listing,
    ProfilesPage.listing,
    ProfilePage.listing, AttestationsPage.listing, RulesPage.listing, ScopesPage.listing,
    AttachmentsPage.listing, ScansPage.listing, JobsPage.listing, CoveragePage.listing,
    CredentialsPage.listing, CollectorsPage.listing, AccessPage.listing, KeysPage.listing,
    AuditPage.listing, GuardrailsPage.listing, EnforcementPage.listing, DecisionsPage.listing,
    TemplatesPage.listing, PropertiesPage.listing, ResourcePage.results, ResourcePage.states,
    FindingPage.changes, AttachmentPage.runs, GuardrailPage.states, ProfilePage.versionList,
    OwnRuleView.versions, HomeView.scores, DecisionsPage.counts, PersonPage.grants,
  ]

  /// What else is to be had as files.
  private static let sheets: [Sheet] = [
    ResultsTree.sheet, ExceptionsPage.reportSheet, GuardrailPreview.violators,
    GuardrailPreview.replay,
  ]
}

/// What comes of a form.
enum ChangeAnswer: Sendable {
  case go(Address)
  /// A page that is shown this once, because it tells what is kept nowhere.
  case page(PageContent)
}

/// What a page answers.
enum PageAnswer: Sendable {
  case page(PageContent)
  /// A file that is written piece by piece.
  case file(name: String, type: String, @Sendable (any FileSink) async throws -> Void)
}

/// Where a page writes a file to.
protocol FileSink: Sendable {
  func write(_ text: String) async throws
}

/// The content of a page, which the frame surrounds.
struct PageContent: Sendable {
  var title: String
  /// A line below the heading.
  var lead: HTML = ""
  var main: HTML
  /// The commands that tell the same, without `plumb` and `--server`; none for those that ask for what the page
  /// asked for.
  var commands: [[String]] = []
  /// Whether it can be shown as of an instant.
  var hasInstant: Bool

  init(
    _ title: String,
    lead: HTML = "",
    commands: [[String]] = [],
    hasInstant: Bool = true,
    main: HTML
  ) {
    (self.title, self.lead, self.commands, self.main) = (title, lead, commands, main)
    self.hasInstant = hasInstant
  }
}

/// What somebody filled into a form.
struct Form: Sendable {
  private var values: [String: [String]]
  private var files: [String: File] = [:]

  /// A file that was chosen.
  struct File: Sendable {
    var name: String
    var bytes: [UInt8]
  }

  init(_ text: String) {
    values = Dictionary(grouping: RequestReader.pairs(text), by: \.name)
      .mapValues { $0.map(\.value) }
  }

  /// A form as browsers send it that has files (RFC 7578); nil where the bytes are none.
  init?(_ bytes: [UInt8], boundary: String) {
    guard let parts = Multipart.parts(bytes, boundary: boundary) else { return nil }
    values = [:]
    for part in parts {
      if let file = part.file {
        files[part.name] = File(name: file, bytes: part.bytes)
      } else {
        values[part.name, default: []].append(String(decoding: part.bytes, as: UTF8.self))
      }
    }
  }

  /// The values of a field that stands several times.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// The names of its fields.
  var names: [String] { values.keys.sorted() }

  /// The file of a field; nil where none was chosen.
  func file(_ name: String) -> File? { files[name].flatMap { $0.name.isEmpty ? nil : $0 } }

  /// A field's value; empty where it is not there.
  subscript(name: String) -> String { values[name]?.first ?? "" }

  /// The instant of a field; what cannot be read as one is handed on, for the API to refuse it at its
  /// field; nil where nothing was filled in.
  func instant(_ name: String) -> JSONValue? {
    let text = self[name]
    return text.isEmpty ? nil : .string(Instant(text).map { "\($0)" } ?? text)
  }

  /// The end of a day that was filled in, else as ``instant(_:)``.
  func lastDay(_ name: String) -> JSONValue? {
    guard self[name].utf8.count == 10, let day = Instant(self[name]) else { return instant(name) }
    return .string("\(day.advanced(days: 1))")
  }

  /// The problem of a form whose action the page does not know.
  var unknownAction: Problem { .invalid("action", "is none of this page's") }

  /// Whether a field is there.
  func has(_ name: String) -> Bool { values[name] != nil }
}
