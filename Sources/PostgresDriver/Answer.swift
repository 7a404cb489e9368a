import CLibPQ
import Store

/// What the server answered; its memory is given back when the value goes.
@safe struct Answer: ~Copyable {
  let result: OpaquePointer?

  init(_ result: OpaquePointer?) { unsafe self.result = unsafe result }

  deinit { unsafe PQclear(result) }

  var status: ExecStatusType { unsafe PQresultStatus(result) }

  /// Whether the server did what it was asked for.
  var isGood: Bool {
    switch status {
    case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_EMPTY_QUERY, PGRES_COPY_IN:
      true
    default: false
    }
  }

  /// Whether it is one row of a query, and neither its end nor an error.
  var isRow: Bool { status == PGRES_SINGLE_TUPLE }

  /// How many rows were changed.
  var changes: Int { unsafe Int(String(cString: PQcmdTuples(result))) ?? 0 }

  /// The command that was run, by the server's word.
  var command: String { unsafe String(cString: PQcmdStatus(result)) }

  /// The types of the columns.
  var types: [Oid] {
    let count = unsafe PQnfields(result)
    return (0..<count).map { unsafe PQftype(result, $0) }
  }

  /// The five characters that say what was wrong; empty where the server did not answer.
  var state: String { field("C") ?? "" }

  /// What was wrong, in one sentence of the server's.
  var message: String? { field("M") }

  /// Where in the statement it was wrong, in characters.
  var position: Int? { field("P").flatMap { Int($0) } }

  /// A part of an error, by its letter in the protocol.
  private func field(_ letter: Unicode.Scalar) -> String? {
    unsafe PQresultErrorField(result, Int32(letter.value)).map { unsafe String(cString: $0) }
  }
}

extension SQLError {
  /// The meaning of a state that a server answered with.
  init(state: String, message: String, isLost: Bool, server: String, statement: String) {
    self =
      switch state {
      case "57P01", "57P02", "57P03": .unreachable(server, reason: message)
      case "55P03", "40001", "40P01": .busy(server)
      case "53100": .full(server)
      case "XX001", "XX002": .corrupt(server, reason: message)
      case _ where isLost: .unreachable(server, reason: message)
      case _ where state.hasPrefix("23"): .constraint(message)
      // This one of the class says that a statement got too few or too many values.
      case _ where state.hasPrefix("08") && state != "08P01":
        .unreachable(server, reason: message)
      default: .refused(message, statement: statement)
      }
  }
}

/// At most 200 characters of a statement on one line, near the place in question.
func excerpt(_ statement: String, at position: Int? = nil) -> String {
  let limit = 200
  var part = statement[...]
  if let position, statement.count > limit { part = part.dropFirst(max(0, position - limit / 2)) }
  let line = oneLine(part.prefix(4 * limit))
  return line.count > limit ? line.prefix(limit - 1) + "…" : line
}

/// A text with every run of white space made one space.
func oneLine(_ text: some StringProtocol) -> String {
  text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
}
