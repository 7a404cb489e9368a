import Foundation
import JSON
import Model
import Operations

/// Prints who has access, in each of the formats, resource by resource.
struct AccessListing {
  private let format: RowFormat
  /// How many resources were printed.
  private(set) var resources = 0
  private var entries = 0

  init(_ format: RowFormat) { self.format = format }

  /// Prints what stands before the first resource.
  func begin() {
    if format == .csv {
      print(
        "account,region,kind,resource,level,certainty,holder_type,holder,holder_id,holder_account,"
          + "through,group,policy,statement,actions,conditions,unread"
      )
    }
  }

  /// Prints one resource.
  mutating func show(_ answer: ResourceReach) {
    resources += 1
    entries += answer.entries.count
    switch format {
    case .json: print("\(resources == 1 ? "[" : ",")\(answer.json.text)")
    case .ndjson: print(answer.json.text)
    case .csv:
      for entry in answer.entries {
        for way in entry.ways { print(answer.csv(entry, way)) }
      }
    case .text: for line in answer.lines { print(line.withoutControls) }
    }
  }

  /// Prints what stands behind the last resource.
  func end() {
    if format == .json { print(resources == 0 ? "[]" : "]") }
    if format == .text {
      print("\(counted(resources, "compute resource")), \(counted(entries, "holder"))")
    }
  }

  /// Prints what changed.
  func show(_ changes: [ReachChange]) {
    switch format {
    case .json: print(JSONValue.array(changes.map(\.json)).text)
    case .ndjson: for change in changes { print(change.json.text) }
    case .csv:
      print("change,account,kind,resource,level,holder,before,after,way")
      for change in changes { print(change.cells.map(\.csvCell).joined(separator: ",")) }
    case .text:
      for line in columns(changes.map(\.row)) { print(line) }
      let counts = Dictionary(grouping: changes, by: \.kind).mapValues(\.count)
      print(
        "\(counts[.gained] ?? 0) gained, \(counts[.lost] ?? 0) lost, "
          + "\(counts[.changed] ?? 0) stand otherwise"
      )
    }
  }
}

extension ResourceReach {
  fileprivate var lines: [String] {
    let name = resource.name.isEmpty ? "" : "  \(resource.name)"
    let rows = entries.map { entry in
      let way = entry.ways.first
      let more = entry.ways.count > 1 ? " (and \(counted(entry.ways.count - 1, "more way")))" : ""
      return [
        entry.level.rawValue, entry.certainty.rawValue, entry.holder.text(beside: resource.account),
        (way?.text ?? "") + more,
      ]
    }
    let none = entries.isEmpty && !notes.contains { $0.hasPrefix("unread") }
    return ["\(resource.kind)  \(resource.id)\(name)"] + columns(rows, indent: 2)
      + (none ? ["  nobody"] : []) + notes.map { "  \($0)" }
  }

  fileprivate func csv(_ entry: ReachEntry, _ way: ReachWay) -> String {
    func joined(_ texts: [String]) -> String { texts.joined(separator: "; ") }
    return [
      resource.account, resource.region, "\(resource.kind)", resource.id, entry.level.rawValue,
      way.certainty.rawValue, entry.holder.type.rawValue, entry.holder.name, entry.holder.id,
      entry.holder.account, joined(way.through), way.group, way.policy, way.statement,
      joined(way.actions), joined(way.conditions), joined(way.reasons),
    ].map(\.csvCell).joined(separator: ",")
  }
}

extension ReachChange {
  private var entry: ReachEntry? { after ?? before }

  fileprivate var cells: [String] {
    [
      kind.rawValue, resource.account, "\(resource.kind)", resource.id,
      entry?.level.rawValue ?? "", entry?.holder.text(beside: resource.account) ?? "",
      before?.certainty.rawValue ?? "none", after?.certainty.rawValue ?? "none",
      entry?.ways.first?.text ?? "",
    ]
  }

  fileprivate var row: [String] {
    let cells = cells
    return [
      cells[0], cells[4], cells[5], cells[3], "\(cells[6]) -> \(cells[7])", cells[8],
    ]
  }

  fileprivate var json: JSONValue {
    [
      "change": .string(kind.rawValue), "account": .string(resource.account),
      "kind": .string("\(resource.kind)"), "id": .string(resource.id),
      "level": .string(entry?.level.rawValue ?? ""), "holder": entry?.holder.json ?? .null,
      "before": before?.json ?? .null, "after": after?.json ?? .null,
    ]
  }
}
