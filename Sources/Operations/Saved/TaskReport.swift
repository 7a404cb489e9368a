import Engine
package import JSON
package import Model

/// What a task, or a whole saved scan, came to.
package struct TaskReport: Sendable, Equatable {
  /// Resources that were met.
  package var resources = 0
  /// Those that are stored as they were.
  package var unchanged = 0
  package var changed = 0
  package var new = 0
  /// Those that a complete scan no longer met.
  package var gone = 0
  /// How many lines could not be judged.
  package var faultCount = 0
  /// The first of them, in words.
  package var faults: [String] = []
  /// Resources of kinds that no goal is about, by kind.
  package var notCovered: [String: Int] = [:]
  /// How many results of the resources that were judged have each verdict; told while a scan is under
  /// way, and not kept.
  package var verdicts: [Verdict: Int] = [:]

  package init() {}

  private static let faultLimit = 20

  /// Adds what judging a chunk came to; in the second pass the resources were counted before.
  ///
  /// `lineNumber` gives the number in the inventory of a line of the chunk, counted from 0.
  mutating func add(
    _ summary: JudgeSummary,
    _ chunk: ArraySlice<UInt8>,
    isFirstPass: Bool,
    lineNumber: (Int) throws -> Int?
  ) rethrows {
    if isFirstPass { resources += summary.resources }
    for (kind, count) in summary.notCovered { notCovered["\(kind)", default: 0] += count }
    faultCount += summary.faultCount
    for fault in summary.faults where faults.count < Self.faultLimit {
      let line =
        chunk.split(separator: 0x0A, omittingEmptySubsequences: false)
        .dropFirst(fault.line).first ?? []
      let beginning = String(decoding: line.prefix(80), as: UTF8.self)
      let place = try lineNumber(fault.line).map { "line \($0): " } ?? ""
      faults.append("\(place)\(fault.message): \(beginning)\(line.count > 80 ? "…" : "")")
    }
  }

  /// Notes something that could not be judged.
  mutating func fault(_ message: String) {
    faultCount += 1
    if faults.count < Self.faultLimit { faults.append(message) }
  }

  /// Adds another part.
  mutating func merge(_ other: TaskReport) {
    resources += other.resources
    unchanged += other.unchanged
    changed += other.changed
    new += other.new
    gone += other.gone
    faultCount += other.faultCount
    faults += other.faults.prefix(max(0, Self.faultLimit - faults.count))
    notCovered.merge(other.notCovered, uniquingKeysWith: +)
    verdicts.merge(other.verdicts, uniquingKeysWith: +)
  }

  /// How far a scan is, while it is under way.
  package var progress: JSONObject {
    let counted = Verdict.allCases.map {
      (key: $0.rawValue, value: JSONValue.integer(Int64(verdicts[$0] ?? 0)))
    }
    var object: JSONObject = [
      "resources": .integer(Int64(resources)), "unchanged": .integer(Int64(unchanged)),
    ]
    // A whole scan's report does not have them, and takes none away that were told.
    if !verdicts.isEmpty { object["verdicts"] = .object(JSONObject(counted)) }
    return object
  }

  /// The report as JSON, for ``init(_:)``.
  package var json: JSONValue {
    [
      "resources": .integer(Int64(resources)), "unchanged": .integer(Int64(unchanged)),
      "changed": .integer(Int64(changed)), "new": .integer(Int64(new)),
      "gone": .integer(Int64(gone)), "lines_not_judged": .integer(Int64(faultCount)),
      "faults": .array(faults.map { .string($0) }),
      "not_covered": .object(
        JSONObject(
          notCovered.sorted { $0.key < $1.key }.map { ($0.key, .integer(Int64($0.value))) }
        )
      ),
    ]
  }

  /// Reads a report back; what it lacks is 0.
  package init(_ json: JSONValue) {
    func number(_ key: String) -> Int { json[key]?.whole ?? 0 }
    resources = number("resources")
    unchanged = number("unchanged")
    changed = number("changed")
    new = number("new")
    gone = number("gone")
    faultCount = number("lines_not_judged")
    faults = (json["faults"]?.array ?? []).compactMap(\.string)
    for (kind, count) in json["not_covered"]?.object?.members ?? [] {
      notCovered[kind] = count.whole ?? 0
    }
  }
}

/// The result lines that a judge writes beside vectors: those of goals that count others.
enum ResultLines {
  /// The lines by resource, each with its goal.
  static func byResource(_ lines: [UInt8]) -> [String: [(goal: Goal, proof: String)]] {
    let parser = JSONParser()
    var found: [String: [(goal: Goal, proof: String)]] = [:]
    for line in lines.split(separator: 0x0A) {
      guard let value = try? parser.parse(line), let result = ResultRecord(value) else { continue }
      let resource = result.resource
      found["\(resource.account)\u{1F}\(resource.kind)\u{1F}\(resource.id)", default: []]
        .append((result.goal, String(decoding: line, as: UTF8.self)))
    }
    return found
  }

  /// The key of a judged resource.
  static func key(_ resource: JudgedResource) -> String {
    "\(resource.account)\u{1F}\(resource.kind)\u{1F}\(resource.id)"
  }
}
