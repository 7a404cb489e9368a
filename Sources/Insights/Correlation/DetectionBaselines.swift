import JSON
import Model

/// What detections of the first time and of rates have learnt, to be kept between runs.
///
/// Lines of JSON in any order; those of several runs over different logs may be put one behind the
/// other.
package struct DetectionBaselines: Sendable, Equatable {
  private struct Key: Hashable {
    var detection: String
    var group: String
  }

  private var learnt: [Key: Baseline] = [:]

  package init() {}

  /// Reads lines; a line that is none is an error.
  package init(_ text: some Collection<UInt8>) throws {
    for line in text.split(separator: 0x0A) {
      let value = try JSONParser().parse(line)
      guard let detection = value["baseline"]?.string, let group = value["group"]?.string else {
        throw JSONError.malformed("a line of baselines has the keys baseline and group")
      }
      var baseline = Baseline()
      if let since = value["since"]?.whole { baseline.since = Int64(since) }
      for (name, time) in value["values"]?.object?.members ?? [] {
        if let time = time.whole { baseline.values[name] = Int64(time) }
      }
      for (window, count) in value["counts"]?.object?.members ?? [] {
        if let window = Int64(window), let count = count.whole { baseline.counts[window] = count }
      }
      let key = Key(detection: detection, group: group)
      learnt[key] = learnt[key]?.merged(baseline) ?? baseline
    }
  }

  /// The lines, in an order of their own.
  package var text: [UInt8] {
    var writer = JSONWriter()
    let sorted = learnt.sorted {
      ($0.key.detection, $0.key.group) < ($1.key.detection, $1.key.group)
    }
    for (key, baseline) in sorted {
      var object: JSONObject = [
        "baseline": .string(key.detection), "group": .string(key.group),
        "since": .integer(baseline.since),
      ]
      if !baseline.values.isEmpty {
        let values = baseline.values.sorted { $0.key < $1.key }
        object["values"] = .object(
          JSONObject(unique: values.map { (key: $0.key, value: .integer($0.value)) })
        )
      }
      if !baseline.counts.isEmpty {
        let counts = baseline.counts.sorted { $0.key < $1.key }
        object["counts"] = .object(
          JSONObject(unique: counts.map { (key: "\($0.key)", value: .integer(Int64($0.value))) })
        )
      }
      writer.value(.object(object))
      writer.bytes.append(0x0A)
    }
    return writer.bytes
  }

  /// What concerns the correlations of a set.
  func keyed(_ set: DetectionSet) -> [Correlator.WindowKey: Baseline] {
    var keyed: [Correlator.WindowKey: Baseline] = [:]
    for (number, correlation) in set.correlations.enumerated() {
      for (key, baseline) in learnt where key.detection == correlation.facts.id {
        keyed[Correlator.WindowKey(correlation: number, group: key.group)] = baseline
      }
    }
    return keyed
  }

  /// Keeps what a run has learnt; what concerns other detections stays.
  mutating func keep(_ baselines: [Correlator.WindowKey: Baseline], _ set: DetectionSet) {
    for (key, baseline) in baselines {
      let id = set.correlations[key.correlation].facts.id
      learnt[Key(detection: id, group: key.group)] = baseline
    }
  }
}
