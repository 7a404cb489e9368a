/// A value bound to a statement or read from a row.
package enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case double(Double)
  case text(String)
  case bytes([UInt8])

  /// A text, or null.
  package static func optional(_ text: String?) -> SQLValue { text.map { .text($0) } ?? .null }

  /// A whole number, or null.
  package static func optional(_ number: Int64?) -> SQLValue {
    number.map { .integer($0) } ?? .null
  }
}

extension SQLValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
}

/// One row of an answer, valid only inside the call that hands it over; columns count from 0.
package protocol SQLRow {
  /// Whether the column is null.
  func isNull(_ column: Int) -> Bool
  /// The column as a whole number; 0 where it is null.
  func integer(_ column: Int) -> Int64
  /// The column as a number; 0 where it is null.
  func double(_ column: Int) -> Double
  /// The column as text; empty where it is null.
  func text(_ column: Int) -> String
  /// The column as bytes; empty where it is null.
  func bytes(_ column: Int) -> [UInt8]
}

extension SQLRow {
  /// The column as text; nil where it is null.
  package func optionalText(_ column: Int) -> String? { isNull(column) ? nil : text(column) }
  /// The column as a whole number; nil where it is null.
  package func optionalInteger(_ column: Int) -> Int64? { isNull(column) ? nil : integer(column) }
}

/// Takes the values of one row after another, column by column.
package protocol SQLRowWriter {
  /// The next column is null.
  func null()
  /// The next column is a whole number.
  func integer(_ number: Int64)
  /// The next column is a number.
  func double(_ number: Double)
  /// The next column is a text.
  func text(_ text: String)
  /// The next column is a byte string.
  func bytes(_ bytes: [UInt8])
}

/// What runs statements: one connection inside one transaction.
///
/// Statements are the same text for every driver. Parameters are written `$1`, `$2`, … and bound by
/// number. What differs between databases is in ``SQLDialect`` and nowhere else.
package protocol SQLSession {
  /// What differs from other databases.
  var dialect: SQLDialect { get }

  /// Runs a statement and returns how many rows it changed.
  ///
  /// - Throws: ``SQLError``.
  @discardableResult
  func run(_ sql: String, _ values: [SQLValue]) throws -> Int

  /// Runs a query and hands over its rows one by one, streaming.
  ///
  /// - Throws: ``SQLError``, and what `row` throws, which ends the query.
  func query(_ sql: String, _ values: [SQLValue], _ row: (any SQLRow) throws -> Void) throws

  /// Inserts many rows: `row` is called for each, and writes the values of its columns in order.
  ///
  /// - Throws: ``SQLError``, and what `row` throws; then nothing of the transaction stays.
  func insert(
    into table: String,
    columns: [String],
    rows: Int,
    _ row: (Int, any SQLRowWriter) throws -> Void
  ) throws

  /// Runs a script of several statements without parameters, its tokens filled by ``SQLDialect``.
  ///
  /// - Throws: ``SQLError``.
  func script(_ text: String) throws
}

extension SQLSession {
  /// Runs a statement without parameters.
  @discardableResult
  package func run(_ sql: String) throws -> Int { try run(sql, []) }

  /// What `row` makes of each row of an answer.
  package func rows<Element>(
    _ sql: String,
    _ values: [SQLValue] = [],
    _ row: (any SQLRow) throws -> Element
  ) throws -> [Element] {
    var found: [Element] = []
    try query(sql, values) { found.append(try row($0)) }
    return found
  }

  /// What `row` makes of the first row of an answer; nil where there is none.
  package func first<Element>(
    _ sql: String,
    _ values: [SQLValue] = [],
    _ row: (any SQLRow) throws -> Element
  ) throws -> Element? {
    var found: Element?
    try query(sql, values) { if found == nil { found = try row($0) } }
    return found
  }
}

/// A database: the port that every driver conforms to.
package protocol SQLDatabase: Sendable {
  /// What differs from other databases.
  var dialect: SQLDialect { get }

  /// Where the database is, without secrets, for messages.
  var name: String { get }

  /// Runs queries in one transaction that sees one state and changes nothing.
  ///
  /// - Throws: ``SQLError``, and what `body` throws.
  func read<R: Sendable>(_ body: @Sendable @escaping (any SQLSession) throws -> R) async throws -> R

  /// Runs statements in one transaction, kept whole or not at all.
  ///
  /// - Throws: ``SQLError``, and what `body` throws; then nothing is kept.
  func write<R: Sendable>(_ body: @Sendable @escaping (any SQLSession) throws -> R) async throws
    -> R

  /// What is sent to a channel from now on, an empty text first once listening has begun.
  ///
  /// It ends when the connection is lost; then listen again, after a pause.
  ///
  /// - Returns: nil where the database cannot send.
  func notifications(on channel: String) -> AsyncStream<String>?

  /// Closes every connection; further calls throw.
  func close() async
}

extension SQLDatabase {
  /// Nothing: most databases cannot send.
  package func notifications(on channel: String) -> AsyncStream<String>? { nil }
}

/// The few things that databases say differently.
package enum SQLDialect: Sendable {
  case sqlite, postgres

  /// A script with the tokens of the dialect filled in.
  ///
  /// `{id}` is the type of a whole number that is a table's key, `{bytes}` that of a byte string,
  /// `{by key}` lets a table be stored in the order of its primary key where that is a choice.
  package func fill(_ script: String) -> String {
    let tokens =
      switch self {
      case .sqlite:
        ["{id}": "INTEGER PRIMARY KEY", "{bytes}": "BLOB", "{by key}": "WITHOUT ROWID"]
      case .postgres: ["{id}": "BIGINT PRIMARY KEY", "{bytes}": "BYTEA", "{by key}": ""]
      }
    var text = script
    for (token, meaning) in tokens { text = text.replacing(token, with: meaning) }
    return text
  }
}

/// Why a database refused.
package enum SQLError: Error, Equatable, CustomStringConvertible {
  /// It cannot be opened or reached, or the connection was lost.
  case unreachable(String, reason: String)
  /// Somebody else holds it for too long.
  case busy(String)
  /// A row breaks a constraint.
  case constraint(String)
  /// The disk is full.
  case full(String)
  /// The file is damaged or is no database.
  case corrupt(String, reason: String)
  /// Anything else: the database's message and the statement.
  case refused(String, statement: String)

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .unreachable(let name, let reason): "\(name): cannot be reached: \(reason)"
    case .busy(let name):
      "\(name): is held by another plumb; wait for it to end, or see plumb doctor"
    case .constraint(let message): "the record contradicts what is stored: \(message)"
    case .full(let name): "\(name): the disk is full; nothing of the last step was kept"
    case .corrupt(let name, let reason):
      "\(name): is damaged: \(reason); plumb doctor says what can be saved"
    case .refused(let message, let statement): "the database refused: \(message) (\(statement))"
    }
  }
}
