import Foundation
import JSON

/// How an operation hands out a long list in pages.
package struct APIPage: Sendable {
  /// The members of the input that say where to go on.
  package var input: [String]
  /// Where in the output they are found.
  var output: [APIPath]
  /// What in the output says whether there is more; nil where the presence of a token does.
  var more: APIPath?
  /// Whether the output holds a link, in whose query the input's members are.
  package var isLink: Bool
  /// How a list is counted that is asked for from an offset on.
  private var count: Count?

  private struct Count: Sendable {
    var items: APIPath
    /// How many elements a page has that is not the last.
    var size: Int
    /// Where the output says how many elements there are in all.
    var total: APIPath?
  }

  /// The paging of an operation, the output's places as dotted paths.
  package init(input: [String], output: [String], more: String? = nil, isLink: Bool = false) {
    self.input = input
    self.output = output.map { APIPath($0) }
    self.more = more.map { APIPath($0) }
    self.isLink = isLink
  }

  /// The paging of an operation that is asked for the elements from an offset on.
  ///
  /// - Parameters:
  ///   - offset: the member of the input that says how many to pass over.
  ///   - items: where the elements are in the output.
  ///   - size: how many elements a page has that is not the last.
  ///   - total: where the output says how many there are in all; without it a short page is the last.
  package init(offset: String, items: String, size: Int, total: String? = nil) {
    self.init(input: [offset], output: [])
    count = Count(items: APIPath(items), size: size, total: total.map { APIPath($0) })
  }

  /// What to give for the next page; nil after the last.
  ///
  /// - Throws: ``APIPageError`` for a server that promises more without saying how to go on, or that
  ///   sends the same page again: what is missing then is not known.
  func next(after page: JSONValue, given: JSONObject?) throws(APIPageError) -> JSONObject? {
    if let count { return try offset(after: page, given: given, count) }
    // Where the flag is missing the token decides.
    let isMore = more.flatMap { $0.value(in: page)?.bool }
    if isMore == false { return nil }
    let next = isLink ? try link(page) : tokens(page)
    if next.isEmpty {
      if isMore == true { throw .noToken }
      return nil
    }
    if next == given { throw .samePage }
    return next
  }

  private func offset(
    after page: JSONValue,
    given: JSONObject?,
    _ count: Count
  ) throws(APIPageError) -> JSONObject? {
    let found = count.items.elements(in: page).count
    let reached = (given?[input[0]]?.whole ?? 0) + found
    if let total = count.total.flatMap({ $0.value(in: page)?.whole }) {
      if reached >= total { return nil }
      if found == 0 { throw .noToken }
    } else if found < count.size {
      return nil
    }
    return [input[0]: .integer(Int64(reached))]
  }

  private func tokens(_ page: JSONValue) -> JSONObject {
    var tokens = JSONObject()
    for (name, path) in zip(input, output) {
      guard let token = path.values(in: page).last, token != .string("") else { continue }
      tokens[name] = token
    }
    return tokens
  }

  private func link(_ page: JSONValue) throws(APIPageError) -> JSONObject {
    var tokens = JSONObject()
    guard let link = output.first?.value(in: page)?.string, !link.isEmpty else { return tokens }
    for pair in (link.split(separator: "?", maxSplits: 1).dropFirst().first ?? "").split(
      separator: "&"
    ) {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, input.contains(parts[0]) else { continue }
      tokens[parts[0]] = .string(parts[1].removingPercentEncoding ?? parts[1])
    }
    if tokens.isEmpty { throw .noToken }
    return tokens
  }
}

/// Why a list cannot be read to its end.
package enum APIPageError: Error, Sendable, CustomStringConvertible {
  case noToken
  case samePage

  /// What the server does.
  package var description: String {
    switch self {
    case .noToken: "the list goes on, but not how"
    case .samePage: "the list sends the same page again"
    }
  }
}
