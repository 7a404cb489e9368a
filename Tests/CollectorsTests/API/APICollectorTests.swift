import Collectors
import HTTP
import JSON
import Model
import TestSupport
import Testing

/// An API of one service whose answers are a function of the operation and its input.
private struct Answers: HTTPClient {
  let answer: @Sendable (_ operation: String, _ body: JSONValue) throws -> JSONValue

  func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    let target = request[header: "X-Amz-Target"] ?? ""
    let operation = String(target.split(separator: ".").last ?? "")
    let body = try JSONParser().parse(request.body)
    return HTTPResponse(200, body: Array(try answer(operation, body).text.utf8))
  }
}

/// What the engine makes of lists that do not behave.
struct APICollectorTests {
  @Test func `pages that come round again end as a gap, not for ever`() async throws {
    let account = try AWSAccount(
      Answers { operation, body in
        guard operation == "ListTables" else { return ["Table": ["TableName": "t"]] }
        let next = body["ExclusiveStartTableName"] == "a" ? "b" : "a"
        return ["TableNames": [.string("t-\(next)")], "LastEvaluatedTableName": .string(next)]
      }
    )
    let collector = account.collector(["dynamodb/table"], regions: ["us-east-1"])
    let items = try await collector.emitted()
    let gaps = items.compactMap { if case .coverage(let one) = $0 { one.gap } else { nil } }
    #expect(gaps.contains { $0.contains("unreadable answer: dynamodb:ListTables") })
    let ids = items.compactMap { if case .resource(let one) = $0 { one.id } else { nil } }
    #expect(ids.contains("unlisted:us-east-1"))
  }

  @Test func `details that nobody wanted are unread, not absent`() async throws {
    let account = try AWSAccount(
      Answers { operation, _ in
        switch operation {
        case "ListTables": ["TableNames": ["t"]]
        case "DescribeTable": ["Table": ["TableName": "t"]]
        case "GetResources": ["ResourceTagMappingList": []]
        default: throw HTTPError.invalid(reason: "\(operation) was not to be called")
        }
      }
    )
    let kind = ResourceKind(service: "dynamodb", kind: "table")
    let collector = account.collector(
      ["dynamodb/table"],
      regions: ["us-east-1"],
      details: [kind: ["Table"]]
    )
    let table = try #require(try await collector.resources().first)
    #expect(table.configuration["Table"]?["TableName"] == "t")
    #expect(table.configuration["ContinuousBackups"] == nil)
    #expect(table.unread.map(\.path) == ["ContinuousBackups"])
    #expect(table.unread.first?.reason.hasPrefix("not read: no goal") == true)
  }

  @Test func `regions that could not be listed stand for what may be there`() async throws {
    let account = try AWSAccount(Answers { _, _ in ["TableNames": []] })
    let collector = account.collector(
      ["dynamodb/table"],
      regions: ["us-east-1"],
      regionGap: "denied",
      isRegionListRefused: true
    )
    let resources = try await collector.resources()
    #expect(resources.map(\.region) == ["other-regions"])
    #expect(resources.first?.unread.map(\.reason) == ["denied"])
  }

  @Test func `kinds that were left out are told of`() async throws {
    let account = try AWSAccount(Answers { _, _ in ["TableNames": []] })
    let collector = account.collector(
      ["dynamodb/table"],
      regions: ["us-east-1"],
      leftOut: [
        ResourceKind(service: "iam", kind: "user"),
        ResourceKind(service: "dynamodb", kind: "table"),
      ]
    )
    let items = try await collector.emitted()
    let gaps = items.compactMap { if case .coverage(let one) = $0 { one } else { nil } }
    #expect(gaps.filter { $0.gap != nil }.map { "\($0.kind)" } == ["iam/user"])
  }
}
