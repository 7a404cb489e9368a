import Synchronization

/// Counts and times of answers, in Prometheus' text format.
final class Metrics: Sendable {
  private struct Series {
    var counts: [Int]
    var sum = 0.0
  }

  private struct Key: Hashable {
    var operation: String
    var status: Int
  }

  /// The upper bounds of the histogram, in seconds.
  private static let bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]
  private let series = Mutex<[Key: Series]>([:])

  /// Notes an answer.
  func note(_ operation: String, status: Int, _ duration: Duration) {
    let seconds =
      Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    let place = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
    series.withLock { series in
      let key = Key(operation: operation, status: status)
      var one = series[key] ?? Series(counts: Array(repeating: 0, count: Self.bounds.count + 1))
      one.counts[place] += 1
      one.sum += seconds
      series[key] = one
    }
  }

  /// Everything that was noted, with further gauges.
  func text(_ gauges: [(name: String, help: String, value: Double)]) -> String {
    var lines = [
      "# HELP plumb_http_request_seconds How long requests took, by operation and status.",
      "# TYPE plumb_http_request_seconds histogram",
    ]
    let all = series.withLock { $0 }
    for (key, one) in all.sorted(by: {
      ($0.key.operation, $0.key.status) < ($1.key.operation, $1.key.status)
    }) {
      let labels = "operation=\"\(key.operation)\",status=\"\(key.status)\""
      var total = 0
      for (bound, count) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], one.counts) {
        total += count
        lines.append("plumb_http_request_seconds_bucket{\(labels),le=\"\(bound)\"} \(total)")
      }
      lines.append("plumb_http_request_seconds_sum{\(labels)} \(one.sum)")
      lines.append("plumb_http_request_seconds_count{\(labels)} \(total)")
    }
    for gauge in gauges {
      lines.append("# HELP \(gauge.name) \(gauge.help)")
      lines.append("# TYPE \(gauge.name) gauge")
      lines.append("\(gauge.name) \(gauge.value)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
