import Store
import TestSupport
import Testing

/// What every driver must keep to: values and statements.
struct PortValueTests {
  private static let table = """
    CREATE TABLE samples (
      id {id},
      number BIGINT,
      weight DOUBLE PRECISION,
      words TEXT,
      content {bytes}
    );
    """

  private static let rows: [[SQLValue]] = [
    [.null, .null, .null, .null],
    [.integer(.min), .double(-0.5), .text(""), .bytes([])],
    [.integer(.max), .double(.pi), .text("Grüße, 日本語 🦊"), .bytes([0])],
    [
      .integer(-1), .double(.greatestFiniteMagnitude), .text("a\tb\nc\r\\d"),
      .bytes([0, 1, 0, 255]),
    ],
    [.integer(0), .double(.leastNonzeroMagnitude), .text("\\N"), .bytes(Array(0...255))],
    [.integer(1), .double(-1e300), .text("\\."), .bytes(Array("\\x41".utf8))],
    [.integer(2), .double(0.1), .text("'one' \"two\" $1 -- x"), .bytes(Array("text".utf8))],
    [.integer(3), .double(2), .text(" \n"), .bytes(Array(repeating: 0, count: 70_000))],
    [.integer(4), .null, .text("e\u{301}"), .null],
    [.null, .double(0), .null, .bytes([10, 13, 9, 92])],
  ]

  /// The rows as they are stored, texts as their bytes: `==` takes texts for equal that are not.
  private static func stored(_ database: any SQLDatabase) async throws -> [[SQLValue]] {
    try await database.read { session in
      try session.rows("SELECT id, number, weight, words, content FROM samples ORDER BY id") {
        row in
        [
          row.isNull(1) ? .null : .integer(row.integer(1)),
          row.isNull(2) ? .null : .double(row.double(2)),
          row.isNull(3) ? .null : .bytes(Array(row.text(3).utf8)),
          row.isNull(4) ? .null : .bytes(row.bytes(4)),
        ]
      }
    }
  }

  private static let expected = rows.map { row in
    row.map { value in
      if case .text(let text) = value { SQLValue.bytes(Array(text.utf8)) } else { value }
    }
  }

