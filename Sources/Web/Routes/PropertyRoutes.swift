import JSON
import Model
import Operations
import Store

/// The property catalogue.
enum PropertyRoutes {
  static let handlers: [String: APIHandler] = [
    "listPropertyKinds": kinds, "listProperties": properties,
  ]

  /// How many resources of a kind are looked at for what properties there are.
  private static let sampled = 200

  private static func catalogue(_ call: APICall) async throws -> PropertyCatalogue {
    let (facts, shipped, now) = (
      try call.services.properties(), try call.services.content().rules, call.now
    )
    let own = try await call.read { try OwnContent($0, at: now).rules }
    return PropertyCatalogue(facts, shipped + own)
  }

  private static func kinds(_ call: APICall) async throws -> APIReply {
    let words = call.text("q").lowercased().split(separator: " ")
    let found = try await catalogue(call).kinds.filter { entry in
      let text = "\(entry.kind)".lowercased()
      return words.allSatisfy { text.contains($0) }
    }
    return try call.page(
      found.map {
        ["kind": .string("\($0.kind)"), "properties": .integer(Int64($0.properties))]
      },
      sorts: ["kind"]
    )
  }

  private static func properties(_ call: APICall) async throws -> APIReply {
    let (pattern, known) = (call.text("kind"), try await catalogue(call))
    let catalogue = try await call.read { transaction in
      var catalogue = known
      guard let kind = ResourceKind(pattern) else { return catalogue }
      let resources = try call.resources(transaction).sample(of: kind, limit: sampled).resources
      let parser = JSONParser()
      for line in try transaction.lines(of: resources.map(\.state)) {
        catalogue.add(try parser.parse(line)["configuration"] ?? .null, of: kind)
      }
      return catalogue
    }
    let words = call.text("q").lowercased().split(separator: " ")
    let found = catalogue.properties(of: pattern).filter { entry in
      let text = "\(entry.path) \(entry.meaning)".lowercased()
      return words.allSatisfy { text.contains($0) }
    }
    return try call.page(found.map(\.json), sorts: ["position"])
  }
}
