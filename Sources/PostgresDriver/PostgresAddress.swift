import CLibPQ
import Store

/// Where a server is and who asks: a conninfo text or a URI, which is never printed.
struct PostgresAddress: Sendable {
  private let text: String

  /// An address that can be understood.
  ///
  /// What libpq says about a wrong one may repeat the password, so it is not passed on.
  init(_ text: String) throws {
    self.text = text
    let options = unsafe text.utf8.contains(0) ? nil : PQconninfoParse(text, nil)
    guard let options = unsafe options else {
      throw SQLError.unreachable(
        "postgres",
        reason: "the address is not understood; it is like postgres://user@host/database or "
          + "host=/folder user=name dbname=database"
      )
    }
    unsafe PQconninfoFree(options)
  }

  /// Connects; what comes back may have failed and says so.
  ///
  /// - Returns: nil where there is no memory.
  func connect() throws -> OpaquePointer? {
    // Of an option given twice the last one counts: what stands before the address can be changed
    // by it, what stands after it cannot.
    let keywords = try BoundValues([
      "connect_timeout", "keepalives_idle", "fallback_application_name", "dbname",
      "client_encoding", .null,
    ])
    let values = try BoundValues(["10", "60", "plumb", .text(text), "UTF8", .null])
    return unsafe keywords.withPointers { keywords, _, _ in
      unsafe values.withPointers { values, _, _ in
        unsafe PQconnectdbParams(keywords, values, 1)
      }
    }
  }
}

extension PostgresAddress: CustomStringConvertible, CustomReflectable {
  var description: String { "an address" }
  var customMirror: Mirror { Mirror(self, children: []) }
}
