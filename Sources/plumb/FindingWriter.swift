import ArgumentParser
import Foundation
import Insights
import JSON
import Model

/// Writes findings as they come, or their groups at the end.
final class FindingWriter {
  private let format: DetectCommand.Format
  private let isGrouped: Bool
  private var groups = FindingGroups()
  private var count = 0
  /// What was written of late: an episode that goes on is told again under its id.
  private var told: Set<String> = []
  private static let toldLimit = 100_000

  init(_ format: DetectCommand.Format, isGrouped: Bool) {
    self.format = format
    // A table for people is one line per cause.
    self.isGrouped = isGrouped || format == .text
  }

  func begin() throws { if format == .json { try put("[") } }

  func write(_ finding: Finding) throws {
    if isGrouped {
      groups.add(finding)
    } else {
      try put(finding)
    }
  }

  /// Writes the groups and what the run came to: how many of what were read.
  func end(_ noun: String, _ read: Int) throws {
    if format == .text { return try table(noun, read) }
    if isGrouped { for finding in groups.sorted { try put(finding) } }
    if format == .json { try put(count == 0 ? "]\n" : "\n]\n") }
    overflow()
  }

  private func overflow() {
    if groups.overflow > 0 {
      complain("\(groups.overflow) findings of more causes than are kept; --format ndjson has all")
    }
  }

  private func put(_ finding: Finding) throws {
    switch format {
    case .json: try put((count == 0 ? "\n" : ",\n") + finding.json.text)
    case .ocsf:
      if told.count == Self.toldLimit { told = [] }
      let isUpdate = !told.insert(finding.id).inserted
      let event = finding.ocsf(product: Plumb.configuration.version, isUpdate: isUpdate)
      try put(event.text + "\n")
    case .ndjson, .text: try put(finding.json.text + "\n")
    }
    count += 1
  }

  private func put(_ text: String) throws {
    try OutputFile.standardOutput.write(Array(text.utf8))
  }

  private func table(_ noun: String, _ read: Int) throws {
    let rows = groups.sorted.map { finding -> [String] in
      let place = finding.evidence.events.first.map { "\($0.file):\($0.position)" } ?? ""
      let last = finding.count > 1 ? "last \(finding.lastSeen.map { "\($0)" } ?? "unknown")" : ""
      return [
        finding.note.severity.rawValue, finding.firstSeen.map { "\($0)" } ?? "without time",
        finding.note.title, finding.subject.elided,
        finding.count > 1 ? "\(finding.count)×" : "",
        last, place,
      ]
    }
    for line in columns(rows) { try put(line + "\n") }
    let causes = counted(rows.count, "cause")
    try put("\(counted(read, noun)), \(counted(groups.count, "finding")) of \(causes)\n")
    overflow()
  }
}
