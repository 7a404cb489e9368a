import JSON
import Model
import Reports

/// All results that the filter selects, as a file.
enum ResultsFile {
  static let csv = Page("/results.csv") { visit in
    try await check(visit)
    return .file(name: "results.csv", type: "text/csv; charset=utf-8") { sink in
      try await sink.write(CSVRow.text(columns))
      try await each(visit) { result in
        let resource = result["resource"] ?? .null
        let cells = [
          result.text("id"), result.text("verdict"), result.text("severity"), result.text("rule"),
          resource.text("provider"), resource.text("account"), resource.text("region"),
          resource.text("service_name"), resource.text("resource_kind"), resource.text("id"),
          resource.text("name"), result.text("since"), result["exception"]?.text("id") ?? "",
        ]
        try await sink.write(CSVRow.text(cells))
      }
    }
  }

  static let json = Page("/results.json") { visit in
    try await check(visit)
    return .file(name: "results.json", type: "application/json") { sink in
      let first = Flag()
      try await sink.write("[")
      try await each(visit) { result in
        try await sink.write((first.take() ? "" : ",\n") + result.text)
      }
      try await sink.write("]\n")
    }
  }

  private static let columns = [
    "id", "verdict", "severity", "rule", "provider", "account", "region", "service_name",
    "resource_kind", "resource", "name", "since", "exception",
  ]

  /// Refuses what cannot be answered while it still can be refused.
  private static func check(_ visit: Visit) async throws {
    _ = try await visit.look("listResults", pairs: ResultsFilter(visit).pairs(["limit": "1"]))
  }

  private static func each(
    _ visit: Visit,
    _ body: (JSONValue) async throws -> Void
  ) async throws {
    let filter = ResultsFilter(visit)
    var cursor: String?
    repeat {
      let page = try await visit.look(
        "listResults",
        pairs: filter.pairs(["sort": "-severity", "limit": "500", "cursor": cursor])
      )
      for result in page.list("items") { try await body(result) }
      cursor = page["next_cursor"]?.string
    } while cursor != nil
  }

  /// True when it is asked for the first time.
  private final class Flag {
    private var isNew = true

    func take() -> Bool {
      defer { isNew = false }
      return isNew
    }
  }
}
