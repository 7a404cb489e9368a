import JSON
import Model

/// What is left to read in one run, and what came of the rest.
///
/// Decides what to do next; calls nothing itself.
struct APIRun {
  let reader: APIReader
  private let plan: APICollector.Plan
  private let units: [APICollector.Unit]
  /// What to do next, the last first: details go before further pages, so that little waits.
  private var waiting: [Work]
  /// How many pieces of work each unit has left.
  private var left: [Int]
  /// The items of lists that others have to confirm once they were read to their end.
  private var unconfirmed: [Int: [JSONValue]] = [:]
  /// The units whose list was refused, or a page of it.
  private var refused: Set<Int> = []
  /// What stands for resources that could not be listed, until it is emitted.
  private var standIns: [Resource] = []
  /// The units of which a detail failed in a way that may pass.
  private var passing: Set<Int> = []
  /// Why kinds are incomplete.
  private var gaps: [ResourceKind: [String]] = [:]

  /// How many items share a piece of work.
  private static let batch = 8

  /// How many items of each unit get their details; nil for all of them.
  private let sample: Int?
  private var sampled: [Int]
  /// How many items were met, by kind, and the calls that the details left out would have
  /// taken, by operation.
  private(set) var items: [ResourceKind: Int] = [:]
  private(set) var callsLeftOut: [String: Int] = [:]
  /// The same by service and region.
  private(set) var placesLeftOut: [String: Int] = [:]
  /// The refusals, by kind and the member that a detail would have filled; `@` is the list.
  private(set) var refusals: [ResourceKind: [String: APIRefusal]] = [:]

  init(
    _ units: [APICollector.Unit],
    _ plan: APICollector.Plan,
    _ reader: APIReader,
    sample: Int? = nil
  ) {
    self.sample = sample
    sampled = units.map { _ in 0 }
    self.units = units
    self.plan = plan
    self.reader = reader
    left = units.map { _ in 1 }
    waiting = units.indices.reversed().map { index in
      let (kind, region) = (units[index].kind, units[index].region)
      var context = APIContext(
        provider: plan.provider,
        account: plan.account,
        region: region,
        partition: plan.partition
      )
      context.listed = region
      context.place = plan.places[kind.service]?[region]
      let start: Work.Step = if kind.parents == nil { .page(nil) } else { .parents(nil) }
      return Work(unit: index, kind: kind, context: context, step: start)
    }
  }

  /// One piece of work.
  struct Work: Sendable {
    enum Step: Sendable {
      case parents(JSONObject?)
      case page(JSONObject?)
      case details([APIItem])
      case confirm([JSONValue])
    }

    let unit: Int
    let kind: APIKind
    let context: APIContext
    let step: Step
    /// The tokens with which pages of this list were asked for.
    var tokens: Set<JSONObject> = []

    func run(_ reader: APIReader) async throws -> Outcome {
      var outcome = Outcome(work: self)
      do {
        switch step {
        case .parents(let token):
          outcome.parents = try await parents(reader, token)
        case .page(let token):
          outcome.page = try await reader.page(kind, context, token)
        case .details(let items):
          for item in items {
            let (resource, refusals) = try await reader.read(item, kind)
            outcome.resources.append(resource)
            outcome.refusals.merge(refusals) { first, _ in first }
          }
        case .confirm(let items):
          try await reader.confirm(kind, items, context)
        }
      } catch let refusal as APIRefusal {
        outcome.refusal = refusal
      }
      return outcome
    }

    private func parents(
      _ reader: APIReader,
      _ token: JSONObject?
    ) async throws -> APIReader.Parents {
      switch kind.parents {
      case .listed(let list): try await reader.parents(list, kind, context, token)
      case .given(let elements):
        APIReader.Parents(contexts: elements.map { context.below($0) }, next: nil)
      case nil: APIReader.Parents(contexts: [context], next: nil)
      }
    }
  }

  /// What came of a piece of work.
  struct Outcome: Sendable {
    let work: Work
    var parents: APIReader.Parents?
    var page: APIReader.Page?
    var resources: [Resource] = []
    /// Why the list, or a page of it, could not be read.
    var refusal: APIRefusal?
    /// Why details could not be read, by the member that they would have filled.
    var refusals: [String: APIRefusal] = [:]
  }

  /// The next piece of work, if any waits.
  mutating func next() -> Work? { waiting.popLast() }

  /// Takes in what came of a piece of work; returns what is to be emitted.
  mutating func take(_ outcome: Outcome) -> [Collected] {
    let work = outcome.work
    defer { confirm(work) }
    left[work.unit] -= 1
    if let refusal = outcome.refusal { refuse(work, refusal) }
    defer { standIns.removeAll() }
    return taken(outcome) + standIns.map { .resource($0) }
  }

