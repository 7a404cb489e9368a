import Foundation
import JSON
package import Model

/// Addresses of bad reputation, as somebody's list has them.
package struct ReputationList: Sendable {
  /// What a listed address is known for.
  package enum Category: String, Sendable, CaseIterable {
    case anonymizer, malware, botnet, miner, scanner, other

    /// The category that a word of a list means.
    package init(_ word: String) {
      let word = word.lowercased()
      let known: [(Self, [String])] = [
        (.anonymizer, ["anonym", "tor", "proxy", "vpn"]),
        (.botnet, ["bot", "c2", "c&c", "command", "cnc"]),
        (.miner, ["min", "coin", "crypto"]),
        (.malware, ["malware", "malicious", "phish", "ransom", "trojan", "dropper", "exploit"]),
        (.scanner, ["scan", "brute", "recon", "probe"]),
      ]
      self = known.first { $0.1.contains { word.contains($0) } }?.0 ?? .other
    }
  }

  /// One network of a list.
  struct Entry: Sendable {
    var range: ClosedRange<UInt128>
    var category: Category
    /// The time outside of which the entry says nothing.
    var validFrom: Int64?
    var validUntil: Int64?
  }

  package private(set) var name: String
  /// When the list was made, as it says or its file is dated.
  package private(set) var date: Instant
  /// When the list says that it ends.
  package private(set) var expires: Instant?
  private(set) var entries: [Entry] = []
  /// What could not be read: line or object, and why.
  package private(set) var faults: [(position: Int, message: String)] = []

  /// How many networks the list has.
  package var count: Int { entries.count }

  /// After so many days a list that names no end is out of date.
  package static let lifetimeDays = 30

  /// Whether the list is out of date.
  package func isExpired(at now: Instant) -> Bool {
    (expires ?? date.advanced(days: Self.lifetimeDays)) < now
  }

  /// Reads a list: a STIX 2.1 bundle, CSV with a header, or an address or network per line.
  ///
  /// - Throws: ``FlowFormatError`` where it holds no address.
  package init(_ text: [UInt8], name: String, date: Instant) throws {
    self.name = name
    self.date = date
    let first = text.first { $0 > 0x20 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
    if first == 0x7B || first == 0x5B {
      try readSTIX(JSONParser().parse(text))
    } else {
      try readLines(String(decoding: text, as: UTF8.self))
    }
    if entries.isEmpty {
      let reason = faults.first.map { ": \($0.position): \($0.message)" } ?? ""
      throw FlowFormatError(
        description: "\(name) holds no address; expected a STIX 2.1 bundle, CSV with a column "
          + "ip or network, or an address or network per line\(reason)"
      )
    }
  }

  private mutating func fault(_ position: Int, _ message: String) {
    faults.append((position, message))
  }

  // MARK: - Lines and CSV

  private mutating func readLines(_ text: String) throws {
    var category = Category.other
    var lines: [(Int, Substring)] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = line.drop { $0 == " " || $0 == "\u{FEFF}" }
      if line.first == "#" || line.first == ";" {
        readRemark(line.dropFirst(), &category)
      } else if line.contains(where: { !$0.isWhitespace }) {
        lines.append((index + 1, line))
      }
    }
    let head = lines.first.map { $0.1.lowercased().split(separator: ",").map(Self.trimmed) } ?? []
    let address = head.firstIndex {
      ["ip", "address", "network", "cidr", "indicator", "ip_address", "value"].contains($0)
    }
    if let address, head[address].contains(where: \.isLetter),
      FlowAddress.range(head[address]) == nil
    {
      return try readCSV(text, head, address)
    }
    for (number, line) in lines {
      let word = line.split { $0 == " " || $0 == "\t" || $0 == "#" || $0 == ";" || $0 == "\r" }
        .first
      guard let word, let range = FlowAddress.range(String(word)) else {
        fault(number, "\"\(line.prefix(48))\" is no address or network")
        continue
      }
      entries.append(Entry(range: range, category: category))
    }
  }

  /// What a list says of itself: `# name: …`, `# date: …`, `# expires: …`, `# category: …`.
  private mutating func readRemark(_ line: Substring, _ category: inout Category) {
    guard let colon = line.firstIndex(of: ":") else { return }
    let key = Self.trimmed(line[..<colon]).lowercased()
    let value = Self.trimmed(line[line.index(after: colon)...])
    switch key {
    case "name": name = value
    case "category": category = Category(value)
    case "date", "updated", "last updated": if let instant = Instant(value) { date = instant }
    case "expires", "valid until": expires = Instant(value) ?? expires
    default: break
    }
  }

  private mutating func readCSV(_ text: String, _ head: [String], _ address: Int) throws {
    let plain = text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.first == "#" ? "" : $0 }.joined(separator: "\n")
    func column(_ names: [String]) -> Int? { head.firstIndex { names.contains($0) } }
    let category = column(["category", "type", "threat", "threat_type", "tags", "label"])
    let from = column(["valid_from", "first_seen"])
    let until = column(["valid_until", "expires", "expiration"])
    for row in try CSVRows(plain, file: name).rows.dropFirst() {
      func cell(_ index: Int?) -> String? {
        index.flatMap { $0 < row.cells.count ? Self.trimmed(row.cells[$0][...]) : nil }
      }
      guard let range = cell(address).flatMap(FlowAddress.range) else {
        fault(row.line, "\"\(cell(address)?.prefix(48) ?? "")\" is no address or network")
        continue
      }
      entries.append(
        Entry(
          range: range,
          category: cell(category).map { Category($0) } ?? .other,
          validFrom: cell(from).flatMap { Instant($0)?.milliseconds },
          validUntil: cell(until).flatMap { Instant($0)?.milliseconds }
        )
      )
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    String(
      text.drop { $0.isWhitespace || $0 == "\"" }.reversed().drop { $0.isWhitespace || $0 == "\"" }
        .reversed()
    )
  }

  // MARK: - STIX

  private mutating func readSTIX(_ bundle: JSONValue) throws {
    let objects = bundle["objects"]?.array ?? bundle.array ?? [bundle]
    var newest: Instant?
    for (index, object) in objects.enumerated() where object["type"]?.string == "indicator" {
      if object["revoked"]?.bool == true { continue }
      let words =
        ["indicator_types", "labels"].flatMap { object[$0]?.array ?? [] }
        .compactMap(\.string) + [object["name"]?.string ?? ""]
      let category = words.lazy.map { Category($0) }.first { $0 != .other } ?? .other
      let ranges = Self.addresses(in: object["pattern"]?.string ?? "")
      if ranges.isEmpty { fault(index + 1, "an indicator names no address") }
      for range in ranges {
        entries.append(
          Entry(
            range: range,
            category: category,
            validFrom: object["valid_from"]?.string.flatMap { Instant($0)?.milliseconds },
            validUntil: object["valid_until"]?.string.flatMap { Instant($0)?.milliseconds }
          )
        )
      }
      if let changed = object["modified"]?.string.flatMap({ Instant($0) }) {
        newest = max(newest ?? changed, changed)
      }
    }
    if let newest { date = newest }
  }

  /// The addresses of a pattern's comparisons with `ipv4-addr:value` and `ipv6-addr:value`.
  private static func addresses(in pattern: String) -> [ClosedRange<UInt128>] {
    // A pattern that combines by AND, NOT or FOLLOWEDBY means less than each of its addresses.
    let words = pattern.uppercased().split { !$0.isLetter }
    if words.contains("AND") || words.contains("NOT") || words.contains("FOLLOWEDBY") { return [] }
    var found: [ClosedRange<UInt128>] = []
    var rest = pattern[...]
    while let place = rest.firstRange(of: "-addr:value") {
      rest = rest[place.upperBound...]
      guard let open = rest.firstIndex(of: "'") else { break }
      let text = rest[rest.index(after: open)...]
      guard let close = text.firstIndex(of: "'") else { break }
      if let range = FlowAddress.range(String(text[..<close])) { found.append(range) }
      rest = text[text.index(after: close)...]
    }
    return found
  }
}
