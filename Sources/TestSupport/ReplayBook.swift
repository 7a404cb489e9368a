import Foundation
package import JSON
import Model

/// Recorded answers, found by method, path and query.
///
/// An entry is `{get: path, query: {name: value}, status, headers, json}`; `head` and `post` instead of
/// `get` name other methods, `text` instead of `json` is a body as it is. A path may hold `*`. Of the
/// entries that a request fits, the one that asks for most of its query answers, and of those the last.
package struct ReplayBook: Sendable {
  private struct Entry: Sendable {
    var method: String
    var path: String
    var query: [(name: String, value: String)]
    var answer: ReplayServer.Answer
  }

  private var entries: [Entry]

  /// A book of a list of entries.
  package init(_ list: JSONValue) { entries = (list.array ?? []).compactMap(Self.entry) }

  /// The book with further entries, which answer where both would.
  package func adding(_ list: JSONValue) -> ReplayBook {
    var book = self
    book.entries += ReplayBook(list).entries
    return book
  }

  /// The answer to a request; nil where the book has none.
  package func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer? {
    let fitting = entries.filter { entry in
      entry.method == request.method && Wildcard.matches(request.path, pattern: entry.path)
        && entry.query.allSatisfy { wanted in request.query.contains { $0 == wanted } }
    }
    let most = fitting.map(\.query.count).max()
    return fitting.last { $0.query.count == most }?.answer
  }

  private static func entry(_ value: JSONValue) -> Entry? {
    for method in ["get", "head", "post"] {
      guard let path = value[method]?.string else { continue }
      var answer = ReplayServer.Answer(value["status"]?.whole ?? 200)
      for (name, text) in value["headers"]?.object?.members ?? [] {
        answer.headers.append((name, text.string ?? text.text))
      }
      if let json = value["json"] {
        answer.headers.append(("Content-Type", "application/json"))
        answer.body = Array(json.text.utf8)
      } else {
        answer.body = Array((value["text"]?.string ?? "").utf8)
      }
      let query = (value["query"]?.object?.members ?? []).map { name, value in
        (name: name, value: value.string ?? value.text)
      }
      return Entry(method: method.uppercased(), path: path, query: query, answer: answer)
    }
    return nil
  }
}
