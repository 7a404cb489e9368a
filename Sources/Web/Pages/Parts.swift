import JSON
import Model
import Reports

// Small pieces that many pages show.
extension HTML {
  /// A verdict as shape, colour and word.
  static func verdict(_ text: String) -> HTML { verdict(text, words: nil) }

  /// A verdict as shape and colour, with words of its own.
  static func verdict(_ text: String, words: String?) -> HTML {
    guard let verdict = Verdict(rawValue: text) else { return "\(text)" }
    return """
      <span class="verdict \(verdict.rawValue)">\(shape(verdict))\(words ?? verdict.words)</span>
      """
  }

  private static func shape(_ verdict: Verdict) -> HTML {
    let inner: HTML =
      switch verdict {
      case .pass:
        "<circle cx=\"8\" cy=\"8\" r=\"7\" fill=\"currentColor\"/><path d=\"m4.500 8.200 2.400 2.400 4.600-5\" fill=\"none\" stroke=\"var(--surface)\" stroke-width=\"1.800\"/>"
      case .fail:
        "<path d=\"M5 1h6l4 4v6l-4 4H5l-4-4V5z\" fill=\"currentColor\"/><path d=\"m5.200 5.200 5.600 5.600m0-5.600-5.600 5.600\" fill=\"none\" stroke=\"var(--surface)\" stroke-width=\"1.800\"/>"
      case .unknown:
        "<path d=\"M8 .8 15.200 8 8 15.200.8 8z\" fill=\"currentColor\"/><path d=\"M6.200 6.400c0-2.400 3.600-2.300 3.600-.1 0 1.300-1.800 1.400-1.800 2.900m0 1.200v1.200\" fill=\"none\" stroke=\"var(--surface)\" stroke-width=\"1.400\"/>"
      case .notApplicable:
        "<circle cx=\"8\" cy=\"8\" r=\"6.200\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.500\"/><path d=\"M5 8h6\" stroke=\"currentColor\" stroke-width=\"1.500\"/>"
      }
    return "<svg viewBox=\"0 0 16 16\" aria-hidden=\"true\" focusable=\"false\">\(inner)</svg>"
  }

  /// A severity as bars and a word.
  static func severity(_ text: String) -> HTML {
    let level = ["low", "medium", "high", "critical"].firstIndex(of: text) ?? 0
    let bars = (0..<4).map { index -> HTML in
      let height = 3 + index * 3
      return """
        <rect class="\(index <= level ? "on" : "off")" x="\(index * 4)" y="\(12 - height)" width="3" height="\(height)"/>
        """
    }
    return """
      <span class="severity \(text)"><svg viewBox="0 0 15 12" aria-hidden="true" focusable="false">\(HTML(bars))</svg>\(text)</span>
      """
  }

  /// A card with a heading.
  static func card(_ title: String, _ size: String, more: HTML = "", _ body: HTML) -> HTML {
    let id = "card-" + title.lowercased().filter { $0.isLetter || $0.isNumber }
    return """
      <section class="card \(size)" aria-labelledby="\(id)">
      <header><h2 id="\(id)">\(title)</h2>\(more)</header>
      \(body)
      </section>
      """
  }

  /// A figure with what it is.
  static func tile(_ title: String, _ size: String, _ big: HTML, isWord: Bool = false, _ rest: HTML)
    -> HTML
  {
    let id = "tile-" + title.lowercased().filter { $0.isLetter || $0.isNumber }
    return """
      <section class="card tile \(size)" aria-labelledby="\(id)">
      <h2 id="\(id)">\(title)</h2>
      <p class="big\(isWord ? " word" : "")">\(big)</p>
      <div class="quiet">\(rest)</div>
      </section>
      """
  }

  /// A card that holds a table.
  static func tableCard(
    _ title: String,
    _ size: String,
    more: HTML = "",
    _ caption: HTML,
    _ headings: [String],
    _ rows: [HTML],
    kind: String = "",
    empty: HTML = "There is nothing here."
  ) -> HTML {
    card(title, size, more: more, table(caption, headings, rows, kind: kind, empty: empty))
  }

