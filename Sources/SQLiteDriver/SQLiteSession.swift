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
    try unsafe bind(values, to: statement)
    while try unsafe step(statement, sql) {}
    return database.changesCount
  }

  func query(_ sql: String, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
    let statement = try unsafe prepare(sql)
    defer { unsafe reset(statement) }
    try unsafe bind(values, to: statement)
    let current = unsafe SQLiteRow(statement: statement)
    while try unsafe step(statement, sql) { try row(current) }
  }

  func insert(
    into table: String,
    columns: [String],
    rows: Int,
    _ row: (Int, any SQLRowWriter) throws -> Void
  ) throws {
    let marks = columns.map { _ in "?" }.joined(separator: ",")
    let sql = "INSERT INTO \(table) (\(columns.joined(separator: ","))) VALUES (\(marks))"
    let statement = try unsafe prepare(sql)
    defer { unsafe reset(statement) }
    let writer = unsafe SQLiteRowWriter(statement)
    for index in 0..<rows {
      try row(index, writer)
      guard writer.code == SQLITE_OK, writer.column == columns.count else {
        throw writer.code == SQLITE_OK
          ? SQLError.refused("\(writer.column) values for \(columns.count) columns", statement: sql)
          : fault(writer.code, sql)
      }
      while try unsafe step(statement, sql) {}
      unsafe sqlite3_reset(statement)
      writer.next()
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

  /// Binds values by the number in a parameter's name, `$1`.
  private func bind(_ values: [SQLValue], to statement: OpaquePointer) throws {
    let count = unsafe sqlite3_bind_parameter_count(statement)
    guard count > 0 else { return }
    for index in 1...count {
      guard let text = unsafe sqlite3_bind_parameter_name(statement, index),
        let number = unsafe Int(String(cString: text).dropFirst())
      else { throw SQLError.refused("parameters are written $1, $2, …", statement: "") }
      guard number > 0, number <= values.count else {
        throw SQLError.refused("no value for parameter $\(number)", statement: "")
      }
      let code = unsafe bind(values[number - 1], index, statement)
      guard code == SQLITE_OK else { throw fault(code, "") }
    }
  }

  private func bind(_ value: SQLValue, _ index: Int32, _ statement: OpaquePointer) -> Int32 {
    let binder = unsafe SQLiteBinder(statement: statement)
    return switch value {
    case .null: binder.null(index)
    case .integer(let number): binder.integer(number, index)
    case .double(let number): binder.double(number, index)
    case .text(let text): binder.text(text, index)
    case .bytes(let bytes): binder.bytes(bytes, index)
    }
  }
}

/// Binds values to the parameters of a statement; returns SQLite's result codes.
@safe struct SQLiteBinder {
  let statement: OpaquePointer

  func null(_ index: Int32) -> Int32 { unsafe sqlite3_bind_null(statement, index) }

  func integer(_ number: Int64, _ index: Int32) -> Int32 {
    unsafe sqlite3_bind_int64(statement, index, number)
  }

  func double(_ number: Double, _ index: Int32) -> Int32 {
    unsafe sqlite3_bind_double(statement, index, number)
  }

  func text(_ text: String, _ index: Int32) -> Int32 {
    var text = text
    return text.withUTF8 { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
        unsafe sqlite3_bind_text(
          statement,
          index,
          bytes.baseAddress ?? Self.nothing,
          Int32(clamping: bytes.count),
          Self.copied
        )
      }
    }
  }

  func bytes(_ bytes: [UInt8], _ index: Int32) -> Int32 {
    if bytes.isEmpty { return unsafe sqlite3_bind_zeroblob(statement, index, 0) }
    return unsafe bytes.withUnsafeBytes { bytes in
      unsafe sqlite3_bind_blob(
        statement,
        index,
        bytes.baseAddress,
        Int32(clamping: bytes.count),
        Self.copied
      )
    }
  }

  // SQLITE_TRANSIENT: SQLite copies the bytes before the call returns.
  private static nonisolated(unsafe) let copied = unsafe unsafeBitCast(
    -1,
    to: sqlite3_destructor_type.self
  )

  // Where an empty text starts: a null pointer would bind null.
  private static nonisolated(unsafe) let nothing = unsafe UnsafePointer(
    UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  )
}

/// Binds the values of a row in the order of its columns.
final class SQLiteRowWriter: SQLRowWriter {
  private let binder: SQLiteBinder
  /// How many columns were written.
  private(set) var column = 0
  /// The first result code that is not SQLITE_OK.
  private(set) var code = SQLITE_OK

  init(_ statement: OpaquePointer) { binder = unsafe SQLiteBinder(statement: statement) }

  /// Begins another row.
  func next() { column = 0 }

  func null() { note(binder.null(place())) }
  func integer(_ number: Int64) { note(binder.integer(number, place())) }
  func double(_ number: Double) { note(binder.double(number, place())) }
  func text(_ text: String) { note(binder.text(text, place())) }
  func bytes(_ bytes: [UInt8]) { note(binder.bytes(bytes, place())) }

  private func place() -> Int32 {
    column += 1
    return Int32(truncatingIfNeeded: column)
  }

  private func note(_ result: Int32) { if result != SQLITE_OK, code == SQLITE_OK { code = result } }
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
