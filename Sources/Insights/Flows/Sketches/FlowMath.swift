import Foundation

/// Figures of short series.
enum FlowMath {
  /// The sum of volumes, which a hostile log may make as great as it likes.
  @inline(__always) static func sum(_ one: Int64, _ other: Int64) -> Int64 {
    let (sum, isOver) = one.addingReportingOverflow(other)
    return isOver ? .max : sum
  }

  static func log(_ number: Double) -> Double { Foundation.log(number) }

  /// The value below which a share of sorted values lies.
  static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    guard let last = sorted.indices.last else { return 0 }
    let place = share * Double(last)
    let low = Int(place)
    let high = min(low + 1, last)
    return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
  }

  /// The median and the median of the distances from it.
  static func spread(_ values: [Double]) -> (median: Double, deviation: Double) {
    let median = quantile(values.sorted(), 0.5)
    return (median, quantile(values.map { abs($0 - median) }.sorted(), 0.5))
  }

  /// How evenly values lie around their median, from 0 to 1 (Bowley 1901).
  static func symmetry(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let (low, middle, high) = (
      quantile(sorted, 0.25), quantile(sorted, 0.5), quantile(sorted, 0.75)
    )
    guard high > low, middle > low, middle < high else { return 1 }
    return 1 - abs((high + low - 2 * middle) / (high - low))
  }

  /// Standard deviation over mean.
  static func variation(_ values: [Double]) -> Double {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    guard mean > 0 else { return 0 }
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (squares / Double(values.count)).squareRoot() / mean
  }

  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}

/// A mean and a variance that forget, one window after another (Roberts 1959).
struct MovingRate: BitwiseCopyable {
  private(set) var mean: Float = 0
  private(set) var variance: Float = 0
  /// How many windows were taken in.
  private(set) var windows: UInt32 = 0

  /// The weight of the newest window.
  static let weight: Float = 0.1

  /// Takes in a window's count, and the empty windows behind it.
  mutating func add(_ count: Float, emptyWindows: Int64) {
    let weight = max(Self.weight, 1 / Float(windows + 1))
    let distance = count - mean
    mean += weight * distance
    variance = (1 - weight) * (variance + weight * distance * distance)
    windows = windows == .max ? .max : windows + 1
    guard emptyWindows > 0 else { return }
    let keep = Float(FlowMath.power(Double(1 - Self.weight), Double(min(emptyWindows, 500))))
    variance = keep * (variance + (1 - keep) * mean * mean)
    mean *= keep
    windows = windows.addingReportingOverflow(UInt32(min(emptyWindows, 10_000))).partialValue
  }

  /// What a count has to exceed: so many standard deviations, at least a Poisson process's, above
  /// the mean.
  func bound(deviations: Float) -> Float {
    mean + deviations * max(variance, mean, 1).squareRoot()
  }
}
