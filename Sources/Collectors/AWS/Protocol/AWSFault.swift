import HTTP
import JSON

/// What an error answer says.
package struct AWSFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The provider's code; the status where the answer names none.
  package var code: String
  /// The provider's message, or what the status means; may be empty.
  package var message: String
  /// The name under which the provider finds the request again; nil where it told none.
  package var requestID: String?
  package var status: Int

  package init(code: String, message: String, requestID: String? = nil, status: Int) {
    self.code = code
    self.message = message
    self.requestID = requestID
    self.status = status
  }

  /// The code and the message.
  package var description: String { message.isEmpty ? code : "\(code): \(message)" }
}

extension AWSFault {
  /// Takes from an answer what is in it; a proxy's page or nothing at all leaves the status.
  init(_ response: HTTPResponse) {
    var told = Told()
    switch response.body.first(where: { !$0.isWhitespace }) {
    case 0x7B: told.readJSON(response.body)
    case 0x3C: told.readXML(response.body)
    default: break
    }
    if let name = response[header: "x-amzn-errortype"] { told.code = Self.plain(name) }
    if let legacy = response[header: "x-amzn-query-error"]?.split(separator: ";"),
      legacy.count == 2
    {
      told.code = String(legacy[0])
    }
    let id = ["x-amzn-requestid", "x-amz-request-id"].lazy.compactMap { response[header: $0] }.first
    self.init(
      code: told.code ?? String(response.status),
      message: told.message ?? (told.code == nil ? Self.meanings[response.status] : nil) ?? "",
      requestID: told.requestID ?? id,
      status: response.status
    )
  }

  /// The name of an error alone: `space#Name:http://…` is `Name`.
  fileprivate static func plain(_ name: String) -> String {
    let name = name.prefix { $0 != ":" }
    return String(name.split(separator: "#").last ?? name)
  }

  private static let meanings = [
    301: "Moved Permanently", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized",
    403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    409: "Conflict", 412: "Precondition Failed", 413: "Content Too Large",
    429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
  ]
}

/// What a body says about an error.
private struct Told {
  var code: String?
  var message: String?
  var requestID: String?

  mutating func readJSON(_ body: [UInt8]) {
    guard let value = try? JSONParser().parse(body) else { return }
    func text(_ keys: String...) -> String? { keys.lazy.compactMap { value[$0]?.string }.first }
    // The oldest JSON services wrap what went wrong before the operation was found.
    code = (text("__type", "code", "Code") ?? value["Output"]?["__type"]?.string)
      .map(AWSFault.plain)
    message = text("message", "Message", "errorMessage")
    requestID = text("requestId", "RequestId")
  }

  mutating func readXML(_ body: [UInt8]) {
    guard let root = try? XMLTree(parsing: body) else { return }
    let error = root.name == "Error" ? root : root["Error"] ?? root["Errors"]?["Error"]
    code = error?["Code"]?.text
    message = error?["Message"]?.text
    let id = root["RequestId"] ?? root["RequestID"] ?? root["requestId"] ?? error?["RequestId"]
    requestID = id?.text
  }
}

extension UInt8 {
  fileprivate var isWhitespace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