  @Test(arguments: TestDatabase.all)
  func `every value that a statement is given comes back`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await database.write { session in
        try session.script(Self.table)
        for (number, row) in Self.rows.enumerated() {
          try session.run(
            "INSERT INTO samples (id, number, weight, words, content) VALUES ($1, $2, $3, $4, $5)",
            [.integer(Int64(number))] + row
          )
        }
      }
      try await #expect(Self.stored(database) == Self.expected)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `every value of many inserted rows comes back`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await database.write { session in
        try session.script(Self.table)
        try session.insert(
          into: "samples",
          columns: ["id", "number", "weight", "words", "content"],
          rows: Self.rows.count
        ) { number, writer in
          writer.integer(Int64(number))
          for value in Self.rows[number] {
            switch value {
            case .null: writer.null()
            case .integer(let number): writer.integer(number)
            case .double(let number): writer.double(number)
            case .text(let text): writer.text(text)
            case .bytes(let bytes): writer.bytes(bytes)
            }
          }
        }
      }
      try await #expect(Self.stored(database) == Self.expected)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a null reads as nothing of each type`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await database.write { session in
        try session.script(Self.table)
        try session.run("INSERT INTO samples (id) VALUES ($1)", [7])
      }
      let found = try await database.read { session in
        try session.rows("SELECT number, weight, words, content FROM samples") { row in
          [
            "\(row.integer(0))", "\(row.double(1))", row.text(2), "\(row.bytes(3))",
            row.optionalText(2) ?? "no text",
            row.optionalInteger(0).map(String.init) ?? "no number",
          ]
        }
      }
      #expect(found == [["0", "0.0", "", "[]", "no text", "no number"]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `parameters are bound by number, twice and out of order`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let found = try await database.read { session in
        try session.rows("SELECT $2, $1, $2, $3 + $3", ["a", "b", 21]) { row in
          [row.text(0), row.text(1), row.text(2), "\(row.integer(3))"]
        }
      }
      #expect(found == [["b", "a", "b", "42"]])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `run says how many rows it changed`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let changes = try await database.write { session in
        try session.script("CREATE TABLE t (id {id}, n BIGINT NOT NULL);")
        return [
          try session.run("INSERT INTO t (id, n) VALUES (1, 0), (2, 0), (3, 1)"),
          try session.run("INSERT INTO t (id, n) VALUES (1, 5) ON CONFLICT (id) DO NOTHING"),
          try session.run("UPDATE t SET n = $1 WHERE n = 0", [7]),
          try session.run("UPDATE t SET n = $1 WHERE n = 99", [7]),
          try session.run("DELETE FROM t WHERE id > $1", [1]),
          try session.run("DELETE FROM t"),
        ]
      }
      #expect(changes == [3, 0, 2, 0, 2, 1])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a change can hand over what it changed`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let numbers = try await database.write { session in
        try session.script("CREATE TABLE t (id {id}, n BIGINT NOT NULL);")
        try session.run("INSERT INTO t (id, n) VALUES (1, 10), (2, 20)")
        return try session.rows("UPDATE t SET n = n + $1 RETURNING n", [5]) { $0.integer(0) }
      }
      #expect(numbers.sorted() == [15, 25])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `twenty thousand rows are inserted at once`(kind: TestDatabase) async throws {
    try await kind.with { database in
      let found = try await database.write { session in
        try session.script("CREATE TABLE t (id {id}, words TEXT NOT NULL);")
        try session.insert(into: "t", columns: ["id", "words"], rows: 20_000) { index, row in
          row.integer(Int64(index))
          row.text("row \(index)\n\\")
        }
        try session.insert(into: "t", columns: ["id", "words"], rows: 0) { _, _ in }
        return [
          try session.count("t"),
          try session.first("SELECT sum(id) FROM t") { $0.integer(0) } ?? -1,
          try session.first("SELECT id FROM t WHERE words = $1", ["row 19999\n\\"]) {
            $0.integer(0)
          } ?? -1,
        ]
      }
      #expect(found == [20_000, 199_990_000, 19_999])
    }
  }

  @Test(arguments: TestDatabase.all)
  func `a row with too few values is refused, and nothing stays`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await database.write { try $0.script("CREATE TABLE t (id {id}, n BIGINT);") }
      let error = await #expect(throws: SQLError.self) {
        try await database.write { session in
          try session.insert(into: "t", columns: ["id", "n"], rows: 3) { index, row in
            row.integer(Int64(index))
            if index < 2 { row.integer(1) }
          }
        }
      }
      #expect(error?.word == "refused")
      try await #expect(database.read { try $0.count("t") } == 0)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `constraints that are broken are told as such`(kind: TestDatabase) async throws {
    try await kind.with { database in
      try await database.write { session in
        try session.script(
          """
          CREATE TABLE t (id {id}, words TEXT NOT NULL, UNIQUE (words));
          CREATE TABLE u (id {id}, t BIGINT NOT NULL REFERENCES t (id));
          """
        )
        try session.run("INSERT INTO t (id, words) VALUES (1, 'one')")
      }
      for statement in [
        "INSERT INTO t (id, words) VALUES (1, 'two')",
        "INSERT INTO t (id, words) VALUES (2, 'one')",
        "INSERT INTO t (id, words) VALUES (2, NULL)", "INSERT INTO u (id, t) VALUES (1, 9)",
      ] {
        let error = await #expect(throws: SQLError.self) {
          try await database.write { session in try session.run(statement) }
        }
        #expect(error?.word == "constraint", "\(statement): \(String(describing: error))")
      }
      let error = await #expect(throws: SQLError.self) {
        try await database.write { session in
          try session.insert(into: "t", columns: ["id", "words"], rows: 1) { _, row in
            row.integer(1)
            row.text("again")
          }
        }
      }
      #expect(error?.word == "constraint")
      try await #expect(database.read { try $0.count("t") } == 1)
    }
  }

  @Test(arguments: TestDatabase.all)
  func `wrong SQL is refused with the statement`(kind: TestDatabase) async throws {
    try await kind.with { database in
      for statement in ["SELEC 1", "SELECT x FROM nowhere", "SELECT $1, $2", "SELECT 'open"] {
        let error = await #expect(throws: SQLError.self) {
          try await database.read { session in try session.rows(statement, ["a"]) { $0.text(0) } }
        }
        #expect(error?.word == "refused", "\(statement): \(String(describing: error))")
        #expect(error?.description.hasPrefix("the database refused: ") == true)
      }
      let error = await #expect(throws: SQLError.self) {
        try await database.write { try $0.script("CREATE TABLE t (id {id}); NONSENSE;") }
      }
      #expect(error?.word == "refused")
      // The connection goes on.
      try await #expect(database.read { try $0.first("SELECT 1") { $0.integer(0) } } == 1)
    }
  }
}
