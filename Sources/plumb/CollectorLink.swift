import Foundation
import HTTP
import JSON
import Model

/// A collector's way to its server: every request goes outwards and is signed.
struct CollectorLink: Sendable {
  /// The server's address without a slash at its end.
  let server: String
  let key: SigningKey
  let client: any HTTPClient
  /// The collector's id; empty for one that registers.
  var collector = ""

  /// Why the server did not do what it was asked.
  struct Refusal: Error, CustomStringConvertible {
    var status: Int
    /// The end of the problem's type.
    var kind: String
    var description: String

    /// Whether the same may go well later.
    var isPassing: Bool { [401, 429].contains(status) || status >= 500 }
  }

  /// Sends a request with a body of JSON, or none.
  func send(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    try await send(
      method,
      path,
      query: "",
      type: body == nil ? nil : "application/json",
      Array((body?.text ?? "").utf8)
    )
  }

  /// Sends a piece of an inventory.
  func send(_ piece: [UInt8], of job: Int64, at offset: Int64) async throws -> JSONValue {
    try await send(
      "PUT",
      "/collectors/\(collector)/uploads/\(job)",
      query: "offset=\(offset)",
      type: "application/octet-stream",
      piece
    )
  }

  private func send(
    _ method: String,
    _ path: String,
    query: String,
    type: String?,
    _ body: [UInt8]
  ) async throws -> JSONValue {
    let signed = SignedRequest(
      method: method,
      path: "/api/v1\(path)",
      query: query,
      body: body,
      collector: collector,
      time: "\(timeOfDay())"
    )
    let signature = Data(key.signature(of: signed.text)).base64EncodedString()
    var request = HTTPRequest(
      method,
      server + signed.path + (query.isEmpty ? "" : "?\(query)"),
      headers: [
        (SignedRequest.collectorHeader, collector), (SignedRequest.timeHeader, signed.time),
        (SignedRequest.signatureHeader, signature), ("User-Agent", "plumb"),
      ],
      body: body,
      timeout: 120
    )
    if let type { request.headers.append(("Content-Type", type)) }
    let response = try await client.send(request)
    let answer = try? JSONParser().parse(response.body)
    guard (200..<300).contains(response.status) else {
      throw refusal(response, answer ?? .null)
    }
    guard response.body.isEmpty || answer != nil else {
      throw refusal(HTTPResponse(502), .null)
    }
    return answer ?? .null
  }

  private func refusal(_ response: HTTPResponse, _ problem: JSONValue) -> Refusal {
    let title = problem["title"]?.string ?? "\(server) answers with status \(response.status)"
    let detail = problem["detail"]?.string.map { ": \($0)" } ?? ""
    // Only the server itself says that something is of no use; a proxy on the way may say anything.
    let isServer = problem["type"]?.string?.hasPrefix("urn:plumbline:") == true
    return Refusal(
      status: isServer ? response.status : 502,
      kind: problem["type"]?.string?.split(separator: ":").last.map(String.init) ?? "",
      description: title + detail
    )
  }
}
