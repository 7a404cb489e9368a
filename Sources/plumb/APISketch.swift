import ArgumentParser
import Foundation
import JSON
import Model

/// The call of the API that does the same as a run of a command.
struct APISketch {
  var method: String
  /// Percent-encoded, below the server's address; a `$NAME` in it is filled in.
  var path: String
  var query: [(name: String, value: String)] = []
  var body: JSONValue?
  /// Makes the body right before it is sent, where it is more than what is shown, such as a secret.
  var compose: ((ServerCaller) async throws -> JSONValue)?
  /// A file that is sent as it is instead of a body of JSON.
  var upload: String?
  var match = Match.none
  var fillIns: [FillIn] = []
  var answer = Answer.object()
  /// Whether a secret goes there or comes back, which must not be seen on the way.
  var isSecret = false
  /// What whoever reads the call has to know besides.
  var note: String?

  /// What is said of the state that a change starts from.
  enum Match {
    case none
    /// Whatever it is now, or nothing.
    case any
    /// As it is read right before, from this path.
    case current(String)
  }

  /// What is done with the answer.
  enum Answer {
    /// A list in pages.
    case page(List)
    /// One object; as text these of its members, or all, and a table for each that is a list.
    case object(members: [Column] = [], tables: [String: [Column]] = [:])
    /// Words of one's own, the same as without a server.
    case words((JSONValue) throws -> [String])
    /// Events, each told as it comes; then what the last of them held.
    case events(@Sendable (JSONValue) -> Void, end: (JSONValue) throws -> Void)
    /// A file.
    case file(([UInt8]) throws -> Void)
  }

  /// A list in pages, and how it is shown.
  struct List {
    var noun: String
    var columns: [Column] = []
    /// How many items at most; nil for all.
    var limit: Int?
    /// Whether items come in the reverse of the order in which they are shown.
    var isReversed = false
    /// A list that each item gets as a member, from a path that the item tells.
    var detail: (member: String, path: (JSONValue) -> String)?
  }

  init(_ method: String = "GET", _ segments: String...) {
    self.method = method
    path = Self.path(segments)
  }

  /// A path below the API's root; what begins with `$` is filled in later.
  static func path(_ segments: [String]) -> String {
    "/api/v1/" + segments.map { $0.hasPrefix("$") ? $0 : encoded($0) }.joined(separator: "/")
  }

  /// A list of which all pages are read.
  static func list(_ segments: String..., show: List) -> APISketch {
    var sketch = APISketch()
    sketch.path = path(segments)
    sketch.answer = .page(show)
    return sketch
  }

  /// A change, after which the command says the same as without a server.
  static func change(
    _ method: String,
    _ segments: String...,
    body: JSONValue? = nil,
    say: @escaping (JSONValue) throws -> [String]
  ) -> APISketch {
    var sketch = APISketch(method)
    sketch.path = path(segments)
    sketch.body = body
    sketch.answer = .words(say)
    return sketch
  }

  /// The same with a parameter, where it has a value.
  func asking(_ name: String, _ value: String?) -> APISketch {
    asking(name, value.map { [$0] } ?? [])
  }

  /// The same with a parameter that may stand several times.
  func asking(_ name: String, _ values: [String]) -> APISketch {
    var sketch = self
    sketch.query += values.filter { !$0.isEmpty }.map { (name, $0) }
    return sketch
  }

  /// The same as of an instant, where one is given.
  func asOf(_ instant: Instant?) -> APISketch { asking("as_of", instant.map { "\($0)" }) }

  /// The same, going by a state.
  func matching(_ match: Match) -> APISketch {
    var sketch = self
    sketch.match = match
    return sketch
  }

  /// The same, with something to fill in.
  func filling(_ fillIn: FillIn) -> APISketch {
    var sketch = self
    sketch.fillIns.append(fillIn)
    return sketch
  }

