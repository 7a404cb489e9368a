import JSON
import Model
import Operations
import Store

/// The tree of accounts.
enum AccountRoutes {
  static let handlers: [String: APIHandler] = [
    "listAccounts": list, "showAccount": show, "placeAccount": place, "importAccounts": importTree,
  ]

  private static func list(_ call: APICall) async throws -> APIReply {
    let accounts = try await call.read { try Accounts($0, call) }
    let (provider, text) = (call["provider"]?.string, call.text("q").lowercased())
    let parent = call["parent"] == nil ? nil : call.number("parent")
    let shown = accounts.all.values.filter { account in
      accounts.sees(account) && (provider == nil || account.provider == provider)
        && (parent == nil || accounts.parent(of: account) == parent)
        && (text.isEmpty || "\(account.account) \(account.name)".lowercased().contains(text))
    }
    return try call.page(
      shown.sorted { $0.id < $1.id }.map(accounts.json),
      sorts: ["id", "account", "name", "provider"]
    )
  }

  private static func show(_ call: APICall) async throws -> APIReply {
    let accounts = try await call.read { try Accounts($0, call) }
    return .tagged(accounts.json(try accounts.find(call.number())))
  }

  private static func place(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let number = call.number()
    let name = call.body["name"]?.string ?? ""
    var parent: Int64?
    if case .integer(let above)? = call.body["parent"] { parent = above }
    let above = parent
    let placed = try await call.write { transaction in
      let before = try Accounts(transaction, call)
      var account = try before.find(number)
      try call.match(before.json(account))
      if let above, before.all[above] == nil {
        throw Problem.invalid("/parent", "there is no account \(above)")
      }
      (account.name, account.parent) = (name, above)
      var after = before.all
      after[number] = account
      try AccountImport.check([number], after)
      try transaction.place(number, name: name, parent: above)
      return before.json(account)
    }
    return .tagged(placed)
  }

  private static func importTree(_ call: APICall) async throws -> APIReply {
    try call.requireEverything()
    let nodes = (call.body["nodes"]?.array ?? []).map { AccountNode($0) }
    return .json(try await call.write { try AccountImport(nodes).run($0) }.json)
  }
}

/// The accounts, as far as a caller sees them.
private struct Accounts: Sendable {
  let all: [Int64: StoredAccount]
  private let names: [Int64: [String]]
  private let sight: Sight

  init(_ transaction: StoreTransaction, _ call: APICall) throws {
    all = try transaction.accounts()
    sight = call.sight
    let places = try Places(transaction)
    names = all.mapValues { account in
      places.place(account.id, region: "", group: "", kind: 0).accounts
    }
  }

  /// Whether all of the account is in sight.
  func sees(_ account: StoredAccount) -> Bool { sight.containsAccount(names[account.id] ?? []) }

  /// What is right above the account, where that is in sight.
  func parent(of account: StoredAccount) -> Int64? {
    account.parent.flatMap { all[$0] }.flatMap { sees($0) ? $0.id : nil }
  }

  func find(_ number: Int64) throws -> StoredAccount {
    guard let account = all[number], sees(account) else {
      throw Problem.notFound("account", number)
    }
    return account
  }

  func json(_ account: StoredAccount) -> JSONValue {
    let above = all[account.id] == account ? parent(of: account) : account.parent
    return [
      "id": .integer(account.id), "account": .string(account.account),
      "provider": .string(account.provider), "name": .string(account.name),
      "parent": above.map { .integer($0) } ?? .null,
    ]
  }
}
