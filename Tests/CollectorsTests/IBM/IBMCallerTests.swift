import Collectors
import Engine
import Foundation
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// How calls are made: tokens, attempts, refusals.
struct IBMCallerTests {
  private func call(_ scene: IBMScene, timeout: Double = 60) async throws -> JSONValue {
    try await call(try scene.caller(timeout: timeout))
  }

  private func call(_ caller: IBMCaller) async throws -> JSONValue {
    try await caller.call(
      "GetAuth",
      of: "container-registry",
      ["account": "acc1"],
      in: "us-south"
    )
  }

  private func refusal(_ scene: IBMScene, timeout: Double = 60) async throws -> APIRefusal {
    do {
      _ = try await call(scene, timeout: timeout)
      Issue.record("it was answered")
    } catch let refusal as APIRefusal { return refusal }
    throw CancellationError()
  }

  @Test func `one token serves many calls`() async throws {
    let scene = try IBMScene("good")
    let caller = try scene.caller()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<20 { group.addTask { _ = try await call(caller) } }
      try await group.waitForAll()
    }
    #expect(scene.tokens == 1)
    #expect(caller.calls == 20)
  }

  @Test func `a token is fetched anew when four fifths of its life are over`() async throws {
    let scene = try IBMScene("good")
    let caller = try scene.caller()
    _ = try await call(caller)
    scene.pass(seconds: 2870)
    _ = try await call(caller)
    #expect(scene.tokens == 1)
    scene.pass(seconds: 20)
    _ = try await call(caller)
    #expect(scene.tokens == 2)
  }

  @Test func `a token that still holds is used where no other can be had`() async throws {
    let scene = try IBMScene("good")
    let caller = try scene.caller()
    _ = try await call(caller)
    scene.pass(seconds: 3000)
    scene.fail { request, _ in
      request.path.hasSuffix("/identity/token") ? ReplayServer.Answer(503) : nil
    }
    try await #expect(call(caller)["iam_authz"] == true)
    scene.pass(seconds: 700)
    await #expect(throws: APIRefusal.self) { try await call(caller) }
  }

  @Test func `a token that ends in the middle of a scan is fetched anew`() async throws {
    let scene = try IBMScene("good")
    let count = Mutex(0)
    scene.fail { [weak scene] request, _ in
      let number = count.withLock { count in
        count += 1
        return count
      }
      if number == 25 { scene?.endTokens() }
      return nil
    }
    let found = try await scene.inventory()
    #expect(scene.tokens > 1)
    #expect(found.coverage.values.allSatisfy { $0.gap == nil })
  }

  @Test func `a refused token is fetched anew once and no more`() async throws {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      request.path.hasSuffix("/auth") ? ReplayServer.Answer(401, json: ["message": "no"]) : nil
    }
    let refusal = try await refusal(scene)
    #expect(refusal.cause == .denied)
    #expect(refusal.reason == "denied: container-registry:GetAuth in us-south (401)")
    #expect(scene.tokens == 2)
    #expect(scene.asked.count == 2)
  }

  @Test func `a wrong key is told with the way out and without the key`() async throws {
    let scene = try IBMScene("good")
    do {
      _ = try await scene.tokens(key: "wrong-key").token()
      Issue.record("there is a token")
    } catch let error as IBMTokenError {
      #expect("\(error)".contains("BXNIM0415E"))
      #expect("\(error)".contains("IBMCLOUD_API_KEY"))
      #expect(!"\(error)".contains("wrong-key"))
    }
    #expect(scene.server.requests.count == 1)
  }

  @Test(arguments: [400, 503])
  func `a key that the identity service sends back is not told`(status: Int) async throws {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      let body = String(decoding: request.body, as: UTF8.self)
      let words: JSONValue = .string("unknown: \(body) \(body.removingPercentEncoding ?? "")")
      return ReplayServer.Answer(status, json: ["errorCode": "E1", "errorMessage": words])
    }
    let error = await #expect(throws: IBMTokenError.self) {
      try await scene.tokens(key: "wr+ng/key=").token()
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("unknown: ") && text.contains("apikey=[secret]"), "\(text)")
    #expect(!text.contains("wr+ng/key=") && !text.contains("wr%2Bng%2Fkey%3D"))
  }

  @Test func `a token that is none is told with the way out`() async throws {
    let scene = try IBMScene("good")
    scene.fail { _, _ in ReplayServer.Answer(json: ["access_token": "opaque"]) }
    let error = await #expect(throws: IBMTokenError.self) { try await scene.tokens().token() }
    #expect(error.map { "\($0)".contains("--endpoint-url") } == true)
  }

  @Test func `the service's wish to wait is kept to`() async throws {
    let scene = try IBMScene("good")
    let left = Mutex(["7", "Thu, 01 Jan 2026 12:00:11 GMT", "86400"])
    scene.fail { request, _ in
      guard request.path.hasSuffix("/auth"),
        let wish = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() })
      else { return nil }
      return ReplayServer.Answer(429, headers: [("Retry-After", wish)])
    }
    _ = try await call(scene)
    #expect(scene.waited == [7, 11, 60])
  }

  @Test(arguments: [
    (429, APIRefusal.Cause.throttled, 6), (500, .failed, 4), (503, .failed, 4), (403, .denied, 1),
    (404, .failed, 1), (400, .failed, 1), (501, .failed, 1),
  ])
  func `what may pass is tried again`(status: Int, cause: APIRefusal.Cause, calls: Int) async throws
  {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      guard request.path.hasSuffix("/auth") else { return nil }
      let error: JSONValue = ["code": "CRI0001E", "message": "the words of the service"]
      return ReplayServer.Answer(status, json: error)
    }
    let refusal = try await refusal(scene)
    #expect(refusal.cause == cause)
    #expect(refusal.code == "CRI0001E")
    #expect(refusal.message == "the words of the service")
    #expect(scene.asked.count == calls)
  }

  @Test(arguments: [
    #"{"errors":[{"code":"c","message":"m"}],"trace":"t"}"#,
    #"{"errorCode":"c","errorMessage":"m"}"#, #"{"code":"c","message":"m"}"#,
    #"{"metadata":{},"resources":[{"errorMsg":"m","reasons":[{"code":"c"}]}]}"#,
    "<Error><Code>c</Code><Message>m</Message></Error>",
  ])
  func `every form of an error is read`(body: String) async throws {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      request.path.hasSuffix("/auth") ? ReplayServer.Answer(403, body: Array(body.utf8)) : nil
    }
    let refusal = try await refusal(scene)
    #expect((refusal.code, refusal.message) == ("c", "m"))
  }

  @Test func `a slow service times out, a dead one cannot be reached`() async throws {
    let scene = try IBMScene("good")
    _ = try await call(scene)
    scene.fail { request, good in
      var slow = good
      slow.delay = request.path.hasSuffix("/auth") ? 30 : 0
      return slow
    }
    try await #expect(refusal(scene, timeout: 1).cause == .timedOut)
    scene.fail { request, good in
      var cut = good
      if request.path.hasSuffix("/auth") { cut.cutOff = 3 }
      return cut
    }
    try await #expect(refusal(scene).cause == .unreachable)
    let caller = try scene.caller()
    scene.fail(nil)
    _ = try await call(caller)
    scene.server.stop()
    do {
      _ = try await call(caller)
      Issue.record("it was answered")
    } catch let refusal as APIRefusal { #expect(refusal.cause == .unreachable) }
  }

  @Test func `nothing that an answer says can change the host`() async throws {
    let caller = try IBMScene("good").caller()
    for region in ["us-south.evil.example/", "a@b", "us south", "", "..", "US"] {
      do {
        _ = try await caller.call("ListKeys", of: "kms", ["instance": "x"], in: region)
        Issue.record("\(region) was asked")
      } catch let refusal as APIRefusal { #expect(refusal.cause == .unsupported) }
    }
  }

  @Test func `the key goes over TLS or stays on this machine`() throws {
    #expect(throws: IBMAddressError.self) { try IBMAddress(override: "http://ibm.example") }
    #expect(throws: IBMAddressError.self) { try IBMAddress(override: "ftp://127.0.0.1") }
    #expect(throws: Never.self) { try IBMAddress(override: "http://127.0.0.1:8080/") }
    #expect(throws: Never.self) { try IBMAddress(override: "https://ibm.example") }
  }
}

/// The data that the collector works by.
struct IBMCatalogTests {
  /// Nothing is asked for that operations.yaml does not know, and every right is one of IBM's.
  @Test func `every entry can be asked for`() async throws {
    let catalog = try IBMCatalog()
    #expect(catalog.kinds.count >= 29)
    #expect(Set(catalog.kinds.map(\.kind)).count == catalog.kinds.count)
    for kind in catalog.kinds {
      for operation in kind.operations {
        let parts = operation.split(separator: ":").map(String.init)
        #expect(throws: Never.self, "\(operation)") {
          _ = try IBMScene("good").caller().page(of: parts[1], service: parts[0])
        }
      }
    }
    let policy = IBMPolicy(catalog.kinds, details: [:])
    #expect(policy.commands.contains("--roles Viewer --account-management"))
    #expect(policy.commands.contains("--roles Reader --service-name container-registry"))
    #expect(
      policy.rights.allSatisfy {
        ["Viewer", "Reader", "Service Configuration Reader"].contains($0.role)
      }
    )
  }

  @Test func `the registry has thirteen places`() throws {
    let places = try IBMCatalog().facts.places["container-registry"]
    #expect(places?.count == 13)
    #expect(places?["us-south"] == "us.icr.io")
    #expect(places?["global"] == "icr.io")
  }

  @Test func `goals that were chosen need only the rights of what they read`() throws {
    let catalog = try IBMCatalog()
    let rules = try ["ibm.registry.iam-authz"].compactMap { try IBMScene.library.get()[$0] }
    let needs = catalog.needs(of: rules)
    let kinds = catalog.kinds.filter { needs[$0.kind] != nil }
    #expect(
      IBMPolicy(kinds, details: needs).rights.map(\.description) == ["Reader on container-registry"]
    )
  }
}