  private mutating func taken(_ outcome: Outcome) -> [Collected] {
    let work = outcome.work
    if outcome.refusal != nil { return [] }
    if let parents = outcome.parents {
      if let next = parents.next { addPage(next, .parents(next), after: work) }
      for context in parents.contexts { add(.page(nil), after: work, in: context) }
      return []
    }
    guard let page = outcome.page else { return details(outcome) }
    if let next = page.next { addPage(next, .page(next), after: work) }
    if !work.kind.witnesses.isEmpty {
      unconfirmed[work.unit, default: []] += page.items.map(\.value)
    }
    items[work.kind.kind, default: 0] += page.items.count
    let wanted = reader.details(work.kind)
    guard !wanted.isEmpty else {
      return page.items.map { .resource(reader.resource($0, work.kind)) }
    }
    let taken = page.items.prefix(max(0, (sample ?? .max) - sampled[work.unit]))
    sampled[work.unit] += taken.count
    for item in page.items.dropFirst(taken.count) {
      for detail in wanted where !detail.isShared && item.isMet(detail) {
        let service = detail.service ?? work.kind.service
        callsLeftOut["\(service):\(detail.call.operation)", default: 0] += 1
        placesLeftOut["\(service) \(item.context.region)", default: 0] += 1
      }
    }
    for start in stride(from: 0, to: taken.count, by: Self.batch) {
      add(.details(Array(taken[start...].prefix(Self.batch))), after: work)
    }
    return []
  }

  /// Has a list that was read to its end confirmed by those that name its items.
  private mutating func confirm(_ work: Work) {
    guard left[work.unit] == 0, let items = unconfirmed.removeValue(forKey: work.unit) else {
      return
    }
    if !refused.contains(work.unit) { add(.confirm(items), after: work) }
  }

  private mutating func details(_ outcome: Outcome) -> [Collected] {
    for (member, refusal) in outcome.refusals {
      let kind = outcome.work.kind.kind
      refusals[kind, default: [:]][member] = refusals[kind]?[member] ?? refusal
      if refusal.cause.mayPass { passing.insert(outcome.work.unit) }
    }
    return outcome.resources.map { .resource($0) }
  }

  /// Adds the next page of a list, unless its pages come round again: then something is missing.
  private mutating func addPage(_ token: JSONObject, _ step: Work.Step, after work: Work) {
    guard !work.tokens.contains(token) else {
      let refusal = reader.goesRound(work.kind.service, work.kind.list, work.context.region)
      return refuse(work, refusal)
    }
    add(step, after: work)
    waiting[waiting.count - 1].tokens = work.tokens.union([token])
  }

  private mutating func refuse(_ work: Work, _ refusal: APIRefusal) {
    gaps[work.kind.kind, default: []].append(refusal.reason)
    refused.insert(work.unit)
    refusals[work.kind.kind, default: [:]]["@"] = refusal
    standIns.append(work.kind.standIn(work.context, reason: refusal.reason))
  }

  private mutating func add(_ step: Work.Step, after work: Work, in context: APIContext? = nil) {
    left[work.unit] += 1
    waiting.append(
      Work(unit: work.unit, kind: work.kind, context: context ?? work.context, step: step)
    )
  }

  /// The unit that an outcome brought to its end, and whether another run need not read it again; nil
  /// while work is left.
  func finished(_ outcome: Outcome) -> (unit: APICollector.Unit, isFull: Bool)? {
    let index = outcome.work.unit
    guard left[index] == 0 else { return nil }
    return (units[index], !refused.contains(index) && !passing.contains(index))
  }

  /// What stands for the resources of regions that may be there and whose list was refused.
  var standInsOfRegions: [Resource] {
    guard plan.isRegionListRefused, let reason = plan.regionGap else { return [] }
    let context = APIContext(
      provider: plan.provider,
      account: plan.account,
      region: "other-regions",
      partition: plan.partition
    )
    return plan.kinds.filter { !$0.isGlobal }.map { $0.standIn(context, reason: reason) }
  }

  /// What was read of each kind, once nothing is left.
  var coverage: [Coverage] {
    let kinds = Set(plan.kinds.map(\.kind))
    let others = plan.leftOut.subtracting(kinds).sorted().map { kind in
      Coverage(account: plan.account, kind: kind, gap: "nobody asked for it")
    }
    return others
      + kinds.sorted().map { kind in
        var reasons = (gaps[kind] ?? []) + [plan.gaps[kind]].compactMap(\.self)
        let isGlobal = plan.kinds.contains { $0.kind == kind && $0.isGlobal }
        if !isGlobal, let gap = plan.regionGap { reasons.append(gap) }
        let gap = reasons.isEmpty ? nil : Set(reasons).sorted().joined(separator: "; ")
        return Coverage(account: plan.account, kind: kind, gap: gap)
      }
  }
}
