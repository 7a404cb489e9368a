import Collectors
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

/// Answers of AWS that botocore's authors recorded, with what botocore makes of them.
struct AWSRecordedAnswerTests {
  /// An answer and the operation that it belongs to.
  struct Recorded: CustomTestStringConvertible, Sendable {
    let name: String
    let folder: String

    var testDescription: String { name }
    var service: String { String(name.prefix { $0 != "-" }) }

    var body: [UInt8] { get throws { try ProtocolCases.bytes("\(folder)/\(name).xml") } }
    var expected: JSONValue { get throws { try ProtocolCases.json("\(folder)/\(name).json") } }

    /// The operation's name without capitals.
    var letters: String { name.dropFirst(service.count).prefix { $0 != "#" }.filter { $0 != "-" } }

    func operation(of model: BotocoreModel) throws -> (AWSService, AWSOperation) {
      let name = try #require(model.operations.keys.first { $0.lowercased() == letters })
      let service = try #require(try model.service(service, [name]))
      return (service, try #require(service.operations[name]))
    }
  }

  /// The answers of a folder, by service.
  static func recorded(_ folder: String) throws -> [String: [Recorded]] {
    let files = try FileManager.default.contentsOfDirectory(
      atPath: ProtocolCases.folder.appendingPathComponent(folder).path
    )
    let names = files.filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }
    return Dictionary(grouping: names.sorted().map { Recorded(name: $0, folder: folder) }) {
      $0.service
    }
  }

  /// What is read otherwise on purpose, under the reason.
  private static let exceptions = [
    "documents inside a text are decoded later, where a kind says so": [
      "iam-get-user-policy", "iam-list-roles", "cloudformation-get-template",
    ],
    "the samples hold YYYY-MM-DDTHH:MM:SS in place of an instant": [
      "ec2-attach-volume", "ec2-create-snapshot", "ec2-create-volume", "ec2-detach-volume",
      "ec2-describe-spot-instance-requests", "ec2-request-spot-instances",
    ],
    "the sample's root lacks the Response that every answer has": [
      "ec2-assign-private-ip-addresses"
    ],
  ]

  @Test func `recorded answers are read as botocore reads them`() throws {
    var count = 0
    let excepted = Set(Self.exceptions.values.joined())
    for (service, answers) in try Self.recorded("responses") {
      let model = BotocoreModel(try ProtocolCases.json("models/\(service).json"))
      for answer in answers {
        count += 1
        let fault = try fault(answer, model)
        #expect((fault != nil) == excepted.contains(answer.name), "\(answer): \(fault ?? "agrees")")
      }
    }
    #expect(count == 204)
  }

  private func fault(_ answer: Recorded, _ model: BotocoreModel) throws -> String? {
    let (service, operation) = try answer.operation(of: model)
    return try difference(answer, service, operation)
  }

  private func difference(
    _ answer: Recorded,
    _ service: AWSService,
    _ operation: AWSOperation
  ) throws -> String? {
    var expected = try #require(try answer.expected.object)
    expected["ResponseMetadata"] = nil
    do {
      let response = HTTPResponse(200, body: try answer.body)
      let read = try AWSResponseReader().output(response, operation, of: service)
      if ProtocolCases.agrees(read, .object(expected)) { return nil }
      return "\(read.text), not \(JSONValue.object(expected).text)"
    } catch {
      return "\(error)"
    }
  }

  @Test func `the shipped facts read recorded answers as botocore reads them`() throws {
    let facts = try SampleFacts.shipped()
    let excepted = Set(Self.exceptions.values.joined())
    var count = 0
    for answer in try Self.recorded("responses").values.joined()
    where !excepted.contains(answer.name) {
      guard let service = try facts.service(answer.service),
        let name = service.operations.keys.first(where: { $0.lowercased() == answer.letters }),
        let operation = service.operations[name]
      else { continue }
      #expect(try difference(answer, service, operation) == nil)
      count += 1
    }
    #expect(count > 20)
  }

  @Test func `recorded error answers are read as botocore reads them`() throws {
    for (service, answers) in try Self.recorded("errors") {
      let model = BotocoreModel(try ProtocolCases.json("models/\(service).json"))
      for answer in answers {
        let service = try #require(try model.service(service, []))
        let response = HTTPResponse(400, body: try answer.body)
        let fault = AWSResponseReader().fault(response, of: service)
        let expected = try answer.expected
        #expect(fault.code == expected["Error"]?["Code"]?.string, "\(answer)")
        #expect(fault.message == expected["Error"]?["Message"]?.string, "\(answer)")
        if let id = expected["ResponseMetadata"]?["RequestId"]?.string {
          #expect(fault.requestID == id, "\(answer)")
        }
      }
    }
  }

  /// Every answer that was cut off is an error, wherever it was cut.
  @Test func `no beginning of a recorded answer is read as an answer`() throws {
    var count = 0
    for (service, answers) in try Self.recorded("responses") {
      let model = BotocoreModel(try ProtocolCases.json("models/\(service).json"))
      // Some operations answer with nothing but that they are done.
      for answer in answers where try answer.expected.object?.members.count != 1 {
        let (service, operation) = try answer.operation(of: model)
        let body = try answer.body
        // White space behind the end says nothing.
        let end = (body.lastIndex { $0 > 0x20 } ?? 0)
        let lengths = Array(stride(from: 0, to: end, by: max(1, end / 25))) + [end]
        let read = lengths.filter { length in
          let response = HTTPResponse(200, body: Array(body.prefix(length)))
          return (try? AWSResponseReader().output(response, operation, of: service)) != nil
        }
        #expect(read == [], "\(answer), of \(body.count) bytes")
        count += 1
      }
    }
    #expect(count > 150)
  }
}
