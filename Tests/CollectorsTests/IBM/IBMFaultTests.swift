import Collectors
import Engine
import Foundation
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// Every call of a scan is made to fail in every way, one at a time: nothing may pass then that does
/// not pass when all is read.
@Suite(.serialized)
struct IBMFaultTests {
  private static let isLong = ProcessInfo.processInfo.environment["PLUMB_LONG_TESTS"] == "1"

  /// What happens to a call.
  enum Fault: String, CaseIterable {
    case denied, unauthorized, throttled, broken, slow, cutOff, cutText
    case noBody, noMembers, noElements

    /// The answer instead of a good one.
    func answer(_ good: ReplayServer.Answer) -> ReplayServer.Answer {
      var answer = good
      func refusal(_ status: Int) -> ReplayServer.Answer {
        ReplayServer.Answer(status, json: ["errors": [["code": "by_the_test", "message": "no"]]])
      }
      switch self {
      case .denied: return refusal(403)
      case .unauthorized: return refusal(401)
      case .throttled: return refusal(429)
      case .broken: return refusal(503)
      case .slow: answer.delay = 30
      case .cutOff: answer.cutOff = answer.body.count / 2
      case .cutText: answer.body = Array(answer.body.prefix(answer.body.count * 2 / 3))
      case .noBody: answer.body = []
      case .noMembers: answer.body = Array(Self.isXML(good) ? "<Nothing/>".utf8 : "{}".utf8)
      case .noElements: answer.body = Self.emptied(good.body)
      }
      return answer
    }

    private static func isXML(_ answer: ReplayServer.Answer) -> Bool { answer.body.first == 0x3C }

    /// The body with every list in it emptied, and no further page.
    private static func emptied(_ body: [UInt8]) -> [UInt8] {
      guard var object = (try? JSONParser().parse(body))?.object else {
        return body.first == 0x5B ? Array("[]".utf8) : body
      }
      for (name, value) in object.members where value.array != nil { object[name] = [] }
      for name in ["next", "next_url"] { object[name] = nil }
      return Array(JSONValue.object(object).text.utf8)
    }
  }

  @Test(arguments: [["good"], ["good", "bad"]])
  func `no fault makes a goal pass`(accounts: [String]) async throws {
    let scene = try accounts.count == 1 ? IBMScene("good") : IBMScene("good", "bad")
    let goals = IBMGoalTests.goals.map { Goal(rule: $0) }
    let whole = try await scene.judge(goals)
    let calls = Set(scene.asked).sorted()
    #expect(calls.count > 12)
    var (runs, falsePasses, unknowns) = (0, 0, 0)
    for call in calls {
      for fault in Fault.allCases {
        let isMet = Mutex(false)
        scene.fail { request, good in
          guard request.line == call else { return nil }
          isMet.withLock { $0 = true }
          return fault.answer(good)
        }
        let found = try await scene.judge(goals, timeout: fault == .slow ? 1 : 60)
        #expect(isMet.withLock { $0 }, "\(call)")
        let added = found.passes.subtracting(whole.passes)
        #expect(added.isEmpty, "\(call) \(fault): \(added)")
        runs += 1
        falsePasses += added.count
        unknowns += found.all.values.filter { $0 == .unknown }.count
      }
    }
    print(
      "IBM faults in the account \(accounts.last ?? ""): \(runs) runs, \(calls.count) calls, "
        + "\(falsePasses) false passes, \(unknowns) unknown verdicts"
    )
    #expect(unknowns > 100)
  }

  @Test(arguments: [Fault.denied, .noMembers, .noElements])
  func `no fault of the later of equal calls makes a goal pass`(fault: Fault) async throws {
    let scene = try IBMScene("good", "bad")
    let goals = IBMGoalTests.goals.map { Goal(rule: $0) }
    let whole = try await scene.judge(goals)
    let repeated = Dictionary(scene.asked.map { ($0, 1) }, uniquingKeysWith: +).filter {
      $0.value > 1
    }
    #expect(!repeated.isEmpty)
    for (call, times) in repeated {
      for first in 2...times {
        let count = Mutex(0)
        scene.fail { request, good in
          guard request.line == call else { return nil }
          let number = count.withLock { count in
            count += 1
            return count
          }
          return number >= first ? fault.answer(good) : nil
        }
        let added = try await scene.judge(goals).passes.subtracting(whole.passes)
        #expect(added.isEmpty, "\(call) from \(first) on \(fault): \(added)")
      }
    }
  }

