import Foundation
import JSON
import Model
import Testing
import YAML

@testable import Insights

/// What a run over some text came to.
struct Detected {
  var findings: [Finding] = []
  var lines = ""
  var faults: [String] = []
  var totals = DetectionRun.Totals()
  var baselines = DetectionBaselines()

  /// The ids of the detections that found something.
  var ids: [String] { findings.map(\.note.id) }

  /// The positions of the events found.
  var positions: [Int] { findings.compactMap { $0.evidence.events.first?.position } }
}

/// Runs the detections of a YAML text over the bytes of a log.
func detect(
  _ yaml: String,
  in log: Data,
  sources: [LogSource]? = nil,
  baselines: DetectionBaselines = DetectionBaselines(),
  _ change: (inout DetectionRun.Options) -> Void = { _ in }
) async throws -> Detected {
  let file = FileManager.default.temporaryDirectory
    .appendingPathComponent("plumb-test-\(UUID().uuidString).log")
  try log.write(to: file)
  defer { try? FileManager.default.removeItem(at: file) }
  var options = DetectionRun.Options()
  change(&options)
  let set = try DetectionSet(documents(yaml), for: sources ?? Shipped.sources())
  // Filled by one task after another, in this one.
  nonisolated(unsafe) var detected = Detected()
  let sinks = DetectionRun.Sinks(
    finding: { unsafe detected.findings.append($0) },
    lines: { unsafe detected.lines += String(decoding: $0, as: UTF8.self) },
    fault: { unsafe detected.faults.append("\($1): \($2)") }
  )
  let input = LogInput(name: "log", path: file.path)
  let (totals, learnt) = try await DetectionRun(set, options)
    .run([input], baselines: baselines, to: sinks)
  unsafe detected.totals = totals
  unsafe detected.baselines = learnt
  return unsafe detected
}

/// The documents of a YAML text.
func documents(
  _ yaml: String,
  placeholders: [String: [String]] = [:]
) throws -> [SigmaDocument] {
  let reader = SigmaReader(placeholders: placeholders)
  return try YAMLReader().documents(yaml, file: "rule.yml").compactMap { try $0.get() }
    .map { try reader.document($0) }
}

/// A rule for CloudTrail over a detection given in YAML's flow form or as indented lines.
func rule(_ detection: String, condition: String = "selection", id: String = "r") -> String {
  """
  title: A rule
  id: \(id)
  logsource: {product: aws, service: cloudtrail}
  detection:
  \(detection.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
    condition: \(condition)
  """
}

/// An event of CloudTrail with more fields, given as JSON members.
func event(_ more: String = "", time: String = "2026-03-02T10:00:00Z", name: String = "E") -> String
{
  let members = more.isEmpty ? "" : ",\(more)"
  return #"{"eventSource":"s","eventName":"\#(name)","eventTime":"\#(time)"\#(members)}"#
}

/// Whether a selection matches an event with some members.
func matches(_ selection: String, _ members: String) async throws -> Bool {
  let found = try await detect(rule("selection:\n  \(selection)"), in: Data(event(members).utf8))
  #expect(found.faults.isEmpty)
  return found.ids == ["r"]
}
