import Collectors
import HTTP
import Testing

struct AWSFaultTests {
  /// An error answer and what it says.
  struct Sample: CustomTestStringConvertible, Sendable {
    var status = 400
    var headers: [(name: String, value: String)] = []
    let body: String
    let code: String
    var message = ""
    var requestID: String?

    var testDescription: String { "\(status) \(body)" }
  }

  static let samples = [
    Sample(
      body: "<Error><Code>NoSuchKey</Code><Message>m</Message><RequestId>r</RequestId></Error>",
      code: "NoSuchKey",
      message: "m",
      requestID: "r"
    ),
    Sample(
      body: """
        <ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>Denied</Code><Message>m</Message></Error>
        <RequestId>r</RequestId></ErrorResponse>
        """,
      code: "Denied",
      message: "m",
      requestID: "r"
    ),
    Sample(
      body: """
        <Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>m</Message></Error></Errors>
        <RequestID>r</RequestID></Response>
        """,
      code: "UnauthorizedOperation",
      message: "m",
      requestID: "r"
    ),
    Sample(
      headers: [("x-amzn-RequestId", "r")],
      body: #"{"__type":"com.amazon.coral#AccessDeniedException","Message":"m"}"#,
      code: "AccessDeniedException",
      message: "m",
      requestID: "r"
    ),
    Sample(
      status: 403,
      headers: [("x-amzn-ErrorType", "ForbiddenException:http://internal/")],
      body: #"{"message":"Forbidden"}"#,
      code: "ForbiddenException",
      message: "Forbidden"
    ),
    Sample(
      headers: [("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")],
      body: #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}"#,
      code: "AWS.SimpleQueueService.NonExistentQueue",
      message: "m"
    ),
    Sample(body: #"{"code":"BadRequest","message":"m"}"#, code: "BadRequest", message: "m"),
    Sample(
      status: 404,
      headers: [("x-amz-request-id", "r")],
      body: "",
      code: "404",
      message: "Not Found",
      requestID: "r"
    ),
    Sample(status: 301, body: "", code: "301", message: "Moved Permanently"),
    Sample(
      status: 503,
      body: "<!DOCTYPE html><html><body><b>Http/1.1 Service Unavailable</b></body></html>",
      code: "503",
      message: "Service Unavailable"
    ),
    Sample(status: 502, body: "<html><h1>Bad Gateway", code: "502", message: "Bad Gateway"),
    Sample(
      status: 500,
      body: #"{"__type":"x#Inter"#,
      code: "500",
      message: "Internal Server Error"
    ),
    Sample(status: 418, body: "no idea", code: "418"),
    Sample(status: 404, body: "[]", code: "404", message: "Not Found"),
    Sample(
      body: #"{"Output":{"__type":"a#UnknownOperationException"}}"#,
      code: "UnknownOperationException"
    ),
  ]

  @Test(arguments: samples) func `an error answer says what it can`(_ sample: Sample) throws {
    let (service, _) = try SampleFacts.operation("s3", "ListBuckets")
    let response = HTTPResponse(
      sample.status,
      headers: sample.headers,
      body: Array(sample.body.utf8)
    )
    let fault = AWSResponseReader().fault(response, of: service)
    let expected = AWSFault(
      code: sample.code,
      message: sample.message,
      requestID: sample.requestID,
      status: sample.status
    )
    #expect(fault == expected)
  }
}
