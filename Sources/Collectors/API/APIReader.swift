import JSON
import Model
import Synchronization

/// Reads the resources of one kind: a page of the list, and the details of its items.
struct APIReader: Sendable {
  let caller: any APICaller
  /// Which details are wanted of each kind; kinds that are not named are read in full.
  let wanted: [ResourceKind: Set<String>]
  /// How long calls took.
  let times = CallTimes()
  private let shared = SharedOutputs()

  init(_ caller: any APICaller, wanted: [ResourceKind: Set<String>] = [:]) {
    self.caller = caller
    self.wanted = wanted
  }

  /// One page of a list.
  struct Page: Sendable {
    var items: [APIItem]
    /// What to give for the next page; nil after the last.
    var next: JSONObject?
  }

  /// What a list has to be asked for, from one page.
  struct Parents: Sendable {
    var contexts: [APIContext]
    /// What to give for the next page; nil after the last.
    var next: JSONObject?
  }

  /// The details to read of a kind.
  func details(_ kind: APIKind) -> [APIDetail] {
    kind.details(wanted: wanted[kind.kind])
  }

  /// Reads one page.
  ///
  /// - Throws: ``APIRefusal``.
  func page(_ kind: APIKind, _ context: APIContext, _ token: JSONObject?) async throws -> Page {
    var input = context.fill(.object(kind.list.input), .null)?.object ?? JSONObject()
    for (key, value) in token?.members ?? [] { input[key] = value }
    guard
      let output = try await output(
        of: kind.list,
        kind.service,
        input,
        context.region,
        isFirst: token == nil
      )
    else {
      let stand = kind.otherwise.flatMap { APIItem(.object($0), kind, context) }
      return Page(items: stand.map { [$0] } ?? [], next: nil)
    }
    if let incomplete = kind.incomplete, !incomplete.elements(in: output).isEmpty {
      throw APIRefusal(
        .failed,
        message: "the answer names what it could not read under \(incomplete)",
        operation: "\(kind.service):\(kind.list.operation)",
        region: context.region
      )
    }
    let found = kind.isSingle ? kind.items.values(in: output) : kind.items.elements(in: output)
    let next = try next(kind.service, kind.list, after: output, given: token, context.region)
    return Page(items: found.compactMap { APIItem($0, kind, context) }, next: next)
  }

  /// Reads one page of what a kind's list has to be asked for.
  ///
  /// - Throws: ``APIRefusal``.
  func parents(
    _ list: APIParentList,
    _ kind: APIKind,
    _ context: APIContext,
    _ token: JSONObject?
  ) async throws -> Parents {
    let service = list.service ?? kind.service
    var input = context.fill(.object(list.call.input), .null)?.object ?? JSONObject()
    for (key, value) in token?.members ?? [] { input[key] = value }
    guard
      let output = try await output(
        of: list.call,
        service,
        input,
        context.region,
        isFirst: token == nil
      )
    else {
      return Parents(contexts: [], next: nil)
    }
    let next = try next(service, list.call, after: output, given: token, context.region)
    let elements = list.items.elements(in: output)
    return Parents(contexts: elements.compactMap { context.below($0, of: list) }, next: next)
  }

  /// Reads the details of an item; what is refused stays unread and is returned by member.
  func read(
    _ item: APIItem,
    _ kind: APIKind
  ) async throws -> (Resource, refusals: [String: APIRefusal]) {
    var item = item
    var refusals: [String: APIRefusal] = [:]
    for detail in details(kind) {
      if let refusal = try await read(detail, &item, kind.service) {
        refusals[detail.into] = refusal
      }
    }
    return (resource(item, kind), refusals)
  }

  /// The resource of an item; details that nobody wanted are unread, not absent.
  func resource(_ item: APIItem, _ kind: APIKind) -> Resource {
    var item = item
    if wanted[kind.kind] != nil {
      let read = Set(details(kind).map(\.unreadPath))
      for path in Set(kind.details.map(\.unreadPath)).subtracting(read).sorted() {
        item.unread.append((path, Self.notWanted))
      }
    }
    return item.resource(kind)
  }

  /// Why a detail is unread that was not asked for.
  static let notWanted = "not read: no goal of the scan needed it"

  /// Reads one detail into an item; returns what stood in the way.
  private func read(
    _ detail: APIDetail,
    _ item: inout APIItem,
    _ service: String
  ) async throws -> APIRefusal? {
    if let doubt = item.doubt(detail) {
      item.unread.append((detail.unreadPath, doubt))
      return nil
    }
    guard item.isMet(detail) else { return nil }
    if let account = detail.account?.text(item.value, item.context), account != item.context.account
    {
      item.unread.append((detail.unreadPath, "not read: it is in the account \(account)"))
      return nil
    }
    guard let input = item.input(of: detail.call) else {
      item.unread.append((detail.unreadPath, "error: the list does not say what to ask for"))
      return nil
    }
    var context = item.context
    if let region = detail.region?.text(item.value, context) { context.region = region }
    do {
      let output = try await output(of: detail, detail.service ?? service, input, context.region)
      let doubts = item.unread.count
      var found = output.flatMap { item.found($0, detail) }
      if item.unread.count == doubts { found = found ?? detail.otherwise }
      guard let found else { return nil }
      guard detail.each.isEmpty else {
        let (elements, refusal) = try await each(found, detail, &item, context, service)
        item.put(elements, detail)
        return refusal
      }
      item.put(found, detail)
      return nil
    } catch let refusal as APIRefusal {
      item.unread.append((detail.unreadPath, refusal.reason))
      return refusal
    }
  }

