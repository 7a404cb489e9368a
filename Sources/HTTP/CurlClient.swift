import CCurl
import Glibc
import Synchronization

/// Sends requests through libcurl.
///
/// One thread drives all transfers and keeps connections open between them. Proxies are taken from
/// the environment (`https_proxy`, `no_proxy`), as curl does.
package final class CurlClient: HTTPClient {
  private let loop: CurlLoop

  /// A client.
  ///
  /// - Parameters:
  ///   - authorities: a PEM file with the certificate authorities to trust instead of the system's.
  ///   - connections: how many connections are open at most to one host.
  ///   - limit: how many bytes a response may have.
  /// - Throws: ``HTTPError/invalid(reason:)`` when libcurl does not start.
  package init(authorities: String? = nil, connections: Int = 16, limit: Int = 64 << 20) throws {
    guard Self.isReady else { throw HTTPError.invalid(reason: "libcurl does not start") }
    loop = try CurlLoop(authorities: authorities, connections: connections, limit: limit)
    loop.start()
  }

  deinit { loop.stop() }

  /// libcurl's own state, set up once before any thread uses it.
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// Sends a request over a connection that is open, or a new one.
  package func send(_ request: HTTPRequest) async throws -> HTTPResponse {
    try Task.checkCancellation()
    let number = loop.newNumber()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        loop.add(number, request, continuation)
      }
    } onCancel: {
      loop.cancel(number)
    }
  }
}

/// The thread that drives the transfers, and what is handed to it.
@safe private final class CurlLoop: Sendable {
  private struct Inbox {
    var isStopped = false
    var next = 0
    var added: [(number: Int, request: HTTPRequest, Waiter)] = []
    var cancelled: [Int] = []
  }

  typealias Waiter = CheckedContinuation<HTTPResponse, any Error>

  private let inbox = Mutex(Inbox())
  // libcurl allows other threads only to wake it up; all else happens on the loop's thread.
  private nonisolated(unsafe) let multi: OpaquePointer
  private let authorities: String?
  private let limit: Int

  init(authorities: String?, connections: Int, limit: Int) throws {
    guard let multi = unsafe curl_multi_init() else {
      throw HTTPError.invalid(reason: "there is no memory for libcurl")
    }
    unsafe self.multi = OpaquePointer(multi)
    self.authorities = authorities
    self.limit = limit
    _ = unsafe plumb_curl_multi_set_number(
      multi,
      CURLMOPT_MAX_HOST_CONNECTIONS,
      connections
    )
  }

  private var handle: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(multi) }

  func start() {
    let retained = unsafe Unmanaged.passRetained(self).toOpaque()
    var thread = pthread_t()
    let code = unsafe pthread_create(
      &thread,
      nil,
      { context in
        if let context = unsafe context {
          unsafe Unmanaged<CurlLoop>.fromOpaque(context).takeRetainedValue().run()
        }
        return nil
      },
      retained
    )
    precondition(code == 0, "no thread can be started")
    pthread_detach(thread)
  }

  func stop() {
    // Woken up within the lock, which the loop takes before it gives the handle back.
    inbox.withLock { inbox in
      inbox.isStopped = true
      _ = unsafe curl_multi_wakeup(handle)
    }
  }

  func newNumber() -> Int {
    inbox.withLock { inbox in
      inbox.next += 1
      return inbox.next
    }
  }

  func add(_ number: Int, _ request: HTTPRequest, _ waiter: Waiter) {
    inbox.withLock { $0.added.append((number, request, waiter)) }
    _ = unsafe curl_multi_wakeup(handle)
  }

  func cancel(_ number: Int) {
    inbox.withLock { $0.cancelled.append(number) }
    _ = unsafe curl_multi_wakeup(handle)
  }

  private func run() {
    var transfers: [Int: Transfer] = [:]
    // Requests that were cancelled before they were handed over.
    var early: Set<Int> = []
    while true {
      let (added, cancelled, isStopped) = inbox.withLock { inbox in
        defer { (inbox.added, inbox.cancelled) = ([], []) }
        return (inbox.added, inbox.cancelled, inbox.isStopped)
      }
      for (number, request, waiter) in added {
        guard !isStopped, early.remove(number) == nil, !cancelled.contains(number) else {
          waiter.resume(throwing: CancellationError())
          continue
        }
        do {
          let transfer = try Transfer(request, number, waiter, authorities, limit)
          guard unsafe curl_multi_add_handle(handle, transfer.easy) == CURLM_OK else {
            throw HTTPError.invalid(reason: "libcurl takes no more requests")
          }
          transfers[number] = transfer
        } catch {
          waiter.resume(throwing: error)
        }
      }
      for number in isStopped ? Array(transfers.keys) : cancelled {
        guard let transfer = transfers.removeValue(forKey: number) else {
          if !added.contains(where: { $0.number == number }) { early.insert(number) }
          continue
        }
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy)
        transfer.waiter.resume(throwing: CancellationError())
      }
      if isStopped { break }
      var running: Int32 = 0
      _ = unsafe curl_multi_perform(handle, &running)
      finish(&transfers)
      _ = unsafe curl_multi_poll(handle, nil, 0, 60_000, nil)
    }
    inbox.withLock { _ in _ = unsafe curl_multi_cleanup(handle) }
  }

  private func finish(_ transfers: inout [Int: Transfer]) {
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(handle, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE,
        let easy = unsafe message.pointee.easy_handle,
        let transfer = transfers.values.first(where: { unsafe $0.easy == easy })
      else { continue }
      let outcome = unsafe plumb_curl_outcome(message)
      _ = unsafe curl_multi_remove_handle(handle, easy)
      transfers[transfer.number] = nil
      transfer.finish(outcome)
    }
  }
}
