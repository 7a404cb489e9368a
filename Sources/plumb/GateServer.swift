import ArgumentParser
import JSON
import Model

// A gate that a server decides at.
extension GateOptions {
  /// The decisions of a server, if one is meant; what they would be asked by is shown instead where
  /// that is wanted.
  func answered(_ collected: [Collected], gate: String) async throws -> [JSONValue]? {
    var given = goals.given + store.given
    given += [guardrails.map { _ in "--guardrails" }, files.exceptions.map { _ in "--exceptions" }]
      .compactMap { $0 }
    let context = ServerOptions.Context(local: given, unheard: at.options, actor: person.given)
    let answers = Answers()
    let sketches = batches(of: collected.resources).map { batch -> APISketch in
      let body: JSONValue = [
        "gate": .string(gate), "proof": true, "operation": "update", "resources": .array(batch),
      ]
      return APISketch.change("POST", "decisions", body: body) { answer in
        let decisions = answer["decisions"]?.array ?? []
        guard decisions.count == batch.count, decisions.allSatisfy({ $0["decision"] != nil }) else {
          throw ValidationError(
            "the server answered with \(decisions.count) decisions for \(batch.count) resources"
          )
        }
        answers.add(decisions)
        return []
      }
    }
    return try await server.answers(context) { sketches } ? answers.all : nil
  }

  /// The resources as bodies of requests, none of which is too long.
  private func batches(of resources: [Resource]) -> [[JSONValue]] {
    var batches: [[JSONValue]] = []
    var size = 0
    for var resource in resources {
      if resource.account.isEmpty { resource.account = account ?? "" }
      // An empty region says that there is none; one that is left out is not told.
      let isRegionTold = !resource.unread.contains { $0.path == "$resource.region" }
      let line = resource.inventoryLine.with(region: isRegionTold ? resource.region : nil)
      let length = line.text.utf8.count
      if batches.isEmpty || size + length > 500_000 || batches[batches.count - 1].count == 1000 {
        batches.append([])
        size = 0
      }
      batches[batches.count - 1].append(line)
      size += length
    }
    return batches
  }
}

extension JSONValue {
  fileprivate func with(region: String?) -> JSONValue {
    guard let region, var object = self.object else { return self }
    object["region"] = .string(region)
    return .object(object)
  }
}

/// What a server answered so far.
private final class Answers {
  private(set) var all: [JSONValue] = []

  func add(_ more: [JSONValue]) { all += more }
}
