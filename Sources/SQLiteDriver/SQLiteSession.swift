internal import GRDB
internal import GRDBSQLite
internal import Store

/// One connection inside one transaction.
///
/// GRDB owns connections, transactions and statements; values are bound and read through SQLite's
/// own interface, because a first scan writes millions of them.
@safe final class SQLiteSession: SQLSession {
  let dialect = SQLDialect.sqlite
  private let database: Database
  private let name: String

  init(_ database: Database, _ name: String) {
    self.database = database
    self.name = name
  }

  func run(_ sql: String, _ values: [SQLValue]) throws -> Int {
    let statement = try unsafe prepare(sql)
    defer { unsafe reset(statement) }
    try unsafe bind(values[...], to: statement, byName: true)
    while try unsafe step(statement, sql) {}
    return database.changesCount
  }

  func query(_ sql: String, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
    let statement = try unsafe prepare(sql)
    defer { unsafe reset(statement) }
    try unsafe bind(values[...], to: statement, byName: true)
    let current = unsafe SQLiteRow(statement: statement)
    while try unsafe step(statement, sql) { try row(current) }
  }

  func insert(into table: String, columns: [String], values: [SQLValue]) throws {
    guard !columns.isEmpty else { return }
    let marks = columns.map { _ in "?" }.joined(separator: ",")
    let sql = "INSERT INTO \(table) (\(columns.joined(separator: ","))) VALUES (\(marks))"
    let statement = try unsafe prepare(sql)
    defer { unsafe reset(statement) }
    for start in stride(from: 0, to: values.count, by: columns.count) {
      try unsafe bind(values[start..<start + columns.count], to: statement, byName: false)
      while try unsafe step(statement, sql) {}
      unsafe sqlite3_reset(statement)
    }
  }

  func script(_ text: String) throws {
    try database.execute(sql: SQLDialect.sqlite.fill(text))
  }

  /// A statement that nobody else steps through at the moment.
  private func prepare(_ sql: String) throws -> OpaquePointer {
    let kept = try unsafe database.cachedStatement(sql: sql).sqliteStatement
    guard unsafe sqlite3_stmt_busy(kept) != 0 else { return unsafe kept }
    // A query inside a row of the same query: rare, so the statement is not kept.
    let fresh = try database.makeStatement(sql: sql)
    inner.append(fresh)
    return unsafe fresh.sqliteStatement
  }

  private var inner: [Statement] = []

  private func reset(_ statement: OpaquePointer) {
    unsafe sqlite3_reset(statement)
    unsafe sqlite3_clear_bindings(statement)
  }

  /// Goes on to the next row; false at the end.
  private func step(_ statement: OpaquePointer, _ sql: String) throws -> Bool {
    let code = unsafe sqlite3_step(statement)
    switch code {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    default: throw fault(code, sql)
    }
  }

  private func fault(_ code: Int32, _ sql: String) -> SQLError {
    let message = unsafe String(cString: sqlite3_errmsg(database.sqliteConnection))
    return SQLiteFault.of(code, message, statement: sql, name)
  }

  /// Binds values: by the number in a parameter's name `$1`, or in their order.
  private func bind(
    _ values: ArraySlice<SQLValue>,
    to statement: OpaquePointer,
    byName: Bool
  ) throws {
    let count = Int(unsafe sqlite3_bind_parameter_count(statement))
    for index in 0..<count {
      var place = index
      if byName {
        guard let text = unsafe sqlite3_bind_parameter_name(statement, Int32(index + 1)),
          let number = unsafe Int(String(cString: text).dropFirst())
        else { throw SQLError.refused("parameters are written $1, $2, …", statement: "") }
        place = number - 1
      }
      guard place >= 0, place < values.count else {
        throw SQLError.refused("no value for parameter $\(place + 1)", statement: "")
      }
      let code = unsafe bind(values[values.startIndex + place], Int32(index + 1), statement)
      guard code == SQLITE_OK else { throw fault(code, "") }
    }
  }

  private func bind(_ value: SQLValue, _ index: Int32, _ statement: OpaquePointer) -> Int32 {
    // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
    let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    switch value {
    case .null: return unsafe sqlite3_bind_null(statement, index)
    case .integer(let number): return unsafe sqlite3_bind_int64(statement, index, number)
    case .double(let number): return unsafe sqlite3_bind_double(statement, index, number)
    case .text(var text):
      return text.withUTF8 { bytes in
        unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
          unsafe sqlite3_bind_text(
            statement,
            index,
            bytes.baseAddress ?? Self.nothing,
            Int32(clamping: bytes.count),
            copied
          )
        }
      }
    case .bytes(let bytes):
      if bytes.isEmpty { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
      return unsafe bytes.withUnsafeBytes { bytes in
        unsafe sqlite3_bind_blob(
          statement,
          index,
          bytes.baseAddress,
          Int32(clamping: bytes.count),
          copied
        )
      }
    }
  }

  // Where an empty text starts: a null pointer would bind null.
  private static nonisolated(unsafe) let nothing = unsafe UnsafePointer(
    UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  )
}

/// The row at which a statement stands.
@safe struct SQLiteRow: SQLRow {
  let statement: OpaquePointer

  func isNull(_ column: Int) -> Bool {
    unsafe sqlite3_column_type(statement, Int32(column)) == SQLITE_NULL
  }

  func integer(_ column: Int) -> Int64 { unsafe sqlite3_column_int64(statement, Int32(column)) }

  func double(_ column: Int) -> Double { unsafe sqlite3_column_double(statement, Int32(column)) }

  func text(_ column: Int) -> String {
    guard let start = unsafe sqlite3_column_text(statement, Int32(column)) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(statement, Int32(column)))
    return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func bytes(_ column: Int) -> [UInt8] {
    guard let start = unsafe sqlite3_column_blob(statement, Int32(column)) else { return [] }
    let count = Int(unsafe sqlite3_column_bytes(statement, Int32(column)))
    return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
  }
}
