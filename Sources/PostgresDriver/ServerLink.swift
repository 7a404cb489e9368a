import CLibPQ
import Glibc
import Store

/// An open connection to a server.
///
/// Every call blocks, and only one thread may use it at a time.
@safe final class ServerLink {
  /// Where the server is, without secrets.
  let name: String
  var statements = StatementCache()
  /// Whether a new connection must take its place: its prepared statements hold no more.
  private(set) var mustRenew = false
  private let connection: OpaquePointer

  /// - Throws: ``SQLError/unreachable(_:reason:)``.
  init(_ address: PostgresAddress) throws {
    guard let connection = try unsafe address.connect() else {
      throw SQLError.unreachable("postgres", reason: "there is no memory for a connection")
    }
    unsafe self.connection = unsafe connection
    name = unsafe Self.name(of: connection)
    guard !isLost else { throw SQLError.unreachable(name, reason: lastMessage) }
    // Without this notices would go to the standard error output.
    _ = unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
    try run(Self.settings)
  }

  /// How the server is to write values, and how long to wait for somebody else's lock unless the
  /// address or the server says so.
  private static let settings = """
    SET client_min_messages = warning;
    SET bytea_output = hex;
    SET extra_float_digits = 1;
    SELECT set_config('lock_timeout', '30s', false) WHERE current_setting('lock_timeout') = '0'
    """

  deinit { unsafe PQfinish(connection) }

  private static func name(of connection: OpaquePointer) -> String {
    func text(_ value: UnsafePointer<CChar>?) -> String {
      unsafe value.map { unsafe String(cString: $0) } ?? ""
    }
    let host = unsafe text(PQhost(connection))
    let port = unsafe text(PQport(connection))
    let database = unsafe text(PQdb(connection))
    if host.hasPrefix("/") { return "postgres:///\(database)?host=\(host)" }
    return "postgres://\(host)\(["", "5432"].contains(port) ? "" : ":\(port)")/\(database)"
  }

  /// Whether the connection is gone for good.
  var isLost: Bool { unsafe PQstatus(connection) == CONNECTION_BAD }

  /// Whether the server waits for the next statement of a transaction that is in order.
  var isInTransaction: Bool { unsafe PQtransactionStatus(connection) == PQTRANS_INTRANS }

  /// Whether the server waits and no transaction is open.
  var isIdle: Bool { unsafe PQtransactionStatus(connection) == PQTRANS_IDLE }

  /// A second descriptor of the socket, for the caller to watch and close.
  ///
  /// libpq closes its own when the connection is lost.
  var watchedSocket: Int32 { dup(unsafe PQsocket(connection)) }

  /// What libpq says was wrong: a line for each fault; lines that begin with a tab are its guesses.
  private var lastMessage: String {
    unsafe String(cString: PQerrorMessage(connection)).split(separator: "\n")
      .filter { !$0.hasPrefix("\t") }.map { oneLine($0) }.joined(separator: "; ")
  }

  /// What is wrong with an answer.
  func error(_ answer: borrowing Answer, _ statement: String) -> SQLError {
    // A prepared statement whose columns were changed by others, or that somebody removed.
    if ["0A000", "26000"].contains(answer.state) { mustRenew = true }
    return SQLError(
      state: answer.state,
      message: answer.message.map { oneLine($0) } ?? lastMessage,
      isLost: isLost,
      server: name,
      statement: excerpt(statement, at: answer.position)
    )
  }

  /// What is wrong where a request could not even be sent.
  private func noAnswer(_ statement: String) -> SQLError {
    SQLError(
      state: "",
      message: lastMessage,
      isLost: isLost,
      server: name,
      statement: excerpt(statement)
    )
  }

  /// Runs statements without parameters and returns the server's word for the last one.
  @discardableResult
  func run(_ sql: String) throws -> String {
    try checkText(sql)
    let answer = unsafe Answer(PQexec(connection, sql))
    guard answer.isGood else { throw error(answer, sql) }
    return answer.command
  }

  /// A text that C can read to its end.
  private func checkText(_ sql: String) throws {
    guard sql.utf8.contains(0) else { return }
    throw SQLError.refused("the statement has a zero byte", statement: excerpt(sql))
  }
}

// MARK: - Prepared statements

extension ServerLink {
  /// A statement prepared for values such as these.
  ///
  /// Each value declares its parameter's type: a type found by the server may be too narrow, as in
  /// `$1 + 1`. Where the statement has no meaning with these types, nulls are written into it, and
  /// at last the server finds the types, as for a function that takes no BIGINT. The transaction
  /// goes on.
  func prepared(_ sql: String, for values: [SQLValue]) throws -> PreparedStatement {
    let kinds = statements.kinds(of: values, for: sql)
    if let found = statements.statement(sql, kinds) { return found }
    try checkText(sql)
    if statements.count >= StatementCache.limit {
      statements.removeAll()
      try run("DEALLOCATE ALL")
    }
    let types = kinds.map(\.type)
    let nulls = Set(types.indices.filter { types[$0] == 0 })
    let withoutNulls = statement(sql, withNullAt: nulls)
    var choices = [(sql, types)]
    // A parameter that is not in the statement any more still needs a type.
    if !nulls.isEmpty {
      choices.append((withoutNulls, types.map { $0 == 0 ? PostgresType.text : $0 }))
    }
    if nulls.count < types.count {
      choices.append((withoutNulls, types.map { $0 == 0 ? PostgresType.text : 0 }))
    }
    var refusal: SQLError?
    for (text, types) in choices {
      switch try prepare(text, types) {
      case .prepared(let statement):
        statements.keep(statement, sql, kinds)
        return statement
      case .typesRefused(let error):
        refusal = refusal ?? error
        try run("ROLLBACK TO plumb; RELEASE plumb")
      }
    }
    throw refusal ?? SQLError.refused("it cannot be prepared", statement: excerpt(sql))
  }

