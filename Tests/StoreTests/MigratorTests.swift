import Store
import TestSupport
import Testing

struct MigratorTests {
  /// A made-up migration.
  private static func migration(_ number: Int, _ script: String) -> Migration {
    var migration = Migration.all[0]
    migration.number = number
    migration.script = script
    return migration
  }

  private static let shipped = Migration.all.map(\.number)
  private static let newest = shipped.max() ?? 0

  /// Whether a table is there.
  private static func has(_ table: String, _ database: any SQLDatabase) async -> Bool {
    let count = try? await database.read { try $0.count(table) }
    return count != nil
  }

  @Test(arguments: TestDatabase.all)
  func `migrations are applied once, in order`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let migrator = Migrator()
      let before = try await migrator.missing(database)
      #expect(before == Self.shipped)
      #expect(Self.shipped == Self.shipped.sorted() && !Self.shipped.isEmpty)
      let first = try await migrator.migrate(database)
      #expect(first == Self.shipped)
      let second = try await migrator.migrate(database)
      #expect(second == [])
      let after = try await migrator.missing(database)
      #expect(after == [])
      await #expect(Self.has("resources", database))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a store that is opened again keeps its seed`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let first = try await DataStore(database)
      let second = try await DataStore(database)
      #expect(first.seed == second.seed)
      try await kind.with { other in
        let third = try await DataStore(other)
        #expect(first.seed != third.seed)
      }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `many who open a new database at once agree`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let seeds = try await withThrowingTaskGroup(of: UInt64.self) { group in
        for _ in 0..<6 { group.addTask { try await DataStore(database).seed } }
        return try await group.reduce(into: Set<UInt64>()) { $0.insert($1) }
      }
      #expect(seeds.count == 1)
      try await #expect(database.read { try $0.count("migrations") } == Int64(Self.shipped.count))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a newer database is refused and stays as it is`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let future = Self.migration(99, "CREATE TABLE future (id {id});")
      try await Migrator(Migration.all + [future]).migrate(database)
      let refusal = StoreError.newer(database.name, schema: 99, known: Self.newest)
      await #expect(throws: refusal) { try await DataStore(database) }
      await #expect(throws: refusal) { try await Migrator().migrate(database) }
      await #expect(throws: refusal) { try await Migrator().missing(database) }
      await #expect(throws: refusal) { try await Migrator().rehearse(database) }
      #expect(refusal.description.contains("newer plumb"))
      try await #expect(database.read { try $0.count("facts") } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `another text of an applied migration is refused`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await Migrator().migrate(database)
      var changed = Migration.all
      changed[0].script += "\n-- changed"
      let other = Migrator(changed)
      let refusal = StoreError.otherMigration(database.name, number: changed[0].number)
      await #expect(throws: refusal) { try await other.migrate(database) }
      await #expect(throws: refusal) { try await other.missing(database) }
      let missing = try await Migrator().missing(database)
      #expect(missing == [])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a failing migration leaves nothing and the earlier ones stay`(
    kind: TestDatabase
  ) async throws {
    try await kind.with { database in
      let first = Self.migration(1, "CREATE TABLE a (x BIGINT);")
      let broken = Self.migration(
        2,
        "CREATE TABLE b (x BIGINT); INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1);"
      )
      await #expect(throws: SQLError.self) {
        try await Migrator([first, broken]).migrate(database)
      }
      await #expect(Self.has("a", database))
      await #expect(!Self.has("b", database))
      try await #expect(database.read { try $0.count("a") } == 0)
      let missing = try await Migrator([first, broken]).missing(database)
      #expect(missing == [2])
      let mended = Self.migration(2, "CREATE TABLE b (x BIGINT);")
      let applied = try await Migrator([first, mended]).migrate(database)
      #expect(applied == [2])
      await #expect(Self.has("b", database))
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a rehearsal says what would be applied and changes nothing`(
    kind: TestDatabase
  ) async throws {
    try await kind.with { database in
      let rehearsed = try await Migrator().rehearse(database)
      #expect(rehearsed == Self.shipped)
      await #expect(!Self.has("migrations", database))
      await #expect(!Self.has("resources", database))
      let broken = Migrator(Migration.all + [Self.migration(99, "CREATE NOTHING;")])
      await #expect(throws: SQLError.self) { try await broken.rehearse(database) }
      let applied = try await Migrator().migrate(database)
      #expect(applied == Self.shipped)
      let again = try await Migrator().rehearse(database)
      #expect(again == [])
    }
  }
}
