import Model
import Operations
import Store
import TestSupport
import Testing

/// Trees of accounts that are put in place whole.
struct AccountImportTests {
  private func tree(_ bench: Bench) async throws -> [String: String] {
    try await bench.store.read { transaction in
      let all = try transaction.accounts()
      let pairs = all.values.map { account in
        (account.account, account.parent.flatMap { all[$0]?.account } ?? "")
      }
      return Dictionary(uniqueKeysWithValues: pairs)
    }
  }

  private func run(_ nodes: [AccountNode], _ bench: Bench, _ number: Int) async throws
    -> AccountImport.Outcome
  {
    try await bench.change(at: hour(number)) { try AccountImport(nodes).run($0) }
  }

  @Test(arguments: TestDatabase.all)
  func `a tree is placed, and only what differs changes again`(database: TestDatabase) async throws
  {
    try await Bench.with(database) { bench in
      let nodes = [
        AccountNode(account: "1", provider: "aws", name: "Pay", parent: "europe"),
        AccountNode(account: "europe", parent: "acme"), AccountNode(account: "acme", parent: ""),
      ]
      let first = try await run(nodes, bench, 0)
      #expect((first.added, first.changed, first.unchanged) == (3, 0, 0))
      #expect(try await tree(bench) == ["1": "europe", "europe": "acme", "acme": ""])
      let again = try await run(nodes, bench, 1)
      #expect((again.added, again.changed, again.unchanged) == (0, 0, 3))
      let moved = try await run([AccountNode(account: "1", provider: "aws", parent: "")], bench, 2)
      #expect((moved.added, moved.changed, moved.unchanged) == (0, 1, 0))
      let names = try await bench.store.read { try $0.accounts().values.map(\.name) }
      #expect(names.contains("Pay"))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `nothing of a tree with a fault is kept`(database: TestDatabase) async throws {
    try await Bench.with(database) { bench in
      _ = try await run([AccountNode(account: "acme")], bench, 0)
      let faulty: [[AccountNode]] = [
        [AccountNode(account: "new"), AccountNode(account: "x", parent: "nowhere")],
        [AccountNode(account: "a", parent: "b"), AccountNode(account: "b", parent: "a")],
        [AccountNode(account: "new"), AccountNode(account: "new")],
        [AccountNode(account: "acme", parent: "acme")],
        [
          AccountNode(account: "1", provider: "aws"), AccountNode(account: "1", provider: "ibm"),
          AccountNode(account: "x", parent: "1"),
        ],
      ]
      for nodes in faulty {
        await #expect(throws: StoreError.self) { try await run(nodes, bench, 1) }
        #expect(try await tree(bench) == ["acme": ""])
      }
    }
  }
}
