import Foundation
import JSON
import Model

/// Prints what a server answered.
struct ServerAnswer {
  private let answer: APISketch.Answer
  private let format: RowFormat

  /// How wide a cell of a table may be; JSON has everything.
  private static let width = 100

  init(_ sketch: APISketch, _ format: RowFormat) { (answer, self.format) = (sketch.answer, format) }

  /// Prints an outcome in the format that was asked for.
  func show(_ outcome: ServerCaller.Outcome) throws {
    switch answer {
    case .words(let say):
      for line in try say(outcome.value) { print(line.withoutControls) }
    case .events(_, let end): try end(outcome.value)
    case .file(let take): try take(outcome.bytes)
    case .object(let members, let tables):
      if format != .text { return print(outcome.value.text) }
      for line in lines(outcome.value, members, tables) { print(line) }
    case .page(let list):
      show(outcome.value.array ?? [], list, hasMore: outcome.hasMore)
    }
  }

  private func show(_ items: [JSONValue], _ list: APISketch.List, hasMore: Bool) {
    switch format {
    case .json: print(JSONValue.array(items).text)
    case .ndjson: for item in items { print(item.text) }
    case .csv:
      let shown = list.columns.isEmpty ? Column.all(items) : list.columns
      print(shown.map(\.title.csvCell).joined(separator: ","))
      for item in items { print(shown.map { $0.text(item).csvCell }.joined(separator: ",")) }
    case .text:
      for line in table(items, list.columns) { print(line) }
      print(counted(items.count, list.noun) + (hasMore ? ", and more; --limit shows them" : ""))
    }
  }

  /// A table of items, without columns that are empty in all of them.
  private func table(_ items: [JSONValue], _ chosen: [Column], indent: Int = 0) -> [String] {
    let all = chosen.isEmpty ? Column.all(items) : chosen
    let shown = all.filter { column in items.contains { !column.text($0).isEmpty } }
    guard !shown.isEmpty else { return [] }
    let rows = items.map { item in shown.map { Self.short($0.text(item)) } }
    return columns([shown.map(\.title)] + rows, indent: indent)
  }

  private static func short(_ text: String) -> String {
    text.count > width ? text.prefix(width - 1) + "…" : text
  }

  /// The members of an object as rows, and those that are lists of objects as tables.
  private func lines(
    _ object: JSONValue,
    _ chosen: [Column],
    _ tables: [String: [Column]]
  ) -> [String] {
    var plain = object.object ?? [:]
    var lists: [(key: String, items: [JSONValue])] = []
    for (key, value) in plain.members {
      guard let items = value.array, items.first?.object != nil || tables[key] != nil else {
        continue
      }
      lists.append((key, items))
      plain[key] = nil
    }
    let facts = chosen.isEmpty ? Column.all([.object(plain)]) : chosen
    let rows = facts.map { [$0.title, $0.text(.object(plain))] }.filter { !$0[1].isEmpty }
    var lines = columns(rows)
    for (key, items) in lists {
      lines += lines.isEmpty ? [] : [""]
      lines.append("\(key.replacing("_", with: " ")): \(items.count)")
      lines += table(items, tables[key] ?? [], indent: 2)
    }
    return lines
  }
}
