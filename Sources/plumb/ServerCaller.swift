import Foundation
import HTTP
import JSON
import Model
import Operations

/// Why a server did not do what it was asked.
struct ServerError: Error, CustomStringConvertible {
  let description: String
}

/// Calls the API of a server as a command asks.
struct ServerCaller {
  /// The address without a slash at its end.
  let base: String
  let token: Secret
  let client: any HTTPClient

  /// How long the server may take to judge what is uploaded, in seconds.
  private static let uploadTime = 6 * 3600.0

  /// How long a stream of events may be open, in seconds; a server closes it before.
  private static let streamTime = 900.0

  /// What a call came to.
  struct Outcome {
    var value = JSONValue.null
    var bytes: [UInt8] = []
    /// Whether a list goes on after what is here.
    var hasMore = false
  }

  /// Carries out a call.
  func perform(_ sketch: APISketch) async throws -> Outcome {
    var sketch = sketch
    for fillIn in sketch.fillIns { try await fill(fillIn, &sketch) }
    if case .events(let take, _) = sketch.answer { return try await follow(sketch, take) }
    if case .page(let list) = sketch.answer { return try await page(list, sketch) }
    var request = request(sketch.method, sketch.target)
    switch sketch.match {
    case .none: break
    case .any: request[header: "If-Match"] = "*"
    case .current(let path):
      guard let tag = try await send(self.request("GET", path))[header: "ETag"] else {
        throw ServerError(description: "\(base) answers without an ETag; is it a plumb serve?")
      }
      request[header: "If-Match"] = tag
    }
    if let upload = sketch.upload {
      request[header: "Content-Type"] = "application/x-ndjson"
      request.body = try fileBytes(upload)
      request.timeout = Self.uploadTime
    } else if let body = try await sketch.compose?(self) ?? sketch.body {
      request[header: "Content-Type"] = "application/json"
      request.body = Array(body.text.utf8)
    }
    if sketch.method == "POST" { request[header: "Idempotency-Key"] = UUID().uuidString }
    let response = try await send(request)
    if case .file = sketch.answer { return Outcome(bytes: response.body) }
    return Outcome(value: response.body.isEmpty ? .null : try json(response))
  }

  /// Hears events until there are no more, over a stream after the other.
  private func follow(
    _ sketch: APISketch,
    _ take: @escaping @Sendable (JSONValue) -> Void
  ) async throws -> Outcome {
    let events = ServerEvents(take)
    var failures = 0
    while !events.hasEnded {
      var request = request("GET", sketch.target)
      request[header: "Accept"] = "text/event-stream"
      if !events.lastID.isEmpty { request[header: "Last-Event-ID"] = events.lastID }
      request.timeout = Self.streamTime
      request.receive = { events.add($0) }
      events.begin()
      do {
        _ = try await send(request)
        failures = 0
      } catch let error as HTTPError {
        // A server that is started anew is away for a while.
        failures += 1
        guard !events.lastID.isEmpty, failures < 30 else { throw error }
        if failures == 1 { complain("\(error); tries again for half a minute") }
      }
      if !events.hasEnded { try await Task.sleep(for: .seconds(1)) }
    }
    return Outcome(value: events.last)
  }

  /// The object at a path.
  func object(_ path: String) async throws -> JSONValue {
    try json(await send(request("GET", path)))
  }

  /// Everything of a list, or as much as is asked for.
  private func page(_ list: APISketch.List, _ sketch: APISketch) async throws -> Outcome {
    var (items, cursor) = try await items(sketch, limit: list.limit)
    if let detail = list.detail {
      for index in items.indices {
        guard var object = items[index].object else { continue }
        var inner = APISketch()
        inner.path = detail.path(items[index])
        object[detail.member] = .array(try await self.items(inner, limit: nil).items)
        items[index] = .object(object)
      }
    }
    if list.isReversed { items.reverse() }
    return Outcome(value: .array(items), hasMore: cursor != nil)
  }

