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
  /// The records that were counted last, as digests, so that none counts twice.
  private(set) var seen: Set<UInt64> = []

  package init() {}

  /// Reads lines; a line that is none is an error.
  package init(_ text: some Collection<UInt8>) throws {
    for line in text.split(separator: 0x0A) {
      let value = try JSONParser().parse(line)
      if let digests = value["seen"]?.array {
        seen.formUnion(digests.compactMap { $0.string.flatMap { UInt64($0, radix: 16) } })
        continue
      }
      guard let detection = value["baseline"]?.string, let group = value["group"]?.string else {
        throw JSONError.malformed("a line of baselines has the keys baseline and group, or seen")
      }
      var baseline = Baseline()
      if let since = value["since"]?.whole { baseline.since = try Self.within(Int64(since)) }
      for (name, time) in value["values"]?.object?.members ?? [] {
        if let time = time.whole { baseline.values[name] = try Self.within(Int64(time)) }
      }
      for (window, count) in value["counts"]?.object?.members ?? [] {
        guard let window = Int64(window), let count = count.whole, count >= 0 else {
          throw JSONError.malformed("counts are numbers of windows with numbers of events")
        }
        baseline.counts[try Self.within(window)] = Int(try Self.within(Int64(count)))
      }
      let key = Key(detection: detection, group: group)
      learnt[key] = learnt[key]?.merged(baseline) ?? baseline
    }
  }

  /// A number that is no clock's and no count's would make what is computed with it overflow.
  private static func within(_ number: Int64) throws -> Int64 {
    guard number == .max || number.magnitude < 1 << 53 else {
      throw JSONError.malformed("\(number) is no time and no count")
    }
    return number
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
    let digests = seen.sorted()
    for start in stride(from: 0, to: digests.count, by: 1000) {
      let part = digests[start..<min(start + 1000, digests.count)]
      writer.value(["seen": .array(part.map { .string(String($0, radix: 16)) })])
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
  mutating func keep(_ correlator: Correlator, _ set: DetectionSet) {
    seen = correlator.seen
    for (key, baseline) in correlator.baselines {
      let id = set.correlations[key.correlation].facts.id
      learnt[Key(detection: id, group: key.group)] = baseline
    }
  }
}
