package import JSON
internal import Model
package import Store

/// How many alerts are in which state, and how long those that were delivered took.
package struct AlertCounts: Sendable {
  private var states: [Alert.State: Int] = [:]
  private var fromEvent: [Double] = []
  private var fromNotice: [Double] = []

  package init(_ alerts: [Alert]) {
    for alert in alerts {
      states[alert.state, default: 0] += 1
      guard let delays = alert.delays else { continue }
      fromNotice.append(delays.fromNotice)
      delays.fromEvent.map { fromEvent.append($0) }
    }
    fromEvent.sort()
    fromNotice.sort()
  }

  /// The figures for programs.
  package var json: JSONValue {
    var counts = JSONObject()
    for state in Alert.State.allCases {
      counts[state.rawValue] = .integer(Int64(states[state] ?? 0))
    }
    var object: JSONObject = ["states": .object(counts)]
    object["seconds_from_event"] = Self.times(fromEvent)
    object["seconds_from_notice"] = Self.times(fromNotice)
    return .object(object)
  }

  /// Figures of times in their order, each the time of an alert (nearest rank); nil of none.
  private static func times(_ sorted: [Double]) -> JSONValue? {
    guard let longest = sorted.last else { return nil }
    func rank(_ part: Double) -> Double {
      sorted[max(0, Int((part * Double(sorted.count)).rounded(.up)) - 1)]
    }
    return [
      "count": .integer(Int64(sorted.count)), "median": .number(rank(0.5)),
      "p95": .number(rank(0.95)), "longest": .number(longest),
    ]
  }
}