  /// The same, with a secret in it or in its answer.
  func secret() -> APISketch {
    var sketch = self
    sketch.isSecret = true
    return sketch
  }

  /// The same, answered otherwise.
  func answering(_ answer: Answer) -> APISketch {
    var sketch = self
    sketch.answer = answer
    return sketch
  }

  /// The same, once it is known that its list may have items.
  func checked() throws -> APISketch {
    if case .page(let list) = answer, let limit = list.limit, limit < 1 {
      throw ValidationError("--limit expects 1 or more, not \(limit)")
    }
    return self
  }

  /// The path with its query.
  var target: String {
    guard !query.isEmpty else { return path }
    let pairs = query.map { "\($0.name)=\(Self.encoded($0.value))" }
    return "\(path)?\(pairs.joined(separator: "&"))"
  }

  /// A text as a part of a path or query; what is left as it is means nothing to a shell in quotes.
  static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }

  private static let plain = CharacterSet(
    charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:*@,"
  )
}

/// A part of a call that is not known when it is written down.
struct FillIn {
  /// The variable's name.
  let name: String
  let source: Source

  enum Source {
    /// A member of the item of a list that has a value, all texts; `missing` where there is none.
    case lookup(path: String, member: String, value: String, take: String, missing: String?)
    /// What this machine has, and the words of a shell that stand for it.
    case local(shell: String, value: () throws -> String)
  }

  /// What stands for it in a body.
  var mark: JSONValue { .string("\u{F8FF}\(name)\u{F8FF}") }

  /// What a shell puts in its place.
  var shell: String {
    switch source {
    case .lookup: "$\(name)"
    case .local(let shell, _): shell
    }
  }

  /// The number of a person, by the name.
  static func person(_ name: String) -> FillIn {
    FillIn(
      name: "ID",
      source: .lookup(
        path: "/api/v1/people?limit=500",
        member: "name",
        value: name,
        take: "id",
        missing: nil
      )
    )
  }
}

/// A column of a table: its title, and the members whose texts it shows.
struct Column: ExpressibleByStringLiteral {
  var title: String
  /// Paths with dots; what they hold is joined by `/`.
  var paths: [String]

  /// Reads `member.member`, or `title=path/path`.
  init(stringLiteral text: String) {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    title = parts[0]
    paths = (parts.last ?? "").split(separator: "/").map(String.init)
  }

  init(path: String) { (title, paths) = (path, [path]) }

  /// The text of the column in an item.
  func text(_ item: JSONValue) -> String {
    paths.map { path in
      let found = path.split(separator: ".").reduce(Optional(item)) { $0?[String($1)] }
      return found?.cell ?? ""
    }.filter { !$0.isEmpty }.joined(separator: "/")
  }

  /// All members of items, those of objects in them with dots between, in the order of the first that
  /// has them.
  static func all(_ items: [JSONValue]) -> [Column] {
    var seen: Set<String> = []
    var paths: [String] = []
    func walk(_ object: JSONObject, _ prefix: String) {
      for (key, value) in object.members {
        if let inner = value.object, !inner.isEmpty, !key.contains(".") {
          walk(inner, "\(prefix)\(key).")
        } else if seen.insert(prefix + key).inserted {
          paths.append(prefix + key)
        }
      }
    }
    for item in items { walk(item.object ?? [:], "") }
    return paths.map { Column(path: $0) }
  }
}

extension JSONValue {
  /// The value in a cell of a table.
  var cell: String {
    switch self {
    case .null: ""
    case .string(let text): text
    case .number(let number):
      number.formatted(
        .number.precision(.fractionLength(0...3)).grouping(.never).locale(
          Locale(identifier: "en_US_POSIX")
        )
      )
    case .array(let items):
      items.map(\.cell).joined(separator: items.first?.object == nil ? ", " : "; ")
    case .object(let object):
      object.members.map(\.value.cell).filter { !$0.isEmpty }.joined(separator: " ")
    default: text
    }
  }
}
