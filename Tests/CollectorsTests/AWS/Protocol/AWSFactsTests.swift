import Collectors
import Foundation
import JSON
import Testing

struct AWSFactsTests {
  private func facts(_ text: String = SampleFacts.text) throws -> AWSFacts {
    try AWSFacts(parsing: Array(text.utf8))
  }

  @Test func `a service is found with its operations and how they go on`() throws {
    let facts = try facts()
    #expect(facts.botocore == "1.0.0")
    #expect(facts.serviceIDs.contains("s3control"))
    #expect(try facts.service("sqs") == nil)
    let service = try #require(try facts.service("iam"))
    #expect(service.wireProtocol == .query)
    #expect(service.json["global"]?["aws"]?.string == "us-east-1")
    let page = try #require(service.operations["ListUsers"]?.page)
    #expect(page.input == ["Marker"] && page.output == ["Marker"])
    #expect(page.more == "IsTruncated" && page.limit == "MaxItems")
  }

  /// What is replaced in the sample, and what is then said about it.
  static let faults = [
    (#"{"botocore":"1.0.0","#, "{", "botocore: is missing"),
    (#""protocol":"query""#, #""protocol":"soap""#, "services.iam.protocol: expected one of"),
    (
      #""method":"POST","uri":"/","resultWrapper""#, #""uri":"/","resultWrapper""#,
      "ListUsers.method"
    ),
    (#""shape":"integer"}},"#, #""shape":"number"}},"#, "MaxItems.shape: expected a kind of value"),
    (##"#iam.ListUsersResponse"##, "#iam.Lost", "the shape iam.Lost, which is not there"),
    (
      ##""output":"#iam.ListUsersResponse""##, #""output":"string""#, "output: expected a structure"
    ),
    (##""type":"list","member":"#iam.User""##, #""type":"bag""#, "shapes.iam.Users.type"),
    (#""input":["Marker"],"#, "", "page: expected as many tokens"),
    (#"}}"#, "", "not valid JSON"),
  ]

  @Test(arguments: faults) func `a broken file is told with its place`(
    _ old: String,
    _ new: String,
    _ expected: String
  ) throws {
    let range = try #require(SampleFacts.text.range(of: old))
    let text = SampleFacts.text.replacingCharacters(in: range, with: new)
    let error = #expect(throws: AWSFactsError.self) { _ = try facts(text).service("iam") }
    #expect("\(try #require(error))".contains(expected), "\(String(describing: error))")
  }

  @Test func `the shipped facts can be read, every service of them`() throws {
    let facts = try SampleFacts.shipped()
    #expect(facts.serviceIDs.count > 30)
    for id in facts.serviceIDs {
      #expect(try facts.service(id)?.operations.isEmpty == false, "\(id)")
    }
  }
}
