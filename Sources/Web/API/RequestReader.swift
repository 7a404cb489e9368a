import Foundation
import HTTPTypes
import Hummingbird
import JSON
import Model

/// Reads a request as its operation's description says, or tells everything that is wrong with it.
struct RequestReader {
  let operation: APIOperation
  let schema: Schema

  /// The most bytes of a body that is JSON, where its operation does not say otherwise.
  static let bodyLimit = 1 << 20

  /// The values of the parameters of a request by name.
  func parameters(_ request: Request, path: Parameters) throws -> [String: JSONValue] {
    var query = Dictionary(grouping: Self.pairs(request.uri.query ?? ""), by: \.name)
      .mapValues { $0.map(\.value) }
    let texts = operation.parameters.map { parameter -> [String] in
      switch parameter.place {
      case .query: query.removeValue(forKey: parameter.name) ?? []
      case .path: path.get(parameter.name).map { [$0.removingPercentEncoding ?? $0] } ?? []
      case .header:
        HTTPField.Name(parameter.name).flatMap { request.headers[$0] }.map { [$0] } ?? []
      }
    }
    return try values(of: texts, unknown: query.keys.sorted())
  }

  /// The values of parameters that are given by name, wherever a request has them.
  func parameters(_ given: [(name: String, value: String)]) throws -> [String: JSONValue] {
    let names = Set(operation.parameters.map(\.name))
    let texts = operation.parameters.map { parameter in
      given.filter { $0.name == parameter.name }.map(\.value)
    }
    return try values(of: texts, unknown: given.map(\.name).filter { !names.contains($0) })
  }

  /// The values of the operation's parameters, from the texts of each.
  private func values(of texts: [[String]], unknown: [String]) throws -> [String: JSONValue] {
    var values: [String: JSONValue] = [:]
    var faults: [Schema.Fault] = []
    for (parameter, texts) in zip(operation.parameters, texts) {
      guard !texts.isEmpty else {
        if parameter.isRequired { try missing(parameter, &faults) }
        values[parameter.name] = parameter.schema["default"]
        continue
      }
      if texts.count > 1, !parameter.isList {
        faults.append(Schema.Fault(pointer: parameter.name, detail: "stands more than once"))
        continue
      }
      let value = Self.value(texts, parameter.schema)
      let wrong = schema.faults(value, parameter.schema, at: parameter.name)
      if parameter.place == .path, !wrong.isEmpty {
        throw Problem.notFound(parameter.name, texts[0])
      }
      faults += wrong
      values[parameter.name] = value
    }
    faults += unknown.map {
      Schema.Fault(pointer: $0, detail: "is no parameter of this operation")
    }
    guard faults.isEmpty else { throw Problem.invalid(faults) }
    return values
  }

  /// Refuses a body that is not as described.
  func check(_ body: JSONValue) throws {
    guard let bodySchema = operation.body else { return }
    let faults = schema.faults(body, bodySchema)
    guard faults.isEmpty else { throw Problem.invalid(faults) }
  }

  /// The parts of a query as forms encode them, where `+` is a space.
  static func pairs(_ text: String) -> [(name: String, value: String)] {
    text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map {
        let text = $0.replacing("+", with: " ")
        return text.removingPercentEncoding ?? String(text)
      }
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
  }

  private func missing(_ parameter: APIOperation.Parameter, _ faults: inout [Schema.Fault]) throws {
    if parameter.name == "If-Match" {
      throw Problem(
        428,
        "needs-match",
        "If-Match is missing",
        "send the ETag of what you read, or * to change it whatever it is"
      )
    }
    faults.append(Schema.Fault(pointer: parameter.name, detail: "is missing"))
  }

  /// Texts of a request as the type of a schema; what does not fit stays text, and is refused then.
  private static func value(_ texts: [String], _ schema: JSONValue) -> JSONValue {
    // Few who write an instant escape the + of its zone.
    if schema["format"]?.string == "date-time" {
      return .string(texts[0].replacing(" ", with: "+"))
    }
    return switch schema["type"]?.string {
    case "array":
      .array(texts.map { value([$0], schema["items"] ?? [:]) })
    case "integer": Int64(texts[0]).map { .integer($0) } ?? .string(texts[0])
    case "boolean":
      switch texts[0] {
      case "true": true
      case "false": false
      default: .string(texts[0])
      }
    default: .string(texts[0])
    }
  }

  /// The body, and its bytes.
  func body(_ request: Request) async throws -> (JSONValue, [UInt8]) {
    guard operation.body != nil else { return (.null, []) }
    let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
    guard type == "application/json" else {
      throw Problem(
        415,
        "media-type",
        "The body must be JSON",
        "Content-Type is \"\(type)\", expected application/json"
      )
    }
    let bytes = try await Self.bytes(request, limit: operation.bodyLimit)
    let value: JSONValue
    do {
      value = try JSONParser().parse(bytes).withWholeNumbers
    } catch JSONError.number {
      // It may be JSON all the same.
      throw Problem(
        422,
        "invalid",
        "The body holds a number that cannot be taken",
        "\(JSONError.number)"
      )
    } catch {
      throw Problem(400, "invalid", "The body is no JSON", "\(error)")
    }
    try check(value)
    return (value, bytes)
  }

  /// The most bytes of a body that is handed over in pieces.
  static let uploadLimit = 16 << 30

  /// The body of an operation that takes other than JSON; nil for others.
  func upload(_ request: Request) throws -> UploadBody? {
    guard let expected = operation.bodyKind else { return nil }
    let type = request.headers[.contentType]?.prefix { $0 != ";" }.lowercased() ?? ""
    guard type == expected else {
      throw Problem(
        415,
        "media-type",
        "The body must be \(expected)",
        "Content-Type is \"\(type)\""
      )
    }
    let body = request.body
    return UploadBody { take in
      var count = 0
      for try await buffer in body {
        count += buffer.readableBytes
        guard count <= Self.uploadLimit else {
          throw Problem(413, "too-large", "The body is too large")
        }
        try take(Array(buffer.readableBytesView))
      }
    }
  }

  /// The bytes of a body.
  ///
  /// - Throws: a problem for one that is longer than a limit.
  static func bytes(_ request: Request, limit: Int) async throws -> [UInt8] {
    do {
      let buffer = try await request.body.collect(upTo: limit)
      return Array(buffer.readableBytesView)
    } catch {
      throw Problem(
        413,
        "too-large",
        "The body is too large",
        "\(limit) bytes are taken at most"
      )
    }
  }
}
