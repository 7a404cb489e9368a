package import JSON
package import Model
package import Store

/// An account, account group or enterprise of a tree that is imported.
package struct AccountNode: Sendable, Hashable {
  package var account: String
  /// Empty for a group or enterprise.
  package var provider: String
  /// nil leaves the name as it is.
  package var name: String?
  /// The id of what is right above it; empty for the top, nil leaves it where it is.
  package var parent: String?

  package init(account: String, provider: String = "", name: String? = nil, parent: String? = nil) {
    (self.account, self.provider) = (account, provider)
    (self.name, self.parent) = (name, parent)
  }

  /// Reads a node that was checked against the API's description.
  package init(_ json: JSONValue) {
    self.init(
      account: json["account"]?.string ?? "",
      provider: json["provider"]?.string ?? "",
      name: json["name"]?.string,
      parent: json["parent"]?.string
    )
  }

  /// Reads a document with the key `nodes`.
  package static func list(_ document: DocumentNode) throws(DocumentError) -> [AccountNode] {
    var reader = try DocumentReader(document)
    _ = try reader.requiredNode("nodes")
    var nodes: [AccountNode] = []
    for (index, node) in try reader.list("nodes").enumerated() {
      var reader = try DocumentReader(node, path: "nodes[\(index)]")
      _ = try reader.requiredNode("account")
      nodes.append(
        AccountNode(
          account: try reader.identifier("account") ?? "",
          provider: try reader.text("provider") ?? "",
          name: try reader.text("name"),
          parent: try reader.identifier("parent")
        )
      )
      try reader.finish()
    }
    if nodes.isEmpty { throw reader.error("nodes", "expected at least one account") }
    try reader.finish()
    return nodes
  }

  /// The node, as ``init(_:)`` reads it.
  package var json: JSONValue {
    var object: JSONObject = ["account": .string(account), "provider": .string(provider)]
    object["name"] = name.map { .string($0) }
    object["parent"] = parent.map { .string($0) }
    return .object(object)
  }
}

/// Puts a whole tree of accounts in place, or nothing of it.
package struct AccountImport: Sendable {
  /// What an import came to.
  package struct Outcome: Sendable, Hashable {
    package var added = 0
    package var changed = 0
    package var unchanged = 0

    /// The counts.
    package var json: JSONValue {
      [
        "added": .integer(Int64(added)), "changed": .integer(Int64(changed)),
        "unchanged": .integer(Int64(unchanged)),
      ]
    }
  }

  private struct Key: Hashable {
    var provider: String
    var account: String
  }

  private let nodes: [AccountNode]

  /// An import of nodes, each of which may stand under any other or under an account that is known.
  package init(_ nodes: [AccountNode]) { self.nodes = nodes }

  /// Makes the accounts that are new, then names and places all.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` for a node that stands twice, a parent that is not there or
  ///   could be several accounts, and accounts that would be under themselves.
  package func run(_ transaction: StoreTransaction) throws -> Outcome {
    let before = try transaction.accounts()
    var numbers = Dictionary(
      before.values.map { (Key(provider: $0.provider, account: $0.account), $0.id) }
    ) { first, _ in first }
    var outcome = Outcome()
    var written: Set<Key> = []
    for node in nodes {
      let key = Key(provider: node.provider, account: node.account)
      guard written.insert(key).inserted else {
        throw StoreError.conflict("the account \"\(node.account)\" stands twice")
      }
      guard numbers[key] == nil else { continue }
      numbers[key] = try transaction.account(provider: node.provider, account: node.account)
      outcome.added += 1
    }
    let byAccount = Dictionary(grouping: numbers.keys, by: \.account)
    var after = try transaction.accounts()
    var touched: [Int64] = []
    for node in nodes {
      let key = Key(provider: node.provider, account: node.account)
      guard let number = numbers[key], var account = after[number] else { continue }
      account.name = node.name ?? account.name
      if let parent = node.parent {
        let above = parent.isEmpty ? nil : try Self.key(of: parent, for: key, byAccount)
        account.parent = above.flatMap { numbers[$0] }
      }
      if account != after[number] { touched.append(number) }
      after[number] = account
    }
    try Self.check(touched, after)
    for number in touched {
      guard let account = after[number] else { continue }
      try transaction.place(number, name: account.name, parent: account.parent)
      if before[number] != nil { outcome.changed += 1 }
    }
    outcome.unchanged = nodes.count - outcome.added - outcome.changed
    return outcome
  }

  /// The account that a parent's id means: one of the same provider, or else the only one.
  private static func key(
    of parent: String,
    for child: Key,
    _ byAccount: [String: [Key]]
  ) throws -> Key {
    let found = byAccount[parent] ?? []
    if let own = found.first(where: { $0.provider == child.provider }) { return own }
    guard let only = found.first else {
      throw StoreError.conflict(
        "\"\(child.account)\" is to be under \"\(parent)\", which is neither known nor imported"
      )
    }
    guard found.count == 1 else {
      throw StoreError.conflict(
        "\"\(child.account)\" is to be under \"\(parent)\", and several providers have that account"
      )
    }
    return only
  }

  /// Refuses accounts that are under themselves.
  package static func check(_ numbers: [Int64], _ accounts: [Int64: StoredAccount]) throws {
    var good: Set<Int64> = []
    for number in numbers {
      var path: Set<Int64> = []
      var step: Int64? = number
      while let id = step, !good.contains(id) {
        guard path.insert(id).inserted else {
          throw StoreError.conflict("\"\(accounts[id]?.account ?? "")\" would be under itself")
        }
        step = accounts[id]?.parent
      }
      good.formUnion(path)
    }
  }
}
