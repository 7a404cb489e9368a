import Collectors
import Model
import Synchronization
import Testing

private struct Broken: Error {}

/// A provider whose sessions last an hour, on a clock that the test turns.
private final class Sessions: AWSCredentialProvider {
  private struct State {
    var now = AccessScene.now
    var fetched = 0
    var isBroken = false
    var lifetime: Int64 = 3_600_000
    var gate: [CheckedContinuation<Void, Never>]?
  }

  private let state = Mutex(State())

  var now: Instant { state.withLock { $0.now } }
  var fetched: Int { state.withLock { $0.fetched } }

  func pass(minutes: Int64) {
    state.withLock { $0.now = $0.now.advanced(milliseconds: minutes * 60_000) }
  }

  func set(isBroken: Bool) { state.withLock { $0.isBroken = isBroken } }
  func set(lifetime minutes: Int64) { state.withLock { $0.lifetime = minutes * 60_000 } }
  func close() { state.withLock { $0.gate = [] } }

  func open() {
    let waiting = state.withLock { state in
      defer { state.gate = nil }
      return state.gate ?? []
    }
    for waiter in waiting { waiter.resume() }
  }

  func credentials() async throws -> AWSCredentials {
    state.withLock { $0.fetched += 1 }
    await withCheckedContinuation { waiter in
      let isOpen = state.withLock { state in
        state.gate?.append(waiter)
        return state.gate == nil
      }
      if isOpen { waiter.resume() }
    }
    return try state.withLock { state in
      if state.isBroken { throw Broken() }
      return AWSCredentials(
        accessKeyID: "\(state.fetched)",
        secretAccessKey: Secret("hidden"),
        expires: state.now.advanced(milliseconds: state.lifetime),
        origin: "a test"
      )
    }
  }
}

struct AWSCredentialCacheTests {
  private let sessions = Sessions()
  private let cache: AWSCredentialCache

  init() {
    let sessions = sessions
    cache = AWSCredentialCache(sessions) { sessions.now }
  }

  private func key() async throws -> String { try await cache.credentials().accessKeyID }

  @Test func `credentials are fetched anew five minutes before they expire`() async throws {
    #expect(try await key() == "1")
    sessions.pass(minutes: 54)
    #expect(try await key() == "1")
    sessions.pass(minutes: 1)
    #expect(try await key() == "2")
    #expect(sessions.fetched == 2)
  }

  @Test func `many callers fetch once`() async throws {
    sessions.close()
    try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<50 { group.addTask { try await key() } }
      while sessions.fetched == 0 { await Task.yield() }
      sessions.open()
      for try await key in group { #expect(key == "1") }
    }
    #expect(sessions.fetched == 1)
  }

  @Test(.timeLimit(.minutes(20)))
  func `while one fetches the others use what is still good`() async throws {
    #expect(try await key() == "1")
    sessions.pass(minutes: 56)
    sessions.close()
    async let renewed = key()
    while sessions.fetched == 1 { await Task.yield() }
    sessions.pass(minutes: 1)
    #expect(try await key() == "1")
    sessions.open()
    #expect(try await renewed == "2")
  }

  @Test func `a failed fetch keeps what is good, and does not repeat at once`() async throws {
    #expect(try await key() == "1")
    sessions.pass(minutes: 56)
    sessions.set(isBroken: true)
    for _ in 0..<3 { #expect(try await key() == "1") }
    #expect(sessions.fetched == 2)
    sessions.pass(minutes: 1)
    #expect(try await key() == "1")
    #expect(sessions.fetched == 3)
    sessions.pass(minutes: 4)
    await #expect(throws: Broken.self) { try await key() }
    sessions.set(isBroken: false)
    #expect(try await key() == "5")
  }

  @Test func `credentials that are short of time from the start are used`() async throws {
    sessions.set(lifetime: 2)
    for _ in 0..<3 { #expect(try await key() == "1") }
    #expect(sessions.fetched == 1)
  }

  @Test func `credentials that have expired already are an error`() async throws {
    sessions.set(lifetime: 0)
    await #expect(throws: AWSCredentialError.self) { try await key() }
  }

  @Test func `what AWS calls expired is fetched anew once for all`() async throws {
    #expect(try await key() == "1")
    sessions.pass(minutes: 10)
    for _ in 0..<5 { try await cache.refresh() }
    #expect(try await key() == "2")
    #expect(sessions.fetched == 2)
  }

  @Test func `a caller who gives up does not fail the others`() async throws {
    sessions.close()
    let cache = cache
    let first = Task { try await cache.credentials().accessKeyID }
    while sessions.fetched == 0 { await Task.yield() }
    let second = Task { try await cache.credentials().accessKeyID }
    first.cancel()
    sessions.open()
    #expect(try await second.value == "1")
    #expect(sessions.fetched == 1)
  }
}
