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
  /// What a form of the page does; returns where to go then.
  var change: (@Sendable (Visit, Form) async throws -> Address)?

  /// A place in the navigation.
  struct Entry: Sendable {
    var area: Area
    var name: String
  }

  /// The areas of the navigation.
  enum Area: String, Sendable, CaseIterable {
    case posture = "Posture"
    case governance = "Governance"
    case insights = "Insights"
  }

  init(
    _ path: String,
    entry: Entry? = nil,
    show: @escaping @Sendable (Visit) async throws -> PageAnswer,
    change: (@Sendable (Visit, Form) async throws -> Address)? = nil
  ) {
    (self.path, self.entry, self.show, self.change) = (path, entry, show, change)
  }

  /// Every page behind the sign-in; a page adds its line, and in the order of the navigation.
  static let all: [Page] = [
    HomePage.page, ResultsPage.page, ChangesPage.page, ResultsFile.csv, ResultsFile.json,
    ResultPage.page, ResourcePage.page, ExceptionsPage.page, ExceptionForm.page, ExceptionPage.page,
  ]
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
  /// The commands that tell the same, without `plumb` and `--server`.
  var commands: [[String]] = []
  /// Whether it can be shown as of an instant.
  var hasInstant = true

  init(_ title: String, lead: HTML = "", commands: [[String]] = [], main: HTML) {
    (self.title, self.lead, self.commands, self.main) = (title, lead, commands, main)
  }
}

/// What somebody filled into a form.
struct Form: Sendable {
  private let values: [String: [String]]

  init(_ text: String) {
    values = Dictionary(grouping: RequestReader.pairs(text), by: \.name)
      .mapValues { $0.map(\.value) }
  }

  /// A field's value; empty where it is not there.
  subscript(name: String) -> String { values[name]?.first ?? "" }

  /// Whether a field is there.
  func has(_ name: String) -> Bool { values[name] != nil }
}
