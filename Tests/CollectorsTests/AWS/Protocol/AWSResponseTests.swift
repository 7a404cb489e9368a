import Collectors
import HTTP
import JSON
import Testing

struct AWSResponseTests {
  private func read(
    _ id: String,
    _ name: String,
    _ body: String,
    status: Int = 200
  ) throws -> JSONValue {
    let (service, operation) = try SampleFacts.operation(id, name)
    let response = HTTPResponse(status, body: Array(body.utf8))
    return try AWSResponseReader().output(response, operation, of: service)
  }

  private func users(_ inner: String) -> String {
    """
    <ListUsersResponse xmlns="urn:x"><ListUsersResult>\(inner)</ListUsersResult>
    <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListUsersResponse>
    """
  }

  @Test func `a list is a list whether it holds none, one or more`() throws {
    let one = "<member><UserName>a</UserName></member>"
    for (inner, expected) in [
      ("<Users/>", "[]"), ("<Users>\(one)</Users>", #"[{"UserName":"a"}]"#),
      ("<Users>\n \(one) \(one) </Users>", #"[{"UserName":"a"},{"UserName":"a"}]"#),
    ] {
      #expect(try read("iam", "ListUsers", users(inner))["Users"]?.text == expected)
    }
    #expect(try read("iam", "ListUsers", users("<IsTruncated>false</IsTruncated>"))["Users"] == nil)
  }

  /// Instants as services write them.
  static let instants = [
    ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
    ("2026-11-21T10:00:00.000Z", "2026-11-21T10:00:00Z"),
    ("2026-11-21T10:00:00.120Z", "2026-11-21T10:00:00.12Z"),
    ("2026-11-21T12:00:00.123456789+02:00", "2026-11-21T10:00:00.123457Z"),
    ("Sat, 21 Nov 2026 10:00:00 GMT", "2026-11-21T10:00:00Z"),
    ("1795255200", "2026-11-21T10:00:00Z"), ("1.7952552005E9", "2026-11-21T10:00:00.5Z"),
    ("-1.5", "1969-12-31T23:59:58.5Z"), ("0.9999999", "1970-01-01T00:00:01Z"),
    ("-62135596800", "0001-01-01T00:00:00Z"), ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
  ]

  @Test(arguments: instants) func `instants are ISO 8601 in UTC`(_ text: String, _ expected: String)
    throws
  {
    let user = "<Users><member><CreateDate>\(text)</CreateDate></member></Users>"
    let read = try read("iam", "ListUsers", users(user))
    #expect(read["Users"]?.array?[0]["CreateDate"]?.string == expected)
  }

  @Test func `JSON keeps its types, and null stands for nothing`() throws {
    let body = """
      {"groups":[{"name":"a","created":1795255200.25,"bytes":5,"ratio":1,"isOn":false,"key":"AQI="},
      {"name":null,"bytes":6.0,"ratio":"NaN","unknown":[1]},null],"next":null,"labels":{"a":"b","c":null}}
      """
    #expect(
      try read("logs", "DescribeLogGroups", body) == [
        "groups": [
          [
            "name": "a", "created": "2026-11-21T10:00:00.25Z", "bytes": 5, "ratio": 1,
            "isOn": false,
            "key": "AQI=",
          ],
          ["bytes": .number(6), "ratio": "NaN"], .null,
        ],
        "labels": ["a": "b", "c": .null],
      ]
    )
    #expect(try read("logs", "DescribeLogGroups", "{}") == [:])
    #expect(try read("logs", "DescribeLogGroups", #"{"groups":[]}"#) == ["groups": []])
  }

  @Test func `a bucket's region is the root's own text, and null for the first region`() throws {
    let old =
      "<CreateBucketConfiguration><LocationConstraint>EU</LocationConstraint></CreateBucketConfiguration>"
    for (body, expected) in [
      (
        #"<LocationConstraint xmlns="urn:s3">eu-west-1</LocationConstraint>"#,
        JSONValue.string("eu-west-1")
      ),
      (#"<LocationConstraint xmlns="urn:s3"/>"#, .null), (old, "EU"),
    ] {
      #expect(try read("s3", "GetBucketLocation", body) == ["LocationConstraint": expected])
    }
  }

  @Test func `a bucket's policy is the body as it stands, and only a whole one`() throws {
    let policy = #"{"Version":"2012-10-17","Statement":[]}"#
    #expect(try read("s3", "GetBucketPolicy", policy) == ["Policy": .string(policy)])
    for length in 0..<policy.utf8.count {
      #expect(throws: AWSResponseError.self) {
        try read("s3", "GetBucketPolicy", String(policy.prefix(length)))
      }
    }
  }

  @Test func `a grantee's type is found under any prefix`() throws {
    let acl = """
      <AccessControlPolicy><AccessControlList><Grant>
        <Grantee xmlns:i="urn:i" i:type="Group"><URI>urn:all</URI></Grantee><Permission>READ</Permission>
      </Grant></AccessControlList></AccessControlPolicy>
      """
    #expect(
      try read("s3", "GetBucketAcl", acl) == [
        "Grants": [["Grantee": ["Type": "Group", "URI": "urn:all"], "Permission": "READ"]]
      ]
    )
  }

