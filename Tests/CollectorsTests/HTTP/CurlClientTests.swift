import Foundation
import HTTP
import TestSupport
import Testing

/// The client against servers that behave and that do not.
struct CurlClientTests {
  private func serve(
    _ answer: ReplayServer.Answer,
    _ body: (String, ReplayServer) async throws -> Void
  ) async throws {
    let server = try ReplayServer { _ in answer }
    defer { server.stop() }
    try await body(server.url, server)
  }

  @Test func `a request goes out as it was made, and the answer comes back whole`() async throws {
    var answer = ReplayServer.Answer(body: Array("hello".utf8))
    answer.headers = [("X-One", "1")]
    try await serve(answer) { url, server in
      let request = HTTPRequest(
        "POST",
        url + "/a%20b?c=d",
        headers: [("X-Two", "2"), ("X-Empty", "")],
        body: Array("body".utf8)
      )
      let response = try await CurlClient().send(request)
      #expect(response.status == 200)
      #expect(response[header: "x-one"] == "1")
      #expect(response.body == Array("hello".utf8))
      let asked = try #require(server.requests.first)
      #expect(asked.method == "POST" && asked.body == Array("body".utf8))
      #expect(asked[header: "X-Two"] == "2" && asked[header: "Expect"] == nil)
    }
  }

  @Test func `an answer that is cut off is an error`() async throws {
    var answer = ReplayServer.Answer(body: Array(repeating: 0x61, count: 1000))
    answer.cutOff = 500
    try await serve(answer) { url, _ in
      await #expect(throws: HTTPError.self) { try await CurlClient().send(HTTPRequest("GET", url)) }
    }
  }

  @Test func `silence ends at the timeout`() async throws {
    var answer = ReplayServer.Answer()
    answer.delay = 600
    try await serve(answer) { url, _ in
      let error = await #expect(throws: HTTPError.self) {
        try await CurlClient().send(HTTPRequest("GET", url, timeout: 0.3))
      }
      guard case .timedOut = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func `more than the limit is refused`() async throws {
    let answer = ReplayServer.Answer(body: Array(repeating: 0x61, count: 100_000))
    try await serve(answer) { url, _ in
      let error = await #expect(throws: HTTPError.self) {
        try await CurlClient(limit: 10_000).send(HTTPRequest("GET", url))
      }
      guard case .tooLarge(_, limit: 10_000) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }

  @Test func `a cancelled request ends at once`() async throws {
    var answer = ReplayServer.Answer()
    answer.delay = 600
    try await serve(answer) { url, _ in
      let client = try CurlClient()
      let task = Task { try await client.send(HTTPRequest("GET", url, timeout: 60)) }
      task.cancel()
      // One that went on to its end would end at its timeout, with the error of that.
      await #expect(throws: CancellationError.self) { try await task.value }
    }
  }

  @Test func `a server that cannot prove who it is, is not trusted unless its authority is named`()
    async throws
  {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let (key, certificate) = (folder.path + "/key.pem", folder.path + "/cert.pem")
    let made = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/openssl"),
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
      ]
    )
    try #require(made.exitCode == 0, "\(made.errors)")
    try await withServer(key, certificate, folder) { port in
      let url = "https://127.0.0.1:\(port)/"
      let error = await #expect(throws: HTTPError.self) {
        try await CurlClient().send(HTTPRequest("GET", url))
      }
      guard case .tls = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect("\(error ?? .invalid(reason: ""))".contains("--ca-bundle"))
      let response = try await CurlClient(authorities: certificate).send(HTTPRequest("GET", url))
      #expect(response.status == 200)
    }
  }

  /// Runs OpenSSL's own server on a free port.
  private func withServer(
    _ key: String,
    _ certificate: String,
    _ folder: URL,
    _ body: (Int) async throws -> Void
  ) async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = [
      "s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.start()
    // It inherits what this process ignores, which another test may have made of SIGTERM.
    defer { kill(process.processIdentifier, SIGKILL) }
    var text = ""
    while !text.contains("ACCEPT 127.0.0.1:") || !text.hasSuffix("\n") {
      let piece = output.fileHandleForReading.availableData
      if piece.isEmpty { break }
      text += String(decoding: piece, as: UTF8.self)
    }
    let digits = text.components(separatedBy: "ACCEPT 127.0.0.1:").last?.prefix { $0.isNumber }
    try await body(try #require(digits.flatMap { Int($0) }, "\(text)"))
  }
}
