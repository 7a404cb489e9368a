internal import JSON
internal import Model

// Which addresses findings tell of, so that they are found by them.
extension StoreTransaction {
  /// Keeps which addresses findings tell of.
  func keepAddresses(of findings: [KeptFinding]) throws {
    for kept in findings {
      for address in kept.finding.addresses {
        try session.run(
          "INSERT INTO finding_addresses (address, finding) VALUES ($1, $2) ON CONFLICT DO NOTHING",
          [.text(address), .integer(kept.id)]
        )
      }
    }
  }
}

extension Finding {
  /// The addresses that stand in it, at most some.
  fileprivate var addresses: Set<String> {
    var found: Set<String> = []
    func walk(_ value: JSONValue, _ depth: Int) {
      guard found.count < 64, depth < 6 else { return }
      switch value {
      case .string(let text):
        if text.utf8.count < 46, !text.contains("/"), IPNetwork(text) != nil { found.insert(text) }
      case .array(let items): for item in items { walk(item, depth + 1) }
      case .object(let object): for member in object.members { walk(member.value, depth + 1) }
      default: return
      }
    }
    for text in [entity.sourceIP, entity.resource] { text.map { walk(.string($0), 0) } }
    walk(.object(evidence.values), 0)
    return found
  }
}
