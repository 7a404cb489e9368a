import Model
import Reports

/// Charts that stand in pages without a script: each has a title and a description, and its numbers
/// stand beside it too.
enum Charts {
  /// The shares of pass, fail and unknown as one band; unknown is hatched.
  static func bands(_ score: Score, id: String) -> HTML {
    let bands = score.bands
    let shares = [("pass", bands.pass), ("fail", bands.fail), ("unknown", bands.unknown)]
    var x = 0.0
    var parts: [HTML] = []
    for (name, share) in shares where share > 0 {
      let width = share * 10
      parts.append(
        """
        <rect class="\(name)" x="\(x.short)" y="0" width="\(max(width - 2, 1).short)" height="28"/>
        """
      )
      if name == "unknown" {
        for step in stride(from: x + 8, to: x + width, by: 14) {
          parts.append(
            "<path class=\"hatch\" d=\"M\((step - 8).short) 28 L\(min(step + 6, x + width).short) 0\"/>"
          )
        }
      }
      x += width
    }
    return """
      <svg class="chart bands" viewBox="0 0 1000 28" preserveAspectRatio="none" role="img" aria-labelledby="\(id)-title \(id)-text">
      <title id="\(id)-title">Bands of the score</title>
      <desc id="\(id)-text">pass \(bands.pass.short) percent, fail \(bands.fail.short) percent, unknown \(bands.unknown.short) percent, by weight</desc>
      \(HTML(parts))
      </svg>
      """
  }

  /// One point of a trend.
  struct Point {
    var instant: Instant
    var score: Double
  }

  /// Scores over a time.
  static func trend(_ points: [Point], from: Instant, to: Instant, id: String) -> HTML {
    let (width, height, left, bottom) = (420.0, 150.0, 28.0, 22.0)
    guard let first = points.first, let last = points.last else { return "" }
    let low = max(0, ((points.map(\.score).min() ?? 0) - 3) / 5).rounded(.down) * 5
    let high = min(100, (((points.map(\.score).max() ?? 100) + 3) / 5).rounded(.up) * 5)
    let span = Double(max(1, to.milliseconds - from.milliseconds))
    func x(_ instant: Instant) -> Double {
      let part = Double(instant.milliseconds - from.milliseconds) / span
      return left + min(1, max(0, part)) * (width - left - 8)
    }
    func y(_ score: Double) -> Double {
      8 + (1 - (score - low) / max(1, high - low)) * (height - bottom - 8)
    }
    // A score holds from its scan to the next one.
    var line = "M\(x(first.instant).short) \(y(first.score).short)"
    for point in points.dropFirst() {
      line += "H\(x(point.instant).short)V\(y(point.score).short)"
    }
    line += "H\(x(to).short)"
    let area = line + "V\((height - bottom).short)H\(x(first.instant).short)Z"
    let levels = [low, (low + high) / 2, high].map { level -> HTML in
      """
      <path class="axis" d="M\(left.short) \(y(level).short)H\((width - 8).short)"/><text x="\((left - 6).short)" y="\((y(level) + 4).short)" text-anchor="end">\(Int(level.rounded()))</text>
      """
    }
    let dots =
      points.count > 40
      ? []
      : points.map { point -> HTML in
        """
        <circle class="dot" cx="\(x(point.instant).short)" cy="\(y(point.score).short)" r="3"><title>\("\(point.instant)".plainTime): \(point.score.short)</title></circle>
        """
      }
    return """
      <svg class="chart" viewBox="0 0 \(Int(width)) \(Int(height))" role="img" aria-labelledby="\(id)-title \(id)-text">
      <title id="\(id)-title">Score over time</title>
      <desc id="\(id)-text">\(points.count.of("score")) from \(first.score.short) to \(last.score.short), lowest \((points.map(\.score).min() ?? 0).short), highest \((points.map(\.score).max() ?? 0).short)</desc>
      \(HTML(levels))
      <path class="area" d="\(area)"/>
      <path class="trend" d="\(line)"/>
      \(HTML(dots))
      <text x="\(left.short)" y="\((height - 6).short)">\(from.day)</text>
      <text x="\((width - 8).short)" y="\((height - 6).short)" text-anchor="end">\(to.day)</text>
      </svg>
      """
  }

  /// A small bar of verdicts beside its numbers, which say the same.
  static func bar(pass: Int, fail: Int, unknown: Int) -> HTML {
    let all = Double(max(1, pass + fail + unknown))
    var x = 0.0
    let parts = [("pass", pass), ("fail", fail), ("unknown", unknown)].compactMap {
      name,
      count -> HTML? in
      guard count > 0 else { return nil }
      let width = max(Double(count) / all * 96, 2)
      defer { x += width }
      return """
        <rect class="\(name)" x="\(x.short)" y="0" width="\(max(width - 1, 1).short)" height="8"/>
        """
    }
    return """
      <svg class="chart" viewBox="0 0 100 8" preserveAspectRatio="none" height="8" aria-hidden="true" focusable="false">\(HTML(parts))</svg>
      """
  }
}

extension String {
  /// An instant as plain text, to the minute, in UTC.
  var plainTime: String {
    guard let instant = Instant(self), !instant.isNever else { return self }
    let text = "\(instant)"
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }
}
