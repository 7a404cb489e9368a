import Collectors
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// The answers of AWS's protocol cases, and answers that were recorded.
struct AWSResponseCaseTests {
  static let files = [
    ProtocolCases.File(name: "ec2", count: 29),
    ProtocolCases.File(name: "query", count: 38),
    ProtocolCases.File(
      name: "json",
      count: 58,
      exceptions: [document: ["PutAndGetInlineDocumentsInput"]]
    ),
    ProtocolCases.File(name: "json_1_0", count: 32),
    ProtocolCases.File(name: "json_1_0-query-compatible", count: 2),
    ProtocolCases.File(
      name: "rest-json",
      count: 91,
      exceptions: [
        document: [
          "DocumentOutput", "DocumentOutputString", "DocumentOutputNumber", "DocumentOutputBoolean",
          "DocumentOutputArray", "DocumentTypeAsMapValueOutput", "DocumentTypeAsPayloadOutput",
          "DocumentTypeAsPayloadOutputString",
        ],
        noBody: [
          "RestJsonHttpPayloadWithUnsetUnion", "RestJsonIgnoreQueryParamsInResponseNoPayload",
        ],
        noBytes: ["RestJsonHttpPayloadTraitsWithNoBlobBody"],
        "null in a map is kept, as botocore has it": [
          "RestJsonDeserializesDenseSetMapAndSkipsNull"
        ],
      ]
    ),
    ProtocolCases.File(
      name: "rest-xml",
      count: 78,
      exceptions: [
        noBody: ["RestXmlHttpPayloadWithUnsetUnion"],
        noBytes: ["HttpPayloadTraitsWithNoBlobBody"],
        "the facts have no names of root elements that differ from the shape's": [
          "HttpPayloadWithXmlName"
        ],
      ]
    ),
  ]

  private static let document = "the facts have no document types"
  private static let noBody = "no body where members are expected counts as cut off"
  private static let noBytes = "a body of no bytes is there and empty, as botocore has it"

  @Test(arguments: files)
  func `answers are read as AWS's cases have them`(_ file: ProtocolCases.File) throws {
    try file.expectNoDifference("output", difference)
  }

  private func difference(_ one: ProtocolCases.Case) throws -> String? {
    let service = try #require(try one.model.service("service"))
    let operation = try #require(service.operations[one.operation])
    let answer = one.json["response"] ?? .null
    let response = HTTPResponse(
      answer["status_code"]?.whole ?? 200,
      headers: (answer["headers"]?.object?.members ?? []).map { ($0.key, $0.value.string ?? "") },
      body: Array((answer["body"]?.string ?? "").utf8)
    )
    let reader = AWSResponseReader()
    if one.json["error"] != nil {
      let fault = reader.fault(response, of: service)
      let (code, message) = (one.json["errorCode"]?.string, one.json["errorMessage"]?.string)
      let isSame = fault.code == code && (message == nil || message == fault.message)
      return isSame ? nil : "\(fault), not \(code ?? ""): \(message ?? "")"
    }
    let read = try reader.output(response, operation, of: service)
    let expected = one.json["result"] ?? .null
    return ProtocolCases.agrees(read, expected) ? nil : "\(read.text), not \(expected.text)"
  }

  /// Every answer that was cut off is an error, wherever it was cut.
  @Test(arguments: files)
  func `no beginning of a case's answer is read as an answer`(_ file: ProtocolCases.File) throws {
    var count = 0
    for one in try ProtocolCases.cases("protocols/output/\(file.name).json")
    where one.json["error"] == nil && one.hasStructuredBody {
      let service = try #require(try one.model.service("service"))
      let operation = try #require(service.operations[one.operation])
      let body = Array((one.json["response"]?["body"]?.string ?? "").utf8)
      let end = body.lastIndex { $0 > 0x20 } ?? 0
      let read = (0...end).filter { length in
        let response = HTTPResponse(200, body: Array(body.prefix(length)))
        return (try? AWSResponseReader().output(response, operation, of: service)) != nil
      }
      #expect(read == [], "\(one.id), of \(body.count) bytes")
      count += 1
    }
    #expect(count > 8 || file.name.hasSuffix("compatible"))
  }
}

extension ProtocolCases.Case {
  /// Whether the output is members in a body, not a body of any bytes or headers alone.
  fileprivate var hasStructuredBody: Bool {
    let output = model.shape(given["output"])
    let members = output?["members"]?.object?.members ?? []
    if let payload = output?["payload"]?.string {
      return model.shape(output?["members"]?[payload])?["type"]?.string == "structure"
    }
    return members.contains { $0.value["location"] == nil }
  }
}
