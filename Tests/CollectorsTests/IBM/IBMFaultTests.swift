import Collectors
import Engine
import JSON
import Model
import Synchronization
import TestSupport
import Testing

/// Every call of a scan is made to fail in every way, one at a time: nothing may pass then that does
/// not pass when all is read.
@Suite(.serialized)
struct IBMFaultTests {
  /// What happens to a call.
  enum Fault: String, CaseIterable {
    case denied, unauthorized, throttled, broken, slow, cutOff, cutText, noBody, noMembers, noElements

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
      case .slow: answer.delay = 0.4
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
    #expect(calls.count > 20)
    var (runs, falsePasses, unknowns) = (0, 0, 0)
    for call in calls {
      for fault in Fault.allCases {
        let isMet = Mutex(false)
        scene.fail { request, good in
          guard request.line == call else { return nil }
          isMet.withLock { $0 = true }
          return fault.answer(good)
        }
        let found = try await scene.judge(goals, timeout: fault == .slow ? 0.1 : 5)
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

  @Test func `policies with conditions that the older list lacks leave counts unknown`() async throws
  {
    let scene = try IBMScene("good", changes: IBMGoalTests.throughGroups)
    scene.fail { request, good in
      guard request.path == "/iam/v2/policies", var object = try? JSONParser().parse(good.body).object
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
