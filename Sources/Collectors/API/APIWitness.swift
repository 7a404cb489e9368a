import JSON
import Model

/// Another list that names some of the items.
///
/// Providers leave out what the caller may not see. An item that is named elsewhere and that the list
/// lacks shows that the list is not whole.
struct APIWitness: Sendable {
  let call: APICall
  /// The service that is called; nil for the kind's own.
  let service: String?
  /// Where the names are in the output.
  let path: APIPath
  /// What a text there looks like if it names an item.
  let pattern: String
  /// The member of an item that is named so.
  let member: APIPath

  init(_ node: DocumentNode, path: String) throws(DocumentError) {
    var reader = try DocumentReader(node, path: path)
    call = try APICall(&reader, operation: "op")
    service = try reader.text("service")
    self.path = APIPath(try reader.requiredText("path"))
    pattern = try reader.text("like") ?? "*"
    member = APIPath(try reader.requiredText("is"))
    try reader.finish()
  }

  /// The names in an output that no item has.
  func missing(in output: JSONValue, from items: Set<String>) -> [String] {
    let names = Set(path.elements(in: output).compactMap(\.asText))
    return names.subtracting(items).filter { Wildcard.matches($0, pattern: pattern) }.sorted()
  }
}

extension APIReader {
  /// Asks the witnesses of a kind's list whether it has every item that they name.
  ///
  /// - Throws: ``APIRefusal`` where it has not, and where a witness cannot be asked.
  func confirm(_ kind: APIKind, _ items: [JSONValue], _ context: APIContext) async throws {
    for witness in kind.witnesses {
      let service = witness.service ?? kind.service
      let input = context.fill(.object(witness.call.input), .null)?.object ?? JSONObject()
      let output = try await all(witness.call, service, input, context.region, witness.path)
      let names = Set(items.flatMap { witness.member.elements(in: $0).compactMap(\.asText) })
      let missing = witness.missing(in: output ?? .null, from: names)
      guard let first = missing.first else { continue }
      let others = missing.count > 1 ? " and \(missing.count - 1) more" : ""
      throw APIRefusal(
        .withheld,
        message: "\(service):\(witness.call.operation) names \(first)\(others), the list does not",
        operation: "\(kind.service):\(kind.list.operation)",
        region: context.region
      )
    }
  }
}
