package import JSON
package import Model

/// What lists and registers say of addresses.
package struct Reputation: Sendable {
  /// What is said of an address.
  package struct Listing: Sendable, Hashable {
    package var list: String
    package var category: ReputationList.Category
    package var date: Instant
    package var isExpired: Bool

    /// The listing for programs.
    package var json: JSONValue {
      [
        "list": .string(list), "category": .string(category.rawValue),
        "list_date": .string(date.day), "list_expired": .bool(isExpired),
      ]
    }
  }

  private var entries: [(entry: ReputationList.Entry, list: Int)] = []
  private var lists: [(list: ReputationList, isExpired: Bool)] = []
  private let ranges: AddressRanges
  private let owners: AddressOwners

  /// Whether no address is listed.
  package var isEmpty: Bool { ranges.isEmpty }

  /// Lists as they stand at an instant, and who owns which address.
  package init(
    _ lists: [ReputationList] = [],
    at now: Instant = .init(milliseconds: 0),
    owners: AddressOwners = AddressOwners()
  ) {
    self.owners = owners
    for (index, list) in lists.enumerated() {
      self.lists.append((list, list.isExpired(at: now)))
      entries += list.entries.map { ($0, index) }
    }
    ranges = AddressRanges(
      entries.enumerated().map { ($0.element.entry.range, UInt32($0.offset)) }
    )
  }

  /// Whether an address is listed at a time.
  @inline(__always) func isListed(_ address: UInt128, at time: Int64) -> Bool {
    guard let found = ranges.find(address) else { return false }
    return found.contains { holds(entries[Int($0)].entry, time) }
  }

  private func holds(_ entry: ReputationList.Entry, _ time: Int64) -> Bool {
    if let from = entry.validFrom, time < from { return false }
    if let until = entry.validUntil, time > until { return false }
    return true
  }

  /// What lists say of an address at a time.
  package func listings(_ address: UInt128, at time: Int64) -> [Listing] {
    (ranges.find(address) ?? []).compactMap { number in
      let (entry, index) = entries[Int(number)]
      guard holds(entry, time) else { return nil }
      let (list, isExpired) = lists[index]
      return Listing(
        list: list.name,
        category: entry.category,
        date: list.date,
        isExpired: isExpired
      )
    }
  }

  /// Who owns an address, where a register says so.
  package func owner(_ address: UInt128) -> AddressOwners.Owner? { owners.find(address) }
}

/// Whose addresses are which: networks with their number and owner, as registers export them.
package struct AddressOwners: Sendable {
  /// The owner of a network.
  package struct Owner: Sendable, Hashable {
    package var number: String
    package var name: String
  }

  private let ranges: AddressRanges
  private let owners: [Owner]

  /// Nobody owns anything.
  package init() {
    ranges = AddressRanges([])
    owners = []
  }

  /// Reads CSV with the columns `network`, `asn` and `owner`, or the lines of an IP-to-ASN table:
  /// first address, last address, number, country, owner, apart by tabs.
  package init(_ text: String, name: String) throws {
    var networks: [(range: ClosedRange<UInt128>, value: UInt32)] = []
    var owners: [Owner] = []
    func add(_ range: ClosedRange<UInt128>, _ number: String, _ owner: String) {
      networks.append((range, UInt32(owners.count)))
      owners.append(Owner(number: number.hasPrefix("AS") ? number : "AS\(number)", name: owner))
    }
    if text.prefix(200).contains("\t") {
      for (index, line) in text.split(separator: "\n").enumerated() {
        let cells = line.split(separator: "\t").map(String.init)
        guard cells.count >= 5, let first = FlowAddress.range(cells[0]),
          let last = FlowAddress.range(cells[1]), first.lowerBound <= last.upperBound
        else {
          throw FlowFormatError(
            description: "\(name):\(index + 1): expected first address, last address, number, "
              + "country and owner, apart by tabs"
          )
        }
        if cells[2] != "0" { add(first.lowerBound...last.upperBound, cells[2], cells[4]) }
      }
    } else {
      let rows = try CSVRows(text, file: name).rows
      let head = rows.first?.cells.map { $0.lowercased() } ?? []
      guard let network = head.firstIndex(of: "network"), let number = head.firstIndex(of: "asn"),
        let owner = head.firstIndex(of: "owner")
      else {
        throw FlowFormatError(
          description: "\(name): expected CSV with the columns network, asn and owner"
        )
      }
      for row in rows.dropFirst() {
        let least = max(network, number, owner)
        guard row.cells.count > least, let range = FlowAddress.range(row.cells[network]) else {
          throw FlowFormatError(description: "\(name):\(row.line): expected a network")
        }
        add(range, row.cells[number], row.cells[owner])
      }
    }
    ranges = AddressRanges(networks)
    self.owners = owners
  }

  /// The owner of an address.
  package func find(_ address: UInt128) -> Owner? {
    ranges.find(address)?.last.map { owners[Int($0)] }
  }
}
