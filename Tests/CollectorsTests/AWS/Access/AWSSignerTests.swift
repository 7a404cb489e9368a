import Collectors
import HTTP
import Model
import Testing

private let moment = Instant("2015-08-30T12:36:00Z") ?? .never

private func keys(_ token: String? = nil) -> AWSCredentials {
  AWSCredentials(
    accessKeyID: "AKIDEXAMPLE",
    secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    sessionToken: token.map(Secret.init),
    origin: "a test"
  )
}

private func authorization(_ request: HTTPRequest, service: String = "service") throws -> String {
  let signed = try AWSSigner().signed(
    request,
    keys(),
    service: service,
    region: "us-east-1",
    at: moment
  )
  return try #require(signed[header: "Authorization"])
}

/// A request as the suite writes it: a head whose path need not be encoded, and a body.
private struct WrittenRequest {
  let request: HTTPRequest

  init(_ text: String) throws {
    let parts = text.replacing("\r\n", with: "\n").split(
      separator: "\n\n",
      maxSplits: 1,
      omittingEmptySubsequences: false
    )
    var lines: [Substring] = []
    for line in parts[0].split(separator: "\n") {
      // A line that begins with white space goes on with the header above.
      if line.first == " ", let last = lines.popLast() {
        lines.append("\(last) \(line)")
      } else {
        lines.append(line)
      }
    }
    let start = lines[0].split(separator: " ")
    let path = start.dropFirst().dropLast().joined(separator: " ")
    let headers = lines.dropFirst().map { line in
      let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(pair[0]), value: String(pair[1]))
    }
    request = HTTPRequest(
      String(start[0]),
      "https://example.amazonaws.com" + path,
      headers: headers,
      body: parts.count > 1 ? Array(parts[1].utf8) : []
    )
  }
}

struct AWSSignerTests {
  @Test func `the public suite is here in full`() {
    #expect(AccessCases.all("signatures", ending: ".req").count == 34)
  }

  @Test(arguments: AccessCases.all("signatures", ending: ".req"))
  func `the public suite's signatures come out`(name: String) throws {
    let expected = try AccessCases.text("signatures/\(name).authz").trimmingPrefix(/\s+/)
    let canonical = try AccessCases.text("signatures/\(name).creq")
    let token = canonical.split(separator: "\n").first { $0.hasPrefix("x-amz-security-token:") }
    let written = try WrittenRequest(AccessCases.text("signatures/\(name).req"))
    let signed = try AWSSigner().signed(
      written.request,
      keys(token.map { String($0.dropFirst("x-amz-security-token:".count)) }),
      service: "service",
      region: "us-east-1",
      at: moment
    )
    #expect(signed[header: "authorization"] ?? "" == expected)
    #expect(signed.url == written.request.url)
    #expect(signed.body == written.request.body)
  }

  /// The examples of "Signature Calculations for the Authorization Header" in the S3 API reference.
  @Test(arguments: [
    (
      "GET", "/test.txt", [("Range", "bytes=0-9")], "",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    ),
    (
      "PUT", "/test%24file.text",
      [
        ("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
      ],
      "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    ),
    (
      "GET", "/?lifecycle", [], "",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    ),
    (
      "GET", "/?max-keys=2&prefix=J", [], "",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    ),
  ])
  func `S3's own examples come out`(
    method: String,
    target: String,
    headers: [(String, String)],
    body: String,
    signature: String
  ) throws {
    let credentials = AWSCredentials(
      accessKeyID: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
      origin: "a test"
    )
    let request = HTTPRequest(
      method,
      "https://examplebucket.s3.amazonaws.com\(target)",
      headers: headers.map { (name: $0.0, value: $0.1) },
      body: Array(body.utf8)
    )
    let signed = try AWSSigner().signed(
      request,
      credentials,
      service: "s3",
      region: "us-east-1",
      at: try #require(Instant("2013-05-24T00:00:00Z"))
    )
    #expect(signed[header: "Authorization"]?.hasSuffix("Signature=\(signature)") == true)
    #expect(signed[header: "X-Amz-Content-SHA256"] == Digest.sha256(Array(body.utf8)))
  }

  @Test func `S3 paths are signed as they are, others normalised and encoded twice`() throws {
    func path(_ path: String, _ service: String) throws -> String {
      try authorization(HTTPRequest("GET", "https://host\(path)"), service: service)
    }
    #expect(try path("/a//b", "s3") != path("/a/b", "s3"))
    #expect(try path("/a/./b", "s3") != path("/a/b", "s3"))
    #expect(try path("/a%2Bb", "s3") == path("/a+b", "s3"))
    #expect(try path("/a//b/../c", "lambda") == path("/a/c", "lambda"))
    #expect(try path("/a%2Bb", "lambda") != path("/a+b", "lambda"))
  }

  @Test func `a request that was signed can be signed anew`() throws {
    let request = HTTPRequest("GET", "https://host/?b=1&a=2")
    func sign(_ request: HTTPRequest, _ token: String?) throws -> HTTPRequest {
      let region = "us-east-1"
      return try AWSSigner().signed(request, keys(token), service: "s3", region: region, at: moment)
    }
    let once = try sign(request, "token")
    #expect(try sign(once, "token")[header: "Authorization"] == once[header: "Authorization"])
    let other = try sign(once, nil)
    #expect(other[header: "X-Amz-Security-Token"] == nil)
    #expect(try other[header: "Authorization"] == sign(request, nil)[header: "Authorization"])
    #expect(other.headers.count { $0.name.lowercased() == "host" } == 1)
  }

  @Test(arguments: [
    ("https://host:443/", "host"), ("https://host:8443/", "host:8443"), ("http://host:80", "host"),
    ("http://[::1]:5000/x?y", "[::1]:5000"), ("http://host:443?x", "host:443"),
  ])
  func `the host is signed as it is sent`(url: String, host: String) throws {
    let signed = try AWSSigner().signed(
      HTTPRequest("GET", url),
      keys(),
      service: "service",
      region: "r",
      at: moment
    )
    #expect(signed[header: "Host"] == host)
    #expect(signed[header: "Authorization"]?.contains("SignedHeaders=host;x-amz-date,") == true)
  }

  @Test(arguments: ["", "host/path", "https:///path", "https://:443/"])
  func `a URL without a host is refused`(url: String) throws {
    #expect(throws: HTTPError.self) { try authorization(HTTPRequest("GET", url)) }
  }

  @Test func `a secret cannot be printed`() throws {
    let credentials = keys("token-text")
    var dumped = ""
    dump(credentials, to: &dumped)
    let secret = credentials.secretAccessKey
    for text in [
      dumped, "\(credentials)", String(reflecting: credentials), "\(secret)",
      String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)",
    ] {
      #expect(!text.contains("wJalr") && !text.contains("token-text"))
    }
    #expect("\(secret)" == "[secret]")
    #expect(dumped.contains("[secret]"))
    #expect(secret.revealed.hasPrefix("wJalr"))
  }
}
