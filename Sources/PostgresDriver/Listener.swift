import Dispatch
import Glibc
import Store

/// Hands what is sent to one channel to a stream.
final class Listener: @unchecked Sendable {
  // Sendable: what varies is touched only on the queue.
  private let queue = DispatchQueue(label: "plumb.postgres.listen")
  private let address: PostgresAddress
  private let channel: String
  private let stream: AsyncStream<String>.Continuation
  private var link: ServerLink?
  private var source: (any DispatchSourceRead)?
  private var isStopped = false

  init(
    _ address: PostgresAddress,
    channel: String,
    _ stream: AsyncStream<String>.Continuation
  ) {
    self.address = address
    self.channel = channel
    self.stream = stream
  }

  /// Connects and listens; ends the stream where that cannot be done.
  func start() {
    queue.async { [self] in
      guard !isStopped else { return }
      do {
        let link = try ServerLink(address)
        try link.run("LISTEN \"\(channel.replacing("\"", with: "\"\""))\"")
        self.link = link
        stream.yield("")
        watch(link.watchedSocket)
        receive()
      } catch {
        stream.finish()
      }
    }
  }

  /// Disconnects and ends the stream.
  func stop() {
    queue.async { [self] in
      isStopped = true
      stream.finish()
      source?.cancel()
      source = nil
    }
  }

  private func watch(_ socket: Int32) {
    guard socket >= 0 else { return stop() }
    let source = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
    source.setEventHandler { [weak self] in self?.receive() }
    // The socket stays open as long as it is watched.
    source.setCancelHandler { [self] in
      link = nil
      close(socket)
    }
    self.source = source
    source.resume()
  }

  private func receive() {
    guard !isStopped else { return }
    guard let link, link.receive({ stream.yield($0) }) else { return stop() }
  }
}
