import JSON
import Model
import Reports
import Synchronization

/// One request of a page by somebody who is signed in.
///
/// What a page shows it asks the API for, in this process and as that one.
struct Visit: Sendable {
  let asker: Asker
  let api: APIServer
  /// The address as it was asked for.
  let address: Address
  /// The variable parts of the path.
  let parts: [String: String]
  /// `light`, `dark`, or empty for what the browser prefers.
  let theme: String
  /// The operations by which the page changes something.
  var changes: [String] = []
  /// What was typed into a form that was refused, and why.
  var refused: (form: Form, problem: Problem)?
  /// Whether a form was sent, whose page need not look at the address.
  var isChange = false
  private let calls = CallLog()
  private let names = NameLog()

  init(asker: Asker, api: APIServer, address: Address, parts: [String: String], theme: String) {
    (self.asker, self.api, self.address) = (asker, api, address)
    (self.parts, self.theme) = (parts, theme)
  }

  private final class CallLog: Sendable {
    let calls = Mutex<[Call]>([])
  }

  private final class NameLog: Sendable {
    let names = Mutex<Set<String>>([])
  }

  /// An operation that was asked for.
  struct Call: Sendable, Hashable {
    var operation: String
    var values: [Address.Pair]
  }

  /// The reads that were made, in their order.
  var reads: [Call] { calls.calls.withLock { $0 } }

  /// A value of the query; nil where it is not there or empty.
  func value(_ name: String) -> String? { values(name).first }

  /// The values of a name of the query.
  func values(_ name: String) -> [String] {
    names.names.withLock { _ = $0.insert(name) }
    return address.query.filter { $0.name == name && !$0.value.isEmpty }.map(\.value)
  }

  /// What the query has that the page did not look at.
  var unread: [String] {
    guard !isChange else { return [] }
    let known = names.names.withLock { $0 }.union(["notice", "code"])
    var seen: Set<String> = []
    return address.query.map(\.name).filter { !known.contains($0) && seen.insert($0).inserted }
  }

  /// A variable part of the path.
  func part(_ name: String) -> String { parts[name] ?? "" }

  /// The instant as of which the page is shown, as it was asked for; nil for now.
  var asOf: String? { value("as_of").flatMap { Instant($0) }.map { "\($0)" } }

  /// The instant as of which the page is shown.
  var instant: Instant { asOf.flatMap { Instant($0) } ?? asker.now }

  /// A link to another page, as of the same instant.
  func to(_ path: String, _ query: KeyValuePairs<String, String?> = [:]) -> Address {
    Address(path, query).with("as_of", asOf)
  }

  /// Whether the visitor has a permission somewhere.
  func may(_ permission: Permission) -> Bool { !asker.principal.sight(permission).isEmpty }

  /// What a change of this browser carries.
  var antiForgery: String { asker.token.map(Session.antiForgery) ?? "" }

  /// The answer of a read of the API.
  ///
  /// - Throws: a problem, as a request would be answered with.
  func ask(_ operation: String, _ values: KeyValuePairs<String, String?> = [:]) async throws
    -> JSONValue
  {
    try await ask(operation, pairs: Self.pairs(values))
  }

  private static func pairs(_ values: KeyValuePairs<String, String?>) -> [Address.Pair] {
    values.compactMap { name, value in value.map { Address.Pair(name: name, value: $0) } }
  }

  /// The answer of a read of the API.
  func ask(_ operation: String, pairs: [Address.Pair]) async throws -> JSONValue {
    let reply = try await api.answer(operation, pairs.map { ($0.name, $0.value) }, as: asker)
    calls.calls.withLock { $0.append(Call(operation: operation, values: pairs)) }
    return reply.body ?? .null
  }

  /// The answer of a read that only prepares another one, and is not told of.
  func look(_ operation: String, _ values: KeyValuePairs<String, String?> = [:]) async throws
    -> JSONValue
  {
    let answer = try await ask(operation, values)
    calls.calls.withLock { _ = $0.popLast() }
    return answer
  }

