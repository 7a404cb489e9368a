import Foundation
package import JSON
import Synchronization

/// A small HTTP server on a free port of 127.0.0.1.
///
/// It answers as it is told and remembers what it was asked, and speaks enough of HTTP/1.1 for anyone's
/// client.
package final class ReplayServer: Sendable {
  /// What a client asked.
  package struct Request: Sendable {
    package var method: String
    package var path: String
    /// Names and values of the query, decoded, in order.
    package var query: [(name: String, value: String)]
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]

    /// Method, path and query in one line, to tell calls apart.
    package var line: String {
      let pairs = query.map { "\($0.name)=\($0.value)" }.sorted().joined(separator: "&")
      return "\(method) \(path)\(pairs.isEmpty ? "" : "?" + pairs)"
    }

    /// The value of the header with this name, in any case.
    package subscript(header name: String) -> String? {
      headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
  }

  /// What it is answered.
  package struct Answer: Sendable {
    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// How long the server says nothing, in seconds.
    package var delay = 0.0
    /// After how many bytes of the body the connection breaks; nil for a whole answer.
    package var cutOff: Int?

    package init(
      _ status: Int = 200,
      headers: [(name: String, value: String)] = [],
      body: [UInt8] = []
    ) {
      (self.status, self.headers, self.body) = (status, headers, body)
    }

    /// An answer of JSON.
    package init(_ status: Int = 200, json: JSONValue) {
      let type = [("Content-Type", "application/json")]
      self.init(status, headers: type, body: Array(json.text.utf8))
    }
  }

  private struct State {
    var requests: [Request] = []
    var connections: Set<Int32> = []
    var accepted = 0
    var isStopped = false
  }

  private let listener: Int32
  private let port: UInt16
  private let answer: @Sendable (Request) -> Answer
  private let state = Mutex(State())

  /// Starts a server, which a closure answers for on many threads at once.
  ///
  /// - Throws: when no port can be listened on.
  package init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
    self.answer = answer
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.listener = listener
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe bind(listener, pointer, length) == 0 && listen(listener, 128) == 0
          && getsockname(listener, pointer, &length) == 0
      }
    }
    guard bound else { throw Failure(description: "no port of 127.0.0.1 can be listened on") }
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread { [self] in accept() }
  }

  private struct Failure: Error, CustomStringConvertible { let description: String }

  /// The address, without a slash at its end.
  package var url: String { "http://127.0.0.1:\(port)" }

  /// How many connections were made, whatever was said then.
  package var connectionCount: Int { state.withLock { $0.accepted } }

  /// What was asked so far.
  package var requests: [Request] { state.withLock { $0.requests } }

  /// Forgets what was asked.
  package func forget() { state.withLock { $0.requests = [] } }

  /// Ends the server and every connection to it.
  package func stop() {
    let connections = state.withLock { state in
      state.isStopped = true
      return state.connections
    }
    for connection in connections { shutdown(connection, Int32(SHUT_RDWR)) }
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept() {
    while true {
      let connection = Glibc.accept(listener, nil, nil)
      let isStopped = state.withLock { state in
        if connection >= 0, !state.isStopped {
          state.connections.insert(connection)
          state.accepted += 1
        }
        return state.isStopped
      }
      guard !isStopped else {
        if connection >= 0 { close(connection) }
        break
      }
      guard connection >= 0 else { continue }
      Thread.detachNewThread { [self] in
        serve(connection)
        state.withLock { _ = $0.connections.remove(connection) }
        close(connection)
      }
    }
    close(listener)
  }

  /// Answers requests of one connection until it ends.
  private func serve(_ connection: Int32) {
    var reader = RequestReader(connection)
    while let request = reader.next() {
      state.withLock { $0.requests.append(request) }
      let answer = answer(request)
      if answer.delay > 0 { Thread.sleep(forTimeInterval: answer.delay) }
      var head = "HTTP/1.1 \(answer.status) \(answer.status < 400 ? "OK" : "Error")\r\n"
      for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
      head += "Content-Length: \(answer.body.count)\r\n\r\n"
      let body = request.method == "HEAD" ? [] : answer.body[...]
      guard send(Array(head.utf8) + body.prefix(answer.cutOff ?? body.count), connection),
        answer.cutOff == nil
      else { return }
    }
  }

  private func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let more = unsafe bytes[sent...].withUnsafeBytes { buffer in
        unsafe Glibc.send(connection, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
      }
      guard more > 0 else { return false }
      sent += more
    }
    return true
  }
}

/// Reads requests from a connection.
private struct RequestReader {
  private let connection: Int32
  private var bytes: [UInt8] = []

  init(_ connection: Int32) { self.connection = connection }

  /// The next request; nil at the end of the connection.
  mutating func next() -> ReplayServer.Request? {
    var end = headEnd
    while end == nil {
      guard more() else { return nil }
      end = headEnd
    }
    guard let end else { return nil }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
    bytes.removeFirst(end + 4)
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      return (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces))
    }
    let length = headers.first { $0.name.lowercased() == "content-length" }
      .flatMap { Int($0.value) }
    while bytes.count < length ?? 0 { guard more() else { return nil } }
    let body = Array(bytes.prefix(length ?? 0))
    bytes.removeFirst(body.count)
    let target = words[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return ReplayServer.Request(
      method: String(words[0]),
      path: String(target[0]).removingPercentEncoding ?? String(target[0]),
      query: target.count > 1 ? Self.query(target[1]) : [],
      headers: headers,
      body: body
    )
  }

  private static func query(_ text: Substring) -> [(name: String, value: String)] {
    text.split(separator: "&").map { pair in
      let parts = pair.replacing("+", with: " ").split(
        separator: "=",
        maxSplits: 1,
        omittingEmptySubsequences: false
      )
      let decoded = parts.map { String($0).removingPercentEncoding ?? String($0) }
      return (decoded[0], decoded.count > 1 ? decoded[1] : "")
    }
  }

  /// Where the head of a request ends, if all of it is there.
  private var headEnd: Int? {
    guard bytes.count >= 4 else { return nil }
    return (0...bytes.count - 4).first { bytes[$0...].starts(with: [13, 10, 13, 10]) }
  }

  private mutating func more() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe chunk.withUnsafeMutableBytes { buffer in
      unsafe recv(connection, buffer.baseAddress, buffer.count, 0)
    }
    guard count > 0 else { return false }
    bytes += chunk[..<count]
    return true
  }
}