  private func items(_ sketch: APISketch, limit: Int?) async throws -> (
    items: [JSONValue], cursor: String?
  ) {
    var items: [JSONValue] = []
    var cursor: String?
    repeat {
      let wanted = min((limit ?? .max) - items.count, 500)
      let asked = sketch.asking("limit", "\(wanted)").asking("cursor", cursor)
      let page = try json(await send(request("GET", asked.target)))
      guard let found = page["items"]?.array else { throw strange("no list") }
      items += found
      cursor = page["next_cursor"]?.string
    } while cursor != nil && items.count < (limit ?? .max)
    return (items, cursor)
  }

  /// Puts what was not known when the call was written down in its place.
  private func fill(_ fillIn: FillIn, _ sketch: inout APISketch) async throws {
    let text: String
    switch fillIn.source {
    case .local(_, let value): text = try value()
    case .lookup(let path, let member, let value, let take, let missing):
      let parts = path.split(separator: "?", maxSplits: 1)
      var list = APISketch()
      list.path = String(parts[0])
      for pair in (parts.dropFirst().first ?? "").split(separator: "&") {
        let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
        guard sides.count == 2, sides[0] != "limit" else { continue }
        list.query.append((sides[0], sides[1].removingPercentEncoding ?? sides[1]))
      }
      let found = try await items(list, limit: nil).items.filter { $0[member]?.cell == value }
      guard found.count < 2 else {
        throw ServerError(
          description: "there are several \(list.path.collection) \"\(value)\" on the server"
        )
      }
      guard let one = found.first?[take]?.cell ?? missing else {
        throw ServerError(
          description: "the \(list.path.collection) of the server have no \"\(value)\""
        )
      }
      text = one
    }
    let (variable, part) = ("$\(fillIn.name)", APISketch.encoded(text))
    sketch.path = sketch.path.replacing(variable, with: part)
    if case .current(let path) = sketch.match {
      sketch.match = .current(path.replacing(variable, with: part))
    }
    sketch.body = sketch.body?.replacing(fillIn.mark, by: .string(text))
  }

  private func request(_ method: String, _ target: String) -> HTTPRequest {
    var request = HTTPRequest(
      method,
      base + target,
      headers: [
        ("Authorization", "Bearer \(token.revealed)"), ("Accept", "*/*"), ("User-Agent", "plumb"),
      ]
    )
    request.usesProxy = !ServerAddress.isLoopback(base)
    return request
  }

  /// Sends a request, again where the server asks to wait a moment.
  private func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    for _ in 0..<5 {
      let response = try await client.send(request)
      guard [429, 503].contains(response.status),
        let seconds = response[header: "Retry-After"].flatMap(Int.init), (0...10).contains(seconds)
      else { return try checked(response) }
      try await Task.sleep(for: .seconds(max(seconds, 1)))
    }
    return try checked(try await client.send(request))
  }

  private func checked(_ response: HTTPResponse) throws -> HTTPResponse {
    if (200..<300).contains(response.status) { return response }
    let problem = (try? JSONParser().parse(response.body)) ?? .null
    guard let title = problem["title"]?.string else { throw strange("status \(response.status)") }
    let detail = problem["detail"]?.string ?? ""
    let number = problem["instance"]?.string?.split(separator: ":").last.map { ", request \($0)" }
    throw ServerError(
      description: "\(detail.isEmpty ? title : detail) (\(response.status)\(number ?? ""))"
    )
  }

  private func json(_ response: HTTPResponse) throws -> JSONValue {
    do {
      return try JSONParser().parse(response.body)
    } catch {
      throw strange("what is no JSON")
    }
  }

  private func strange(_ what: String) -> ServerError {
    ServerError(
      description: "\(base) answers with \(what), as plumb serve does not; check --server"
    )
  }
}

extension String {
  /// What a list at this path holds, such as `people`.
  fileprivate var collection: String { split(separator: "/").last.map(String.init) ?? "" }
}

extension JSONValue {
  /// The value with every occurrence of a value in it replaced by another.
  fileprivate func replacing(_ mark: JSONValue, by value: JSONValue) -> JSONValue {
    if self == mark { return value }
    switch self {
    case .array(let items): return .array(items.map { $0.replacing(mark, by: value) })
    case .object(let object):
      return .object(
        JSONObject(object.members.map { ($0.key, $0.value.replacing(mark, by: value)) })
      )
    default: return self
    }
  }
}
