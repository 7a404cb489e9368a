import Collectors
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// The requests of AWS's protocol cases.
struct AWSRequestCaseTests {
  static let files = [
    ProtocolCases.File(
      name: "ec2",
      count: 29,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_ec2Query",
          "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query",
        ],
        token: ["Ec2ProtocolIdempotencyTokenAutoFill"],
      ]
    ),
    ProtocolCases.File(
      name: "query",
      count: 38,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_awsQuery",
          "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
        ],
        token: ["QueryProtocolIdempotencyTokenAutoFill"],
      ]
    ),
    ProtocolCases.File(
      name: "json",
      count: 54,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_awsJson1_1",
          "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
        ],
        document: ["PutAndGetInlineDocumentsInput"],
      ]
    ),
    ProtocolCases.File(
      name: "json_1_0",
      count: 21,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_awsJson1_0",
          "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
        ]
      ]
    ),
    ProtocolCases.File(
      name: "json_1_0-query-compatible",
      count: 1,
      exceptions: [
        "the facts do not say which services once were query services": [
          "QueryCompatibleAwsJson10CborSendsQueryModeHeader"
        ]
      ]
    ),
    ProtocolCases.File(
      name: "rest-json",
      count: 113,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_restJson1", "SDKAppendedGzipAfterProvidedEncoding_restJson1",
        ],
        token: ["RestJsonQueryIdempotencyTokenAutoFill"],
        document: [
          "DocumentTypeInputWithObject", "DocumentInputWithString", "DocumentInputWithNumber",
          "DocumentInputWithBoolean", "DocumentInputWithList", "DocumentTypeAsMapValueInput",
          "DocumentTypeAsPayloadInput", "DocumentTypeAsPayloadInputString",
        ],
        emptyList: ["RestJsonNullAndEmptyHeaders"],
        "the facts hold only inputs in use, so an operation without any gets an empty object": [
          "RestJsonEmptyInputAndEmptyOutput", "RestJsonEndpointTrait", "RestJsonNoInputAndNoOutput",
          "RestJsonNoInputAndOutput", "RestJsonHttpPostWithNoInput", "RestJsonUnitInputAndOutput",
        ],
        "no operation that reads has a checksum of its body": ["RestJsonHttpChecksumRequired"],
        "no operation that reads has JSON in a header": ["MediaTypeHeaderInputBase64"],
        "a payload that is not given is an empty object, as botocore has it": [
          "RestJsonHttpPayloadWithUnsetUnion"
        ],
      ]
    ),
    ProtocolCases.File(
      name: "rest-xml",
      count: 94,
      exceptions: [
        compressed: [
          "SDKAppliedContentEncoding_restXml", "SDKAppendedGzipAfterProvidedEncoding_restXml",
        ],
        token: ["QueryIdempotencyTokenAutoFill"],
        emptyList: ["NullAndEmptyHeaders"],
        "the facts have no namespaces of XML: no operation that reads has such a body": [
          "XmlNamespaces", "RestXmlXmlMapWithXmlNamespace", "HttpPayloadWithXmlNamespace",
          "HttpPayloadWithXmlNamespaceAndPrefix",
        ],
        "the facts have no names of root elements: no operation that reads has such a body": [
          "BodyWithXmlName", "HttpPayloadWithXmlName", "XmlAttributesOnPayload",
          "RestXmlHttpPayloadWithUnion",
        ],
      ]
    ),
  ]

  private static let compressed = "bodies are not compressed"
  private static let token = "no operation that reads takes an idempotency token"
  private static let document = "the facts have no document types"
  private static let emptyList = "an empty list is no header, as botocore has it"

  @Test(arguments: files)
  func `requests are written as AWS's cases have them`(_ file: ProtocolCases.File) throws {
    try file.expectNoDifference("input", difference)
  }

  /// What differs between the request written and the one expected; nil where nothing does.
  private func difference(_ one: ProtocolCases.Case) throws -> String? {
    let service = try #require(try one.model.service("service"))
    let operation = try #require(service.operations[one.operation])
    let endpoint = one.suite["clientEndpoint"]?.string ?? "https://example.com"
    let input = encoded(one.json["params"] ?? .null, one.model.shape(one.given["input"]), one.model)
    let request = try AWSRequestWriter().request(
      operation,
      of: service,
      input: input.object ?? JSONObject(),
      endpoint: endpoint,
      pathStyleBucket: false
    )
    let expected = one.json["serialized"] ?? .null
    let rest = request.url.dropFirst("https://".count)
    let host = rest.prefix { $0 != "/" }
    if let wanted = expected["method"]?.string, wanted != request.method { return request.method }
    if let wanted = expected["uri"]?.string, wanted != rest.dropFirst(host.count) {
      return "\(rest.dropFirst(host.count)), not \(wanted)"
    }
    if let wanted = expected["host"]?.string, !wanted.hasPrefix(host) {
      return "\(host), not \(wanted)"
    }
    return headerDifference(request, expected) ?? bodyDifference(request, expected)
  }

  private func headerDifference(_ request: HTTPRequest, _ expected: JSONValue) -> String? {
    for (name, value) in expected["headers"]?.object?.members ?? [] {
      guard let found = request[header: name] else { return "no header \(name)" }
      // The forms' cases leave the encoding out.
      if found != value.string, found != "\(value.string ?? ""); charset=utf-8" {
        return "header \(name) is \(found), not \(value.text)"
      }
    }
    for name in expected["forbidHeaders"]?.array?.compactMap(\.string) ?? []
    where request[header: name] != nil {
      return "header \(name)"
    }
    return nil
  }

  private func bodyDifference(_ request: HTTPRequest, _ expected: JSONValue) -> String? {
    guard let wanted = expected["body"]?.string else { return nil }
    let body = String(decoding: request.body, as: UTF8.self)
    if body == wanted { return nil }
    if let left = try? JSONValue(parsing: body), let right = try? JSONValue(parsing: wanted),
      ProtocolCases.agrees(left, right)
    {
      return nil
    }
    let bare = wanted.replacing(/>\s*\n\s*</, with: "><").trimmingCharacters(
      in: .whitespacesAndNewlines
    )
    return body == bare ? nil : "\(body), not \(bare)"
  }

  /// The parameters of a case with bytes in base64, as the writer takes them.
  private func encoded(
    _ value: JSONValue,
    _ shape: JSONValue?,
    _ model: BotocoreModel
  ) -> JSONValue {
    switch (shape?["type"]?.string, value) {
    case ("blob", .string(let text)): return .string(Data(text.utf8).base64EncodedString())
    case ("list", .array(let elements)):
      return .array(elements.map { encoded($0, model.shape(shape?["member"]), model) })
    case ("map", .object(let object)):
      return .object(
        JSONObject(
          object.members.map { ($0.key, encoded($0.value, model.shape(shape?["value"]), model)) }
        )
      )
    case ("structure", .object(let object)):
      return .object(
        JSONObject(
          object.members.map {
            ($0.key, encoded($0.value, model.shape(shape?["members"]?[$0.key]), model))
          }
        )
      )
    default: return value
    }
  }
}