  /// Answers that are none, and what is said about them.
  static let faults: [(id: String, name: String, body: String, expected: String)] = [
    ("iam", "ListUsers", "", "no element found"),
    (
      "iam", "ListUsers", "<ListRolesResponse/>", "is <ListRolesResponse> where <ListUsersResponse>"
    ),
    ("iam", "ListUsers", "<ListUsersResponse/>", "holds no <ListUsersResult>"),
    ("iam", "ListUsers", "<ListUsersResponse/><x/>", "junk after document element"),
    ("iam", "ListUsers", #"<!DOCTYPE a [<!ENTITY b "c">]><ListUsersResponse/>"#, "document type"),
    ("ec2", "DescribeVpcs", "<html><body/></html>", "is <html>"),
    ("ec2", "DescribeVpcs", vpc("<count>x</count>"), "Vpcs[0].Count: expected a whole number"),
    ("ec2", "DescribeVpcs", vpc("<count/>"), "Vpcs[0].Count: expected a whole number"),
    (
      "ec2", "DescribeVpcs", vpc("<isDefault>True</isDefault>"), "IsDefault: expected true or false"
    ),
    ("ec2", "DescribeVpcs", vpc("<vpcId>a</vpcId><vpcId>b</vpcId>"), "VpcId: stands there 2 times"),
    ("ec2", "DescribeVpcs", vpc("<vpcId><a/></vpcId>"), "VpcId: expected a text; found elements"),
    ("s3", "ListBuckets", "<html><body/></html>", "is <html>, which is no answer"),
    ("s3", "ListBuckets", "<Error><Code>SlowDown</Code></Error>", "is <Error>, which is no answer"),
    ("s3", "ListBuckets", "<Portal><Login/></Portal>", "is <Portal> without any member"),
    ("s3", "GetBucketTagging", "", "no element found"),
    ("s3", "GetBucketPolicy", "<html/>", "not valid JSON"),
    ("s3", "GetPublicAccessBlock", "<Portal/>", "is <Portal> where <Block> is expected"),
    ("s3", "GetPublicAccessBlock", "<Block><Login/></Block>", "is <Block> without any member"),
    ("logs", "DescribeLogGroups", "", "empty"),
    ("logs", "DescribeLogGroups", "{} {}", "not valid JSON"),
    ("logs", "DescribeLogGroups", "[]", "expected an object; found a list"),
    ("logs", "DescribeLogGroups", #"{"Output":{"__type":"x#Unknown"}}"#, "without any member"),
    ("logs", "DescribeLogGroups", #"{"groups":{}}"#, "groups: expected a list; found an object"),
    (
      "logs", "DescribeLogGroups", #"{"groups":[[]]}"#,
      "groups[0]: expected an object; found a list"
    ),
    (
      "logs", "DescribeLogGroups", group(#""name":7"#),
      "groups[0].name: expected a text; found a number"
    ),
    (
      "logs", "DescribeLogGroups", group(#""bytes":"7""#),
      "bytes: expected a whole number; found a text"
    ),
    ("logs", "DescribeLogGroups", group(#""bytes":1.5"#), "bytes: expected a whole number"),
    ("logs", "DescribeLogGroups", group(#""isOn":"false""#), "isOn: expected true or false"),
    ("logs", "DescribeLogGroups", group(#""created":"soon""#), "created: expected an instant"),
    (
      "logs", "DescribeLogGroups", group(#""created":1e18"#), "created: expected an instant between"
    ),
    ("logs", "DescribeLogGroups", group(#""key":"secret!""#), "key: expected base64"),
    ("logs", "DescribeLogGroups", #"{"labels":{"a":1}}"#, "labels.a: expected a text"),
    ("lambda", "GetPolicy", "<html/>", "not valid JSON"),
  ]

  private static func vpc(_ inner: String) -> String {
    "<DescribeVpcsResponse><vpcSet><item>\(inner)</item></vpcSet></DescribeVpcsResponse>"
  }

  private static func group(_ inner: String) -> String { #"{"groups":[{\#(inner)}]}"# }

  @Test(arguments: faults) func `what is no answer is never an empty one`(
    _ id: String,
    _ name: String,
    _ body: String,
    _ expected: String
  ) throws {
    let error = #expect(throws: AWSResponseError.self) { _ = try read(id, name, body) }
    let text = "\(try #require(error))"
    #expect(text.contains(expected), "\(text)")
    #expect(text.hasPrefix("the answer to \(id):\(name) cannot be read: "))
    #expect(!text.contains("secret"), "values are not told")
  }

  @Test func `an element may be nested a hundred levels deep`() throws {
    func nested(_ levels: Int) -> String {
      users(
        "<Users><member>" + String(repeating: "<Inner>", count: levels)
          + String(repeating: "</Inner>", count: levels) + "</member></Users>"
      )
    }
    #expect(try read("iam", "ListUsers", nested(96))["Users"]?.array?.count == 1)
    let error = #expect(throws: AWSResponseError.self) {
      _ = try read("iam", "ListUsers", nested(97))
    }
    #expect("\(try #require(error))".contains("nested deeper than 100 levels"))
  }

  @Test func `an error answer is thrown as what it says`() throws {
    let body = "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>"
    #expect(throws: AWSFault(code: "NoSuchBucket", message: "none", status: 404)) {
      try read("s3", "GetBucketAcl", body, status: 404)
    }
  }
}
