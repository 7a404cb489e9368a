import ArgumentParser
import Foundation
import JSON
import Model
import Store

struct AccountsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accounts",
    abstract: "Shows the tree of accounts, imports it, and says what stands above what.",
    subcommands: [AccountsList.self, AccountsPlace.self, AccountsImport.self]
  )
}

struct AccountsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the tree of accounts with how many resources are at and below each.",
    discussion: "Example: plumb accounts list"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "account",
        columns: ["id", "account", "provider", "name", "under=parent"]
      )
      if try await records.answers(
        output.format,
        { APISketch.list("accounts", show: list).asking("sort", "account") }
      ) {
        return
      }
      let tree = try await records.read { transaction, now in
        var counts: [Int64: Int] = [:]
        try transaction.states(at: now) { counts[$0.account, default: 0] += 1 }
        return AccountTree(try transaction.accounts(), counts)
      }
      output.list(tree.rows, "account", cells: \.cells, json: \.json)
    }
  }
}

struct AccountsPlace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "place",
    abstract: "Names an account, and puts it under an account group or enterprise.",
    discussion: """
      An account or group that is not known yet is made. --under '' puts an account at the top.

      Examples:
        plumb accounts place 123456789012 --name Payments --under europe
        plumb accounts place europe --under acme
      """
  )

  @OptionGroup var change: ChangeOptions

  @Option(
    name: .long,
    help: ArgumentHelp("The provider, where several have an account of that id.", valueName: "id")
  )
  var provider: String?

  @Option(name: .long, help: "The account's name; empty removes it.")
  var name: String?

  @Option(
    name: .long,
    help: ArgumentHelp("The account group or enterprise above it.", valueName: "account")
  )
  var under: String?

  @Argument(help: "The account's id.")
  var account: String

  func run() async throws {
    try await reporting {
      guard !account.isEmpty, name != nil || under != nil else {
        throw ValidationError("accounts place expects an account, and --name or --under")
      }
      if try await change.answers({ sketch }) { return }
      let placement = Placement(account: account, provider: provider, name: name, parent: under)
      let lines = try await change.write { try placement.run($0) }
      for line in lines { print(line.withoutControls) }
    }
  }
}

extension AccountsPlace {
  /// The same as an import of one node; the provider of an account that is known is asked for.
  private var sketch: APISketch {
    let known = FillIn(
      name: "PROVIDER",
      source: .lookup(
        path: "/api/v1/accounts?q=\(APISketch.encoded(account))&limit=500",
        member: "account",
        value: account,
        take: "provider",
        missing: ""
      )
    )
    var node: JSONObject = ["account": .string(account)]
    node["provider"] = provider.map { .string($0) } ?? known.mark
    node["name"] = name.map { .string($0) }
    node["parent"] = under.map { .string($0) }
    let sketch = APISketch.change(
      "POST",
      "accounts",
      "import",
      body: ["nodes": .array([.object(node)])]
    ) { _ in ["account \(account) is placed"] }
    return provider == nil ? sketch.filling(known) : sketch
  }
}

/// Sets the name and the place of an account.
private struct Placement: Sendable {
  var account: String
  var provider: String?
  var name: String?
  var parent: String?

  /// Places the account, and says what was done.
  func run(_ transaction: StoreTransaction) throws -> [String] {
    let before = try transaction.accounts()
    let number = try self.number(transaction, before)
    var above = before[number]?.parent
    if let parent {
      above = try parent.isEmpty ? nil : self.number(ofParent: parent, transaction, before)
    }
    let all = try transaction.accounts()
    var seen: Set<Int64> = []
    var step = above
    while let id = step, seen.insert(id).inserted {
      guard id != number else {
        throw StoreError.conflict(
          "\(account) cannot be under \(parent ?? ""), which is \(account) itself or is under it; "
            + "plumb accounts list shows the tree"
        )
      }
      step = all[id]?.parent
    }
    let name = name ?? before[number]?.name ?? ""
    try transaction.place(number, name: name, parent: above)
    var lines = all.values.filter { before[$0.id] == nil }.sorted { $0.id < $1.id }
      .map { "account \($0.account) is new" }
    let place = above.flatMap { all[$0]?.account }.map { "is under \($0)" } ?? "is at the top"
    lines.append("account \(account)\(name.isEmpty ? "" : " (\(name))") \(place)")
    return lines
  }