  /// Every goal on IBM Cloud that can be judged by what is read, and every call of a whole scan; all
  /// faults with `PLUMB_LONG_TESTS=1` in the environment.
  @Test(arguments: Fault.allCases.filter { isLong || $0 == .denied || $0 == .noElements })
  func `no fault makes any goal on IBM Cloud pass`(fault: Fault) async throws {
    let scene = try IBMScene("good", "bad")
    let kinds = Set(try IBMScene.catalog.get().kinds.map(\.kind))
    let goals = try IBMScene.library.get().rules
      .filter { $0.id.hasPrefix("ibm.") && kinds.isSuperset(of: $0.target.kinds) }
      .map { Goal(rule: $0.id) }
    let whole = try await scene.judge(goals)
    let calls = Set(scene.asked).sorted()
    #expect(goals.count >= 40 && calls.count > 50, "\(goals.count) \(calls.count)")
    for call in calls {
      scene.fail { request, good in request.line == call ? fault.answer(good) : nil }
      let found = try await scene.judge(goals, timeout: fault == .slow ? 1 : 60)
      // What stands for a list that was refused may pass where what is asked has nothing to do with
      // the resource, and then every resource of the list does.
      let added = found.passes.subtracting(whole.passes).filter { key in
        !key.resource.hasPrefix("unlisted:") || whole.verdicts(key.rule) != [.pass]
      }
      #expect(added.isEmpty, "\(call): \(added)")
    }
    print("IBM faults, \(fault): \(calls.count) calls, \(goals.count) goals")
  }

  @Test func `who sees only some policies passes nothing that counts them`() async throws {
    // The caller's group has no policy on account management any more.
    let scene = try IBMScene("good", "bad")
    scene.fail { request, good in
      guard request.path == "/iam/v1/policies" || request.path == "/iam/v2/policies",
        let json = try? JSONParser().parse(good.body), var object = json.object
      else { return nil }
      let left = (object["policies"]?.array ?? []).filter { policy in
        policy["id"] == "p-audit-service"
      }
      object["policies"] = .array(left)
      return ReplayServer.Answer(json: .object(object))
    }
    let found = try await scene.judge(IBMGoalTests.goals.map { Goal(rule: $0) })
    #expect(found.passes == [], "\(found.passes)")
    let reason = found.reasons.first { $0.key.rule == "ibm.registry.access-groups-only" }?.value
    #expect(reason?.contains("account management") == true, "\(reason ?? "")")
  }

  @Test func `nothing passes when every service goes down after some calls`() async throws {
    let scene = try IBMScene("good", "bad")
    let goals = IBMGoalTests.goals.map { Goal(rule: $0) }
    for calls in [0, 3, 8, 15] {
      let count = Mutex(0)
      scene.fail { request, good in
        guard !request.path.hasSuffix("/identity/token") else { return nil }
        let number = count.withLock { count in
          count += 1
          return count
        }
        guard number > calls else { return nil }
        var gone = good
        (gone.body, gone.cutOff) = (Array("gone".utf8), 0)
        return gone
      }
      let found = try await scene.judge(goals)
      #expect(found.passes == [], "after \(calls): \(found.passes)")
      #expect(found.all.values.contains(.unknown))
    }
  }

  @Test func `a service ID that a policy names and the list lacks is missed`() async throws {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      guard request.path == "/iam/v1/serviceids/" else { return nil }
      return ReplayServer.Answer(json: ["serviceids": []])
    }
    let found = try await scene.judge(
      [Goal(rule: "ibm.registry.administrator-service-ids-maximum")]
    )
    #expect(found.verdicts("ibm.registry.administrator-service-ids-maximum") == [.unknown])
  }

  @Test func `policies with conditions that the older list lacks leave counts unknown`()
    async throws
  {
    let scene = try IBMScene("good", changes: IBMGoalTests.throughGroups)
    scene.fail { request, good in
      guard request.path == "/iam/v2/policies",
        var object = try? JSONParser().parse(good.body).object
      else { return nil }
      object["policies"] = .array(
        (object["policies"]?.array ?? []) + [["id": "p-at-night", "pattern": "time-based"]]
      )
      return ReplayServer.Answer(json: .object(object))
    }
    let found = try await scene.judge([Goal(rule: "ibm.registry.access-groups-only")])
    #expect(found.verdicts("ibm.registry.access-groups-only") == [.unknown], "\(found.reasons)")
  }
}