  /// The answer of a read that only prepares another one, and is not told of.
  func look(_ operation: String, pairs: [Address.Pair]) async throws -> JSONValue {
    let answer = try await ask(operation, pairs: pairs)
    calls.calls.withLock { _ = $0.popLast() }
    return answer
  }

  /// The answer of a read of the API; nil where the visitor may not, or there is nothing.
  func askIfThere(_ operation: String, _ values: KeyValuePairs<String, String?> = [:]) async throws
    -> JSONValue?
  {
    try await askIfThere(operation, pairs: Self.pairs(values))
  }

  /// The answer of a read of the API; nil where the visitor may not, or there is nothing.
  func askIfThere(_ operation: String, pairs: [Address.Pair]) async throws -> JSONValue? {
    do {
      return try await ask(operation, pairs: pairs)
    } catch let problem where [403, 404].contains(api.problem(problem)?.status) {
      return nil
    }
  }

  /// Every item of a list, as far as it can be looked over at once.
  func all(_ operation: String, _ values: KeyValuePairs<String, String?> = [:]) async throws
    -> [JSONValue]
  {
    let pairs = Self.pairs(values) + [Address.Pair(name: "limit", value: "500")]
    var page = try await ask(operation, pairs: pairs)
    var items = page.list("items")
    for _ in 0..<Self.pages {
      guard let cursor = page["next_cursor"]?.string else { break }
      page = try await look(
        operation,
        pairs: pairs + [Address.Pair(name: "cursor", value: cursor)]
      )
      items += page.list("items")
    }
    return items
  }

  /// How many parts of a list are read at most where all of it is asked for.
  private static let pages = 40

  /// How many items a list has; nil where the visitor may not see it.
  func total(_ operation: String, pairs: [Address.Pair]) async throws -> Int? {
    let limit = Address.Pair(name: "limit", value: "500")
    guard var page = try await askIfThere(operation, pairs: pairs + [limit]) else { return nil }
    if let total = page["total"]?.whole { return total }
    var count = page.list("items").count
    for _ in 0..<Self.pages {
      guard let cursor = page["next_cursor"]?.string else { break }
      page = try await look(
        operation,
        pairs: pairs + [limit, Address.Pair(name: "cursor", value: cursor)]
      )
      count += page.list("items").count
    }
    return count
  }

  /// How many items a list has; nil where the visitor may not see it.
  func total(_ operation: String, _ values: KeyValuePairs<String, String?> = [:]) async throws
    -> Int?
  {
    try await total(operation, pairs: Self.pairs(values))
  }

  /// The latest states of a resource, those up to the instant that the page shows, the newest first.
  func states(ofResource number: String) async throws -> [JSONValue] {
    let states = try await ask("showHistory", ["id": number, "limit": "50"]).list("items")
    guard let until = asOf.flatMap({ Instant($0) }) else { return states }
    return states.filter { state in Instant(state.text("since")).map { $0 <= until } ?? true }
  }

  /// Carries out a change by an operation of the API.
  func change(
    _ operation: String,
    _ values: KeyValuePairs<String, String> = [:],
    _ body: JSONValue = .null
  ) async throws -> JSONValue {
    let reply = try await api.answer(operation, values.map { ($0.key, $0.value) }, body, as: asker)
    return reply.body ?? .null
  }

  /// What was typed into a field of a form that was refused, or else what stands there at first.
  func typed(_ name: String, else value: String = "") -> String {
    guard let form = refused?.form, form.has(name) else { return value }
    return form[name]
  }

  /// What is wrong with a field, which problems call by its name.
  func fault(_ name: String) -> String? {
    refused?.problem.faults.first {
      $0.pointer == name || $0.pointer == "/\(name)" || $0.pointer.hasPrefix("/\(name)/")
    }?.detail
  }
}