  /// Reads the details of each element of what was found.
  private func each(
    _ found: JSONValue,
    _ detail: APIDetail,
    _ item: inout APIItem,
    _ context: APIContext,
    _ service: String
  ) async throws -> (JSONValue, APIRefusal?) {
    var elements: [JSONValue] = []
    var refusal: APIRefusal?
    for (index, element) in (found.array ?? [found]).enumerated() {
      var inner = APIItem(element: element, context)
      for further in detail.each {
        let refused = try await read(further, &inner, detail.service ?? service)
        refusal = refusal ?? refused
      }
      for (path, reason) in inner.unread {
        item.unread.append(("\(detail.into)[\(index)].\(path)", reason))
      }
      elements.append(inner.value)
    }
    return (.array(elements), refusal)
  }

  private func output(
    of detail: APIDetail,
    _ service: String,
    _ input: JSONObject,
    _ region: String
  ) async throws -> APIOutput? {
    @Sendable func read() async throws -> APIOutput? {
      try await all(detail.call, service, input, region, detail.path).map { APIOutput($0, detail) }
    }
    guard detail.isShared else { return try await read() }
    let name =
      "\(service):\(detail.call.operation) \(region) \(detail.path) \(detail.pick?.member ?? "")"
    return try await shared.output(name, read)
  }

  /// The output of a call, with the elements of all of its pages at the path.
  func all(
    _ call: APICall,
    _ service: String,
    _ input: JSONObject,
    _ region: String,
    _ path: APIPath
  ) async throws -> JSONValue? {
    guard let first = try await output(of: call, service, input, region) else { return nil }
    var token = try next(service, call, after: first, given: nil, region)
    guard token != nil else { return first }
    var elements = path.elements(in: first)
    var seen: Set<JSONObject> = []
    while let given = token {
      var input = input
      for (key, value) in given.members { input[key] = value }
      let more = try await output(of: call, service, input, region, isFirst: false) ?? .null
      elements += path.elements(in: more)
      token = try next(service, call, after: more, given: given, region)
      if let token, !seen.insert(token).inserted { throw goesRound(service, call, region) }
    }
    return path.object(holding: .array(elements))
  }

  /// What to give for the next page; nil after the last.
  private func next(
    _ service: String,
    _ call: APICall,
    after output: JSONValue,
    given: JSONObject?,
    _ region: String
  ) throws -> JSONObject? {
    do {
      return try caller.page(of: call.operation, service: service)?.next(
        after: output,
        given: given
      )
    } catch let error as APIPageError {
      throw APIRefusal(
        .malformed,
        message: "\(error)",
        operation: "\(service):\(call.operation)",
        region: region
      )
    }
  }

  /// The refusal of a list whose pages come round again.
  func goesRound(_ service: String, _ call: APICall, _ region: String) -> APIRefusal {
    APIRefusal(
      .malformed,
      message: "\(APIPageError.samePage)",
      operation: "\(service):\(call.operation)",
      region: region
    )
  }

  /// What an operation returns; nil where its refusal means "not configured", which it can only when
  /// no page came before.
  private func output(
    of call: APICall,
    _ service: String,
    _ input: JSONObject,
    _ region: String,
    isFirst: Bool = true
  ) async throws -> JSONValue? {
    do {
      if let prepare = call.prepare { try await self.prepare(prepare, service, region) }
      let start = ContinuousClock.now
      defer {
        let time = ContinuousClock.now - start
        times.add("\(service):\(call.operation)", at: "\(service) \(region)", time)
      }
      return try await caller.call(call.operation, of: service, input, in: region)
    } catch let refusal as APIRefusal {
      let isAbsent =
        isFirst
        && call.absent.contains {
          $0.code == refusal.code && ($0.message.isEmpty || refusal.message.contains($0.message))
        }
      if isAbsent { return nil }
      throw refusal
    }
  }

  /// Asks for a report until it is there.
  private func prepare(_ operation: String, _ service: String, _ region: String) async throws {
    for attempt in 0..<20 {
      let output = try await caller.call(operation, of: service, JSONObject(), in: region)
      if output["State"]?.string == "COMPLETE" { return }
      try await caller.pause(min(5, 0.5 * Double(attempt + 1)))
    }
    throw APIRefusal(
      .timedOut,
      message: "the report is still being made",
      operation: "\(service):\(operation)",
      region: region
    )
  }
}

/// How long the calls of each operation took, in all.
final class CallTimes: Sendable {
  private let places = Mutex<[String: Int]>([:])
  private let times = Mutex<[String: (count: Int, seconds: Double)]>([:])

  /// Notes a call of an operation at a place, which is a service and a region.
  func add(_ operation: String, at place: String, _ time: Duration) {
    places.withLock { $0[place, default: 0] += 1 }
    times.withLock {
      $0[operation, default: (0, 0)].count += 1
      $0[operation, default: (0, 0)].seconds += time / .seconds(1)
    }
  }

  /// How many calls were made at each place.
  var calls: [String: Int] { places.withLock(\.self) }

  /// Seconds of all calls together; those under way at the same time count each.
  var total: Double { times.withLock { $0.values.reduce(0) { $0 + $1.seconds } } }

  /// Seconds of one call of an operation, on the average; nil where none was made.
  func average(_ operation: String) -> Double? {
    times.withLock { $0[operation].map { $0.seconds / Double($0.count) } }
  }
}

/// Outputs that serve many items: asked for once, however many wait.
private final class SharedOutputs: Sendable {
  private let tasks = Mutex<[String: Task<APIOutput?, any Error>]>([:])

  func output(
    _ key: String,
    _ read: @escaping @Sendable () async throws -> APIOutput?
  ) async throws -> APIOutput? {
    let task = tasks.withLock { tasks in
      if let task = tasks[key] { return task }
      let task = Task { try await read() }
      tasks[key] = task
      return task
    }
    return try await task.value
  }
}
