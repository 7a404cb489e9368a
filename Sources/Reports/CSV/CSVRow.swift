/// A row of RFC 4180 comma-separated values.
package enum CSVRow {
  /// The row with its end.
  package static func text(_ cells: [String]) -> String {
    cells.map(cell).joined(separator: ",") + "\r\n"
  }

  /// A field in quotes where it needs them; one that a spreadsheet would run as a formula is
  /// made plain text by an apostrophe (OWASP, "CSV Injection").
  package static func cell(_ text: String) -> String {
    // Scalars, not characters: a combining mark would hide a comma from a comparison of characters.
    var text = text
    if let first = text.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first) {
      text = "'" + text
    }
    let special = ",\"\n\r".unicodeScalars
    guard text.unicodeScalars.contains(where: special.contains) else { return text }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted.unicodeScalars.append(scalar) }
      quoted.unicodeScalars.append(scalar)
    }
    return quoted + "\""
  }
}
