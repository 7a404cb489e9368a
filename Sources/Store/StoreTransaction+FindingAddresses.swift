internal import JSON
internal import Model

// Which addresses findings tell of, so that they are found by them.
extension StoreTransaction {
  /// Keeps which addresses a finding tells of.
  func keep(_ addresses: Set<String>, of finding: Int64) throws {
    for address in addresses {
      try session.run(
        "INSERT INTO finding_addresses (address, finding) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [.text(address), .integer(finding)]
      )
    }
  }
}

extension Finding {
  /// The addresses that stand in it, at most some.
  var addresses: Set<String> {
    var found: Set<String> = []
    func walk(_ value: JSONValue, _ depth: Int) {
      guard found.count < 64, depth < 6 else { return }
      switch value {
      case .string(let text):
        if text.utf8.count < 46, let address = IPNetwork.address(text) { found.insert(address) }
      case .array(let items): for item in items { walk(item, depth + 1) }
      case .object(let object): for member in object.members { walk(member.value, depth + 1) }
      default: return
      }
    }
    for text in [entity.sourceIP, entity.resource, entity.peer] {
      text.map { walk(.string($0), 0) }
    }
    walk(.object(evidence.values), 0)
    return found
  }
}
