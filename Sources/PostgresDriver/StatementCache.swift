import CLibPQ
import Store

/// What a value is, which decides the type that a parameter is declared with.
enum ValueKind: UInt8 {
  case null, integer, double, text, bytes

  init(_ value: SQLValue) {
    self =
      switch value {
      case .null: .null
      case .integer: .integer
      case .double: .double
      case .text: .text
      case .bytes: .bytes
      }
  }

  /// The type to declare; 0 leaves it to the server.
  var type: Oid {
    switch self {
    case .null: 0
    case .integer: PostgresType.int8
    case .double: PostgresType.float8
    case .text: PostgresType.text
    case .bytes: PostgresType.bytea
    }
  }
}

/// The numbers of the server's types that have a meaning here.
enum PostgresType {
  static let bool: Oid = 16
  static let bytea: Oid = 17
  static let name: Oid = 19
  static let int8: Oid = 20
  static let int2: Oid = 21
  static let int4: Oid = 23
  static let text: Oid = 25
  static let json: Oid = 114
  static let float4: Oid = 700
  static let float8: Oid = 701
  static let bpchar: Oid = 1042
  static let varchar: Oid = 1043

  static let wholeNumbers: Set<Oid> = [bool, int2, int4, int8]
  static let numbers: Set<Oid> = [float4, float8]
  /// Types whose binary form is their text.
  static let texts: Set<Oid> = [text, varchar, bpchar, name, json]
  /// Types that are asked for in binary form.
  static let binary = wholeNumbers.union(numbers).union(texts).union([bytea])
}

/// A statement that the server has prepared.
struct PreparedStatement {
  let name: String
  /// Whether all its columns can be read in binary form.
  let isBinary: Bool
}

/// The statements that one connection has prepared, by their text and the kinds of their values.
struct StatementCache {
  /// How many statements may be prepared at once; then all are given up.
  static let limit = 500

  private struct Entry {
    var kinds: [ValueKind]
    var variants: [[ValueKind]: PreparedStatement] = [:]
  }

  private var entries: [String: Entry] = [:]
  private(set) var count = 0
  private var lastName = 0

  /// The kinds to prepare a statement for.
  ///
  /// A null fits any type, so it takes the kind that was last seen in its place: a statement with
  /// many nullable values is not prepared anew for each pattern of nulls.
  func kinds(of values: [SQLValue], for sql: String) -> [ValueKind] {
    var kinds = values.map { ValueKind($0) }
    guard let last = entries[sql]?.kinds, last.count == kinds.count else { return kinds }
    for index in kinds.indices where kinds[index] == .null { kinds[index] = last[index] }
    return kinds
  }

  /// The statement prepared for these kinds.
  func statement(_ sql: String, _ kinds: [ValueKind]) -> PreparedStatement? {
    entries[sql]?.variants[kinds]
  }

  /// A name that was not used before.
  mutating func newName() -> String {
    lastName += 1
    return "plumb_\(lastName)"
  }

  mutating func keep(_ statement: PreparedStatement, _ sql: String, _ kinds: [ValueKind]) {
    entries[sql, default: Entry(kinds: kinds)].kinds = kinds
    entries[sql]?.variants[kinds] = statement
    count += 1
  }

  mutating func removeAll() {
    entries.removeAll()
    count = 0
  }
}
