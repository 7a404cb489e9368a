import JSON
import Model

/// What came of a batch of records.
struct DetectionOutcome {
  var findings: [Finding] = []
  var entries: [CorrelationEntry] = []
  var activities: [UInt8] = []
  var faults: [(position: Int, message: String)] = []
  /// How much was read, and what was not; what ends of partial aggregates tell is counted in.
  var counts = DetectionCounts()
  /// Ends of partial aggregates.
  var partials = 0

  /// Notes a record that could not be read.
  mutating func fault(_ position: Int, _ message: String) {
    counts.faults += 1
    if faults.count < 20 { faults.append((position, message)) }
  }
}

/// How many records were read, and how many of them were not, or only in part.
package struct DetectionCounts: Sendable, Equatable {
  package var events = 0
  /// Records that could not be read.
  package var faults = 0
  /// Records of no log source that is known.
  package var unrecognised = 0
  /// Matches that a correlation could not count, for want of a time.
  package var timeless = 0
  /// Records of which a field has more values than are looked at.
  package var clipped = 0

  package init() {}

  private static var names: [(String, WritableKeyPath<DetectionCounts, Int>)] {
    [
      ("partial_events", \.events), ("faults", \.faults), ("unrecognised", \.unrecognised),
      ("without_time", \.timeless), ("clipped", \.clipped),
    ]
  }

  /// Adds what was counted elsewhere.
  mutating func add(_ other: DetectionCounts) {
    // What parts of somebody else's making tell must not overflow.
    for (_, path) in Self.names {
      self[keyPath: path] = min(self[keyPath: path] + other[keyPath: path], 1 << 60)
    }
  }

  /// The counts as the end of partial aggregates tells them.
  var json: JSONValue {
    var object: JSONObject = [:]
    for (name, path) in Self.names where path == \.events || self[keyPath: path] > 0 {
      object[name] = .integer(Int64(self[keyPath: path]))
    }
    return .object(object)
  }

  /// Reads the end of partial aggregates.
  init(json: JSONValue) {
    for (name, path) in Self.names {
      self[keyPath: path] = min(max(0, json[name]?.whole ?? 0), 1 << 60)
    }
  }
}
