import JSON
import Testing

@testable import Collectors

struct APITemplateTests {
  private let context = APIContext(
    provider: "aws",
    account: "12",
    region: "eu-west-1",
    partition: "aws",
    resourceID: "the-id",
    tags: [("Name", "web")]
  )
  private let item: JSONValue = ["Id": "i-1", "Arn": "a:b:c/d", "Count": 3, "In": ["Side": true]]

  @Test(arguments: [
    ("arn:$partition:ec2:$region:$account:vpc/$Id", "arn:aws:ec2:eu-west-1:12:vpc/i-1"),
    ("${Arn:1}", "b"), ("${Arn/1}", "d"), ("$Count", "3"), ("$In.Side", "true"),
    ("$resource.id and $resource.tags.Name", "the-id and web"), ("plain", "plain"),
    ("$Id.", "i-1."),
  ])
  func `names are replaced`(text: String, expected: String) {
    #expect(APITemplate(text).text(item, context) == expected)
  }

  @Test(arguments: ["$Gone", "${Arn:7}", "${Gone/0}", "$resource.tags.Gone", "x-$In"])
  func `a name without a text gives nothing`(text: String) {
    #expect(APITemplate(text).text(item, context) == nil)
  }

  @Test func `values keep their type, texts within a text do not`() {
    #expect(
      context.fill(["A": "$Count", "B": ["n$Count"], "C": 1], item) == [
        "A": 3, "B": ["n3"], "C": 1,
      ]
    )
    #expect(context.fill(["A": "$Gone"], item) == nil)
  }
}