  private enum Preparation {
    case prepared(PreparedStatement)
    case typesRefused(SQLError)
  }

  /// Prepares a statement and learns its columns, behind a savepoint, in one round trip.
  private func prepare(_ sql: String, _ types: [Oid]) throws -> Preparation {
    let statement = statements.newName()
    var refusal: (state: String, error: SQLError)?
    var columns: [Oid] = []
    unsafe PQenterPipelineMode(connection)
    defer { unsafe PQexitPipelineMode(connection) }
    let isSent =
      unsafe sendInPipeline("SAVEPOINT plumb")
      && PQsendPrepare(connection, statement, sql, Int32(types.count), types) == 1
      && PQsendDescribePrepared(connection, statement) == 1
      && sendInPipeline("RELEASE plumb")
      && PQpipelineSync(connection) == 1
    guard isSent else { throw noAnswer(sql) }
    // An answer ends with a null, the last one is the synchronisation; two nulls are a lost server.
    var nulls = 0
    while nulls < 2 {
      guard let answer = nextAnswer() else {
        nulls += 1
        continue
      }
      nulls = 0
      if answer.status == PGRES_PIPELINE_SYNC { break }
      if answer.isGood {
        columns += answer.types
      } else if answer.status != PGRES_PIPELINE_ABORTED, refusal == nil {
        refusal = (answer.state, error(answer, sql))
      }
    }
    guard let refusal else {
      guard !isLost else { throw noAnswer(sql) }
      let isBinary = columns.allSatisfy { PostgresType.binary.contains($0) }
      return .prepared(PreparedStatement(name: statement, isBinary: isBinary))
    }
    guard Self.typeStates.contains(refusal.state) else { throw refusal.error }
    return .typesRefused(refusal.error)
  }

  /// No function or operator for the types, or more than one; types that do not fit; no type, or
  /// more than one, for a parameter.
  private static let typeStates: Set = ["42883", "42725", "42804", "42846", "42P18", "42P08"]

  private func sendInPipeline(_ sql: String) -> Bool {
    unsafe PQsendQueryParams(connection, sql, 0, nil, nil, nil, nil, 0) == 1
  }

  /// Runs a prepared statement and returns how many rows it changed.
  func execute(_ statement: PreparedStatement, _ values: BoundValues, count: Int, sql: String)
    throws -> Int
  {
    let result = unsafe values.withPointers { values, lengths, formats in
      unsafe PQexecPrepared(
        connection,
        statement.name,
        Int32(count),
        values,
        lengths,
        formats,
        0
      )
    }
    let answer = unsafe Answer(result)
    guard answer.isGood else { throw error(answer, sql) }
    return answer.changes
  }

  /// Starts a prepared query, whose rows come one by one from ``nextAnswer()``.
  func start(_ statement: PreparedStatement, _ values: BoundValues, count: Int, sql: String)
    throws
  {
    let isSent = unsafe values.withPointers { values, lengths, formats in
      unsafe PQsendQueryPrepared(
        connection,
        statement.name,
        Int32(count),
        values,
        lengths,
        formats,
        statement.isBinary ? 1 : 0
      )
    }
    guard isSent == 1, unsafe PQsetSingleRowMode(connection) == 1 else { throw noAnswer(sql) }
  }

  /// The next answer; nil when there is no more.
  func nextAnswer() -> Answer? { unsafe PQgetResult(connection).map { unsafe Answer($0) } }

  /// Reads what is left of a running statement and forgets it.
  func drain() { while nextAnswer() != nil {} }

  /// Ends a running query; its transaction can only be rolled back.
  func cancel() {
    let request = unsafe PQgetCancel(connection)
    defer { unsafe PQfreeCancel(request) }
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
      _ = unsafe PQcancel(request, message.baseAddress, Int32(message.count))
    }
    drain()
  }
}

// MARK: - Bulk data and notifications

extension ServerLink {
  /// Sends bytes of a running COPY.
  func sendCopy(_ bytes: [UInt8], _ sql: String) throws {
    let isSent = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
        unsafe PQputCopyData(connection, bytes.baseAddress, Int32(bytes.count))
      }
    }
    guard isSent == 1 else { throw noAnswer(sql) }
  }

  /// Ends a running COPY, by a fault where one is given; then nothing of it stays.
  func endCopy(_ sql: String, fault: String? = nil) throws {
    guard unsafe PQputCopyEnd(connection, fault) == 1 else { throw noAnswer(sql) }
    var refusal: SQLError?
    while let answer = nextAnswer() {
      if !answer.isGood { refusal = refusal ?? error(answer, sql) }
    }
    if let refusal { throw refusal }
  }

  /// Hands over what was sent to the channels that are listened to; false when the server is lost.
  ///
  /// Reads as long as there is something: a server that ends may be heard of only once.
  func receive(_ body: (String) -> Void) -> Bool {
    var waiting = pollfd(fd: unsafe PQsocket(connection), events: Int16(POLLIN), revents: 0)
    repeat {
      guard unsafe PQconsumeInput(connection) == 1 else { return false }
      while let notification = unsafe PQnotifies(connection) {
        body(unsafe String(cString: notification.pointee.extra))
        unsafe PQfreemem(notification)
      }
      if isLost { return false }
    } while unsafe poll(&waiting, 1, 0) > 0
    return true
  }
}
