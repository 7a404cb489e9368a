import Store

/// A connection inside one transaction.
///
/// After the first error every further statement throws it again, and the transaction is rolled
/// back even where the body goes on: the server keeps nothing of a transaction with a failed
/// statement. A `row` closure may not run another statement; one that throws ends the transaction.
final class PostgresSession: SQLSession {
  private let link: ServerLink
  /// The first error of the transaction.
  private(set) var failure: (any Error)?
  private var isBusy = false
  private var hasEnded = false

  var dialect: SQLDialect { .postgres }

  init(_ link: ServerLink) { self.link = link }

  /// Makes every further statement throw.
  func end() { hasEnded = true }

  @discardableResult
  func run(_ sql: String, _ values: [SQLValue]) throws -> Int {
    try step(sql) {
      let bound = try BoundValues(values)
      let statement = try link.prepared(sql, for: values)
      return try link.execute(statement, bound, count: values.count, sql: sql)
    }
  }

  func query(_ sql: String, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws {
    try step(sql) {
      let bound = try BoundValues(values)
      let statement = try link.prepared(sql, for: values)
      try link.start(statement, bound, count: values.count, sql: sql)
      let current = PostgresRow()
      while let answer = link.nextAnswer() {
        guard answer.isGood else {
          let error = link.error(answer, sql)
          link.drain()
          throw error
        }
        guard answer.isRow else { continue }
        do {
          try current.show(answer, row)
        } catch {
          link.cancel()
          throw error
        }
      }
    }
  }

  func insert(
    into table: String,
    columns: [String],
    rows: Int,
    _ row: (Int, any SQLRowWriter) throws -> Void
  ) throws {
    let names = columns.map { identifier($0) }.joined(separator: ", ")
    let sql = "COPY \(identifier(table)) (\(names)) FROM STDIN"
    try step(sql) {
      guard rows > 0 else { return }
      try link.run(sql)
      do {
        try send(rows, width: columns.count, sql, row)
      } catch {
        try? link.endCopy(sql, fault: "the rows ended early")
        throw error
      }
      try link.endCopy(sql)
    }
  }

  private func send(
    _ rows: Int,
    width: Int,
    _ sql: String,
    _ row: (Int, any SQLRowWriter) throws -> Void
  ) throws {
    let writer = CopyWriter()
    for index in 0..<rows {
      try row(index, writer)
      guard writer.column == width else {
        throw SQLError.refused(
          "\(writer.column) values for \(width) columns",
          statement: excerpt(sql)
        )
      }
      writer.endRow()
      if let fault = writer.fault { throw fault }
      guard writer.isFull else { continue }
      try link.sendCopy(writer.bytes, sql)
      writer.removeAll()
    }
    try link.sendCopy(writer.bytes, sql)
  }

  func script(_ text: String) throws {
    try step(text) { _ = try link.run(dialect.fill(text)) }
  }

  /// One statement, alone and only in a transaction that is in order.
  private func step<R>(_ sql: String, _ work: () throws -> R) throws -> R {
    if let failure { throw failure }
    if hasEnded { throw SQLError.refused("the transaction has ended", statement: excerpt(sql)) }
    if isBusy {
      throw SQLError.refused("a query is still handing over its rows", statement: excerpt(sql))
    }
    isBusy = true
    defer { isBusy = false }
    do {
      return try work()
    } catch let fault as UnstorableValue {
      let error = SQLError.refused(fault.message, statement: excerpt(sql))
      failure = error
      throw error
    } catch {
      failure = error
      throw error
    }
  }
}

/// A name as SQL reads it without quotes, in quotes so that it may be a reserved word.
private func identifier(_ name: String) -> String {
  "\"\(name.lowercased().replacing("\"", with: "\"\""))\""
}
