import JSON
import Model
import Operations
import Store

/// Scans: what was read and judged when.
enum ScanRoutes {
  static let handlers: [String: APIHandler] = [
    "listScans": list, "uploadScan": upload, "showScan": show, "cancelScan": cancel,
    "listDifferences": differences, "followScan": follow,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let (sight, status, account) = (call.sight, call["status"]?.string, call["account"]?.string)
    return try await call.page { transaction, before, limit in
      let names = try Places(transaction).names
      return try transaction.scans(before: before, limit: limit).map { scan in
        let isShown =
          isInSight(scan, sight, names) && (status == nil || status == scan.status.rawValue)
          && (account == nil || account == scan.account)
        return (scan.id, isShown ? scan.listed : nil)
      }
    }
  }

  private static func isInSight(
    _ scan: ScanRecord,
    _ sight: Sight,
    _ names: [String: [String]]
  ) -> Bool {
    guard let account = scan.account else { return sight.isEverything }
    return sight.containsAccount(names[account] ?? [account])
  }

  /// The scan that the path names, if the caller sees it.
  private static func find(_ transaction: StoreTransaction, _ call: APICall, _ number: Int64) throws
    -> ScanRecord
  {
    let scan = try transaction.scan(number)
    guard isInSight(scan, call.sight, try Places(transaction).names) else {
      throw Problem.notFound("scan", number)
    }
    return scan
  }

  /// A scan that the caller sees, or of which a score in sight tells.
  private static func scored(
    _ transaction: StoreTransaction,
    _ call: APICall,
    _ number: Int64
  ) throws -> ScanRecord {
    let scan = try transaction.scan(number)
    let isTold = try transaction.ledger(from: scan.instant, to: scan.instant).contains {
      $0.scan == number && call.sight.containsScope($0.scope)
    }
    return isTold ? scan : try find(transaction, call, number)
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    let (scan, tasks) = try await call.read { transaction in
      (try find(transaction, call, number), try transaction.tasks(of: number))
    }
    var object = scan.listed.object ?? [:]
    if !tasks.isEmpty {
      let done = tasks.filter { $0.state == .done }.count
      object["tasks"] = ["done": .integer(Int64(done)), "all": .integer(Int64(tasks.count))]
    }
    return .tagged(.object(object))
  }

  private static func follow(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    _ = try await call.read { try find($0, call, number) }
    return try call.events("scan \(number)") { transaction in
      let scan = try transaction.scan(number)
      return Watched(state: try scan.standing(transaction), hasEnded: !scan.status.isOpen)
    }
  }

  private static func cancel(_ call: APICall) async throws -> APIReply {
    let number = call.number()
    let scan = try await call.write { transaction in
      let scan = try find(transaction, call, number)
      try transaction.move(number, to: .cancelled, report: scan.report)
      return try transaction.scan(number)
    }
    return .json(scan.listed)
  }

  private static func upload(_ call: APICall) async throws -> APIReply {
    let account = call.text("account")
    let names = try await call.read { try Places($0).names }
    guard call.sight.containsAccount(names[account] ?? [account]) else {
      throw Problem.forbidden(.run)
    }
    guard let upload = call.upload else { throw Problem.invalid("body", "is missing") }
    let inventory = InventoryUpload(
      account: account,
      subject: call["subject"]?.string ?? "an inventory of \(account)",
      isComplete: call["complete"]?.bool ?? false,
      actor: call.principal.name,
      at: call.now
    )
    // Judging has transactions of its own; a request that comes again is told apart before them.
    if call.idempotency != nil { try await call.write { _ in } }
    let number: Int64
    do { number = try await call.services.judge(inventory, upload) } catch {
      // Nothing was kept, so it may come again.
      if let key = call.idempotency?.key {
        try? await call.services.store.write(as: call.principal.name, at: call.now) {
          try $0.release(key)
        }
      }
      throw error
    }
    let scan = try await call.read { try $0.scan(number) }
    return .created(scan.listed, at: "/api/v1/scans/\(number)")
  }

  private static func differences(_ call: APICall) async throws -> APIReply {
    let (number, since, sight) = (call.number(), call.number("since"), call.sight)
    let after = try call.cursorNumber() ?? 0
    let page = try await call.read { transaction in
      let scans = try [since, number].map { try scored(transaction, call, $0) }
      guard scans[0].instant < scans[1].instant else {
        throw Problem.invalid("since", "is not an earlier scan than \(number)")
      }
      let tree = ScopeTree(try transaction.scopes(at: scans[1].instant))
      return try PostureDiff(transaction, from: scans[0].instant, to: scans[1].instant)
        .entries(after: after, limit: call.limit) { sight.contains($0, tree) }
    }
    return call.page(page.found.map(\.json), next: page.end.map { .integer($0) })
  }
}

extension ScanRecord {
  fileprivate var listed: JSONValue {
    var object = json.object ?? [:]
    object["account"] = account.map { .string($0) }
    return .object(object)
  }
}