  /// The link to what a page is there to begin.
  static func mainLink(_ words: HTML, _ address: Address) -> HTML {
    "<p>\(link(address, words, "button main"))</p>"
  }

  /// A card that shows its heading only until somebody opens it.
  static func folded(_ title: HTML, isOpen: Bool = false, _ content: HTML) -> HTML {
    """
    <details class="card"\(when(isOpen, " open"))><summary>\(title)</summary>\(content)</details>
    """
  }

  /// Pieces set apart by commas.
  static func commas(_ pieces: [HTML]) -> HTML {
    pieces.dropFirst().reduce(pieces.first ?? "") { "\($0), \($1)" }
  }

  /// Texts as code, set apart by commas.
  static func code(_ texts: [String]) -> HTML { commas(texts.map { "<code>\($0)</code>" }) }

  /// The counts of verdicts as cells, each leading to the rows behind it.
  static func verdictCells(_ counts: JSONValue, _ rows: (Verdict) -> Address?) -> HTML {
    HTML(
      Verdict.allCases.map { verdict in
        let count = counts.count(verdict.rawValue)
        guard count > 0, let address = rows(verdict) else {
          return "<td class=\"num\">\(count.grouped)</td>"
        }
        return "<td class=\"num\">\(link(address, "\(count.grouped)"))</td>"
      }
    )
  }

  /// A table with caption and headings; a heading that begins with # is of numbers.
  static func table(
    _ caption: HTML,
    _ headings: [String],
    _ rows: [HTML],
    kind: String = "",
    empty: HTML = "There is nothing here."
  ) -> HTML {
    guard !rows.isEmpty else { return "<p class=\"empty\">\(empty)</p>" }
    let heads = headings.map { text -> HTML in
      text.hasPrefix("#")
        ? "<th scope=\"col\" class=\"num\">\(String(text.dropFirst()))</th>"
        : "<th scope=\"col\">\(text)</th>"
    }
    return """
      <div class="scroll">
      <table\(HTML.when(!kind.isEmpty, " class=\"\(kind)\""))>
      <caption>\(caption)</caption>
      <thead><tr>\(HTML(heads))</tr></thead>
      <tbody>\(HTML(rows))</tbody>
      </table>
      </div>
      """
  }

  /// Links of which one is where the page is.
  static func choice(
    _ label: String,
    kind: String,
    _ choices: [(name: String, address: Address, isHere: Bool)]
  ) -> HTML {
    let items = choices.map { choice -> HTML in
      """
      <li><a href="\(choice.address.text)"\(HTML.when(choice.isHere, " aria-current=\"true\""))>\(choice.name)</a></li>
      """
    }
    return "<nav aria-label=\"\(label)\"><ul class=\"\(kind)\">\(HTML(items))</ul></nav>"
  }
}

extension Verdict {
  /// The verdict as people read it.
  var words: String { rawValue.replacing("_", with: " ") }
}

extension JSONValue {
  /// A member's text; empty where there is none.
  func text(_ name: String) -> String { self[name]?.string ?? "" }

  /// A member's whole number; 0 where there is none.
  func count(_ name: String) -> Int { self[name]?.whole ?? 0 }

  /// A member's elements.
  func list(_ name: String) -> [JSONValue] { self[name]?.array ?? [] }
}

extension Double {
  /// With one digit after the point.
  var short: String {
    // What no integer holds is no number that a page means.
    guard let tenths = Int(exactly: (self * 10).rounded()) else { return "–" }
    let sign = tenths < 0 ? "-" : ""
    return "\(sign)\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
  }

  /// With its sign and one digit after the point.
  var signed: String { self > 0.049 ? "+\(short)" : self < -0.049 ? "−\((-self).short)" : "±0.0" }
}

extension Int {
  /// With commas between thousands.
  var grouped: String {
    let digits = Array(String(magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return self < 0 ? "-\(text)" : text
  }

  /// The number with a noun, in the plural unless it is one.
  func of(_ noun: String, _ plural: String? = nil) -> String {
    "\(grouped) \(self == 1 ? noun : plural ?? noun + "s")"
  }
}
