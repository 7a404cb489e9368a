import Foundation
package import Store

extension TestDatabase {
  /// How `plumb --data` reaches a database of the server.
  ///
  /// - Throws: ``SQLError``.
  package static func address(_ database: any SQLDatabase) async throws -> String {
    let name = try await database.read { try $0.first("SELECT current_database()") { $0.text(0) } }
    let query = (server ?? "").split(separator: " ").compactMap { pair -> String? in
      let halves = pair.split(separator: "=", maxSplits: 1)
      guard halves.count == 2, halves[0] != "dbname" else { return nil }
      let value = halves[1].filter { $0 != "'" }
      let encoded = value.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
      return "\(halves[0])=\(encoded ?? value)"
    }
    return "postgresql:///\(name ?? "")?" + query.joined(separator: "&")
  }

  /// Every row of every table of a PostgreSQL database as text; bytes in hexadecimal.
  ///
  /// - Throws: ``SQLError``.
  package static func rows(_ database: any SQLDatabase) async throws -> [String] {
    try await database.read { session in
      let question = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
      return try session.rows(question) { $0.text(0) }.flatMap { table in
        try session.rows("SELECT t::text FROM \"\(table)\" AS t") { $0.text(0) }
      }
    }
  }
}
