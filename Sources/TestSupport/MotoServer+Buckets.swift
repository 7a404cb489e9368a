import Collectors
package import Foundation
import HTTP
import Model

extension MotoServer {
  /// Makes a bucket and puts the files of a folder into it, under their paths in the folder.
  ///
  /// - Throws: what keeps a file from being read or an object from being put.
  package func fill(_ bucket: String, with folder: URL, encoding: String? = nil) async throws {
    let client = try CurlClient()
    try await put("/\(bucket)", [], client)
    var names: [String] = []
    let found = FileManager.default.enumerator(atPath: folder.path)
    while let name = found?.nextObject() as? String {
      if found?.fileAttributes?[.type] as? FileAttributeType == .typeRegular { names.append(name) }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, name) in names.enumerated() {
        if index >= 8 { try await group.next() }
        let body = try Data(contentsOf: folder.appendingPathComponent(name))
        group.addTask { try await put("/\(bucket)/\(name)", Array(body), client, encoding) }
      }
      try await group.waitForAll()
    }
  }

  /// Removes an object.
  ///
  /// - Throws: when the server does not.
  package func remove(_ key: String, from bucket: String) async throws {
    try await send(HTTPRequest("DELETE", "\(endpoint)/\(bucket)/\(key)"), CurlClient())
  }

  private func put(
    _ path: String,
    _ body: [UInt8],
    _ client: CurlClient,
    _ encoding: String? = nil
  ) async throws {
    var request = HTTPRequest("PUT", endpoint + path, body: body)
    if let encoding { request[header: "Content-Encoding"] = encoding }
    try await send(request, client)
  }

  private func send(_ request: HTTPRequest, _ client: CurlClient) async throws {
    let keys = AWSCredentials(
      accessKeyID: "test",
      secretAccessKey: Secret("test"),
      origin: "the test"
    )
    let signed = try AWSSigner().signed(
      request,
      keys,
      service: "s3",
      region: "us-east-1",
      at: Instant(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000))
    )
    let response = try await client.send(signed)
    guard (200..<300).contains(response.status) else {
      throw Refused(status: response.status, path: request.url)
    }
  }

  /// What the server did not do.
  private struct Refused: Error {
    let status: Int
    let path: String
  }
}
