import Collectors
import Foundation
import JSON
import TestSupport

/// A service's model as botocore has it, from which facts can be made.
struct BotocoreModel {
  let metadata: JSONValue
  let shapes: [String: JSONValue]
  let operations: [String: JSONValue]

  init(_ json: JSONValue) {
    metadata = json["metadata"] ?? .null
    shapes = Self.dictionary(json["shapes"])
    operations = Self.dictionary(json["operations"])
  }

  /// The model of a suite's case, which has one operation.
  init(_ suite: JSONValue, _ operation: JSONValue) {
    metadata = suite["metadata"] ?? .null
    shapes = Self.dictionary(suite["shapes"])
    operations = [operation["name"]?.string ?? "OperationName": operation]
  }

  private static func dictionary(_ value: JSONValue?) -> [String: JSONValue] {
    Dictionary((value?.object?.members ?? []).map { ($0.key, $0.value) }) { _, last in last }
  }

  /// The service as the facts would hold it, with the operations named.
  func service(_ id: String, _ names: [String]? = nil) throws -> AWSService? {
    var writer = FactsWriter(model: self, id: id)
    let json = writer.facts(names ?? operations.keys.sorted())
    return try AWSFacts(parsing: Array(json.text.utf8)).service(id)
  }

  /// The shape behind a reference.
  func shape(_ reference: JSONValue?) -> JSONValue? {
    (reference?["shape"]?.string).flatMap { shapes[$0] }
  }
}

/// Makes facts from a model, in the form of the file that the program carries.
private struct FactsWriter {
  let model: BotocoreModel
  let id: String
  var shapes: [(key: String, value: JSONValue)] = []
  var met: Set<String> = []

  init(model: BotocoreModel, id: String) {
    self.model = model
    self.id = id
  }

  mutating func facts(_ names: [String]) -> JSONValue {
    let metadata = model.metadata
    let protocols = metadata["protocols"]?.array?.compactMap(\.string) ?? []
    let wire = protocols.first { !$0.hasPrefix("smithy") } ?? metadata["protocol"]?.string
    var service: JSONObject = [
      "protocol": .string(wire ?? ""),
      "apiVersion": metadata["apiVersion"] ?? "",
      "endpointPrefix": metadata["endpointPrefix"] ?? .string(id),
      "signingName": metadata["signingName"] ?? .string(id),
    ]
    if wire == "json" {
      service["targetPrefix"] = metadata["targetPrefix"]
      service["jsonVersion"] = metadata["jsonVersion"]
    }
    var operations = JSONObject()
    for name in names { operations[name] = operation(name, wire ?? "") }
    service["operations"] = .object(operations)
    return [
      "botocore": "test", "services": .object(JSONObject([(id, .object(service))])),
      "shapes": .object(JSONObject(shapes)),
    ]
  }

  private mutating func operation(_ name: String, _ wire: String) -> JSONValue {
    let json = model.operations[name] ?? .null
    var operation: JSONObject = [
      "method": json["http"]?["method"] ?? "POST",
      "uri": json["http"]?["requestUri"] ?? "/",
      "input": members(of: model.shape(json["input"])),
    ]
    operation["payload"] = model.shape(json["input"])?["payload"]
    operation["endpointPrefix"] = json["endpoint"]?["hostPrefix"]
    guard let output = json["output"] else { return .object(operation) }
    operation["output"] = .string(type(output))
    operation["resultWrapper"] = output["resultWrapper"]
    // The cases of the query protocol leave it to the reader to know the wrapper.
    if wire == "query", output["resultWrapper"] == nil,
      model.shape(output)?["members"]?.object?.isEmpty == false
    {
      operation["resultWrapper"] = .string("\(name)Result")
    }
    return .object(operation)
  }

  private mutating func members(of shape: JSONValue?) -> JSONValue {
    var members = JSONObject()
    for (name, reference) in shape?["members"]?.object?.members ?? [] {
      var member: JSONObject = ["shape": .string(type(reference))]
      member["wire"] = reference["locationName"]
      for key in ["location", "queryName", "flattened"] { member[key] = reference[key] }
      member["attribute"] = reference["xmlAttribute"]
      members[name] = .object(member)
    }
    return .object(members)
  }

  private mutating func type(_ reference: JSONValue) -> String {
    let name = reference["shape"]?.string ?? ""
    let shape = model.shapes[name]
    switch shape?["type"]?.string ?? "" {
    case "string", "character": return "string"
    case "integer", "long", "short", "byte", "bigInteger": return "integer"
    case "float", "double", "bigDecimal": return "float"
    case "boolean": return "boolean"
    case "blob": return "blob"
    case "timestamp":
      let form = reference["timestampFormat"]?.string ?? shape?["timestampFormat"]?.string
      return form.map { "timestamp:\($0)" } ?? "timestamp"
    default:
      if met.insert(name).inserted { write(name, shape ?? .null) }
      return "#\(id).\(name)"
    }
  }

  private mutating func write(_ name: String, _ shape: JSONValue) {
    var facts: JSONObject = ["type": shape["type"] ?? .null]
    facts["flattened"] = shape["flattened"]
    switch shape["type"]?.string {
    case "list":
      facts["member"] = .string(type(shape["member"] ?? .null))
      facts["memberWire"] = shape["member"]?["locationName"]
    case "map":
      for part in ["key", "value"] {
        facts[part] = .string(type(shape[part] ?? .null))
        facts["\(part)Wire"] = shape[part]?["locationName"]
      }
    default:
      facts["members"] = members(of: shape)
      facts["payload"] = shape["payload"]
    }
    shapes.append(("\(id).\(name)", .object(facts)))
  }
}