  /// The number of the account, which is made where it is new.
  private func number(
    _ transaction: StoreTransaction,
    _ all: [Int64: StoredAccount]
  ) throws -> Int64 {
    let found = all.values.filter {
      $0.account == account && (provider == nil || $0.provider == provider)
    }
    guard found.count < 2 else {
      let providers = found.map(\.provider).sorted().map { $0.isEmpty ? "''" : $0 }
      throw ValidationError(
        "there are several accounts \(account): of \(providers.joined(separator: ", ")); "
          + "--provider says which is meant"
      )
    }
    if let only = found.first { return only.id }
    return try transaction.account(provider: provider ?? "", account: account)
  }

  /// The number of what shall be above, by id or name; made where it is new.
  private func number(
    ofParent parent: String,
    _ transaction: StoreTransaction,
    _ all: [Int64: StoredAccount]
  ) throws -> Int64 {
    var found = all.values.filter { $0.account == parent }
    if found.count > 1 { found = found.filter { $0.provider == provider ?? "" } }
    if found.isEmpty { found = all.values.filter { $0.name == parent } }
    guard found.count < 2 else {
      throw ValidationError("several accounts are named \"\(parent)\"; --under expects an id")
    }
    if let only = found.first { return only.id }
    return try transaction.account(provider: "", account: parent)
  }
}

/// The accounts in the order of their tree.
private struct AccountTree: Sendable {
  struct Row: Sendable {
    var depth: Int
    var account: StoredAccount
    /// The id of what is right above it.
    var parent: String?
    /// How many resources are in it, and how many with everything below it.
    var own: Int
    var total: Int
  }

  private(set) var rows: [Row] = []
  private let counts: [Int64: Int]
  private let children: [Int64: [StoredAccount]]
  private var seen: Set<Int64> = []

  init(_ accounts: [Int64: StoredAccount], _ counts: [Int64: Int]) {
    self.counts = counts
    let sorted = accounts.values.sorted {
      ($0.account, $0.provider, $0.id) < ($1.account, $1.provider, $1.id)
    }
    children = Dictionary(grouping: sorted.filter { $0.parent != nil }) { $0.parent ?? 0 }
    for account in sorted where account.parent.flatMap({ accounts[$0] }) == nil {
      _ = add(account, under: nil, depth: 0)
    }
    // What a circle of a damaged tree holds has no top.
    for account in sorted { _ = add(account, under: nil, depth: 0) }
  }

  private mutating func add(_ account: StoredAccount, under parent: String?, depth: Int) -> Int {
    guard seen.insert(account.id).inserted else { return 0 }
    let own = counts[account.id] ?? 0
    let place = rows.count
    rows.append(Row(depth: depth, account: account, parent: parent, own: own, total: own))
    var total = own
    for child in children[account.id] ?? [] {
      total += add(child, under: account.account, depth: depth + 1)
    }
    rows[place].total = total
    return total
  }
}

extension AccountTree.Row {
  fileprivate var cells: [String] {
    [
      String(repeating: "  ", count: depth) + (account.account.isEmpty ? "none" : account.account),
      account.provider, account.name, counted(total, "resource"),
    ]
  }

  fileprivate var json: JSONValue {
    [
      "account": .string(account.account), "provider": .string(account.provider),
      "name": .string(account.name), "under": parent.map { .string($0) } ?? .null,
      "resources": .integer(Int64(own)), "resources_with_below": .integer(Int64(total)),
    ]
  }
}
