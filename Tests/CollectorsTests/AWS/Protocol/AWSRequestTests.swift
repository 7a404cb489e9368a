import Collectors
import HTTP
import JSON
import Testing

struct AWSRequestTests {
  private func request(
    _ id: String,
    _ name: String,
    _ input: JSONObject,
    endpoint: String = "https://s3.eu-west-1.amazonaws.com",
    isExplicit: Bool = false
  ) throws -> HTTPRequest {
    let (service, operation) = try SampleFacts.operation(id, name)
    return try AWSRequestWriter().request(
      operation,
      of: service,
      input: input,
      endpoint: endpoint,
      pathStyleBucket: isExplicit
    )
  }

  static let places: [(bucket: String, isExplicit: Bool, url: String)] = [
    ("b-1", false, "https://b-1.s3.eu-west-1.amazonaws.com/?acl"),
    ("b-1", true, "https://s3.eu-west-1.amazonaws.com/b-1?acl"),
    ("my.site", false, "https://s3.eu-west-1.amazonaws.com/my.site?acl"),
    ("Old_Bucket", false, "https://s3.eu-west-1.amazonaws.com/Old_Bucket?acl"),
    ("evil.example/", false, "https://s3.eu-west-1.amazonaws.com/evil.example%2F?acl"),
  ]

  @Test(arguments: places) func `a bucket is a host where it can be`(
    _ bucket: String,
    _ isExplicit: Bool,
    _ url: String
  ) throws {
    let request = try request(
      "s3",
      "GetBucketAcl",
      ["Bucket": .string(bucket)],
      isExplicit: isExplicit
    )
    #expect(request.url == url)
    #expect(request.method == "GET" && request.body == [])
  }

  @Test func `keys keep their slashes and nothing else`() throws {
    let request = try request("s3", "GetObject", ["Bucket": "b-1", "Key": "a/.b/c d+ü~*"])
    #expect(request.url == "https://b-1.s3.eu-west-1.amazonaws.com/a/.b/c%20d%2B%C3%BC~%2A")
  }

  @Test func `a prefix stands before AWS's host, not before one that somebody named`() throws {
    let input: JSONObject = ["AccountId": "123456789012"]
    let aws = try request("s3control", "GetPublicAccessBlock", input, endpoint: "https://c.aws")
    #expect(aws.url == "https://123456789012.c.aws/v20180820/configuration/publicAccessBlock")
    #expect(aws[header: "x-amz-account-id"] == "123456789012")
    let named = try request(
      "s3control",
      "GetPublicAccessBlock",
      input,
      endpoint: "http://127.0.0.1:5000",
      isExplicit: true
    )
    #expect(named.url == "http://127.0.0.1:5000/v20180820/configuration/publicAccessBlock")
  }

  @Test func `ids of Route 53 lose the path that its answers put before them`() throws {
    let request = try request(
      "route53",
      "GetHostedZone",
      ["Id": "/hostedzone/Z1"],
      endpoint: "https://r"
    )
    #expect(request.url == "https://r/2013-04-01/hostedzone/Z1")
  }

  @Test func `forms name what they hold by place`() throws {
    let filter: JSONValue = ["Name": "vpc-id", "Values": ["v 1", "v&2"]]
    let request = try request("ec2", "DescribeVpcs", ["Filters": [filter], "DryRun": false])
    #expect(
      String(decoding: request.body, as: UTF8.self)
        == "Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=v%201"
        + "&Filter.1.Value.2=v%262&DryRun=false"
    )
    #expect(request.url == "https://s3.eu-west-1.amazonaws.com/")
  }

  @Test func `what is null is not given`() throws {
    let request = try request("logs", "DescribeLogGroups", ["limit": 50, "prefix": .null])
    #expect(String(decoding: request.body, as: UTF8.self) == #"{"limit":50}"#)
    #expect(request[header: "x-amz-target"] == "Logs_20140328.DescribeLogGroups")
    #expect(request[header: "content-type"] == "application/x-amz-json-1.1")
  }

  @Test func `lists in a query string repeat their name`() throws {
    let input: JSONObject = ["Qualifier": ["a b", .null, "c/d"], "FunctionName": "f:1"]
    let request = try request("lambda", "GetPolicy", input, endpoint: "https://l")
    #expect(request.url == "https://l/functions/f%3A1/policy?Qualifier=a%20b&Qualifier=c%2Fd")
    #expect(request.body == [] && request.headers.isEmpty)
  }

  @Test func `single services get what they alone want`() throws {
    let vaults = try request("glacier", "ListVaults", ["accountId": "-"], endpoint: "https://g")
    #expect(vaults[header: "x-amz-glacier-version"] == "2012-06-01")
    let contact = try request("account", "GetContactInformation", [:], endpoint: "https://a")
    #expect(String(decoding: contact.body, as: UTF8.self) == "{}")
    #expect(contact[header: "content-type"] == "application/json")
  }

  /// Inputs that cannot be sent, and what is said about them.
  static let faults: [(id: String, name: String, input: JSONObject, expected: String)] = [
    (
      "s3", "GetBucketAcl", [:],
      "s3:GetBucketAcl cannot be asked for: Bucket: is needed for the path"
    ),
    ("s3", "GetBucketAcl", ["Bucket": ""], "Bucket: is needed, and without . or .."),
    ("s3", "GetObject", ["Bucket": "b-1", "Key": "a/../b"], "Key: is needed, and without . or .."),
    ("lambda", "GetPolicy", ["FunctionName": ".."], "FunctionName: is needed, and without . or .."),
    ("route53", "GetHostedZone", ["Id": "/"], "Id: is needed, and without . or .."),
    ("logs", "DescribeLogGroups", ["limits": 50], "limits: is not among its inputs"),
    (
      "logs", "DescribeLogGroups", ["limit": "fifty"],
      "limit: expected a whole number; found a text"
    ),
    (
      "ec2", "DescribeVpcs", ["Filters": [["Name": 1]]],
      "Filters[0].Name: expected a text; found a number"
    ),
    ("ec2", "DescribeVpcs", ["Filters": ["Name": "x"]], "Filters: expected another kind of value"),
    (
      "ec2", "DescribeVpcs", ["Filters": [["Nam": "x"]]],
      "Filters[0].Nam: is not a member of ec2.Filter"
    ),
    (
      "s3control", "GetPublicAccessBlock", ["AccountId": "a/b"],
      "AccountId: is needed for the host name"
    ),
    ("s3control", "GetPublicAccessBlock", [:], "AccountId: is needed for the host name"),
  ]

  @Test(arguments: faults) func `what cannot be asked for is told with its place`(
    _ id: String,
    _ name: String,
    _ input: JSONObject,
    _ expected: String
  ) throws {
    let error = #expect(throws: AWSRequestError.self) { _ = try request(id, name, input) }
    #expect("\(try #require(error))".contains(expected), "\(String(describing: error))")
  }
}
