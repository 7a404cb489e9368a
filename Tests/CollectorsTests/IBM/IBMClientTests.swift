import Foundation
import JSON
import Model
import TestSupport
import Testing

/// IBM's own client reads the served account as the collector does.
///
/// So the answers have IBM's shape and paging, and what the collector makes of them is what IBM's code
/// makes of them.
struct IBMClientTests {
  private static let python = Fixtures.root.appendingPathComponent(".build/tools/bin/python")

  /// What IBM's client reads, by kind and id.
  private func read(_ scene: IBMScene) throws -> [String: [JSONValue]] {
    let run = try CommandRun(
      Self.python,
      [
        Fixtures.root.appendingPathComponent("Tests/CollectorsTests/IBM/sdk.py").path,
        scene.server.url, IBMScene.key, "acc1",
      ],
      environment: ["no_proxy": "*", "NO_PROXY": "*"]
    )
    try #require(run.exitCode == 0, "\(run.errors); script/prepare --tests installs the client")
    var found: [String: [JSONValue]] = [:]
    for line in try Fixtures.lines(Array(run.output.utf8)) {
      found[line["kind"]?.string ?? "", default: []].append(line["value"] ?? .null)
    }
    return found
  }

  @Test(arguments: ["good", "bad"])
  func `both read the same`(account: String) async throws {
    let scene = try IBMScene("good", account)
    let theirs = try read(scene)
    let ours = try await scene.inventory()
    for (name, kind, id) in [
      ("policy", "iam-access-management/policy", "id"), ("group", "iam-groups/access_group", "id"),
      ("user", "user-management/user", "iam_id"),
      ("instance", "resource-controller/instance", "crn"),
    ] {
      let found = theirs[name] ?? []
      #expect(found.count > 1, "\(name)")
      #expect(found.compactMap { $0[id]?.string }.sorted() == ours[kind].map(\.id), "\(name)")
      for value in found {
        let resource = ours[kind, value[id]?.string ?? ""]
        for (member, value) in value.object?.members ?? [] {
          let own = resource?.configuration[member] ?? .null
          let isSecret = member == "phonenumber" || member == "parameters"
          #expect(isSecret || own == value, "\(name) \(member)")
        }
      }
    }
    let settings = try #require(theirs["settings"]?.first)
    let own = try #require(ours["iam-identity/accountsettings"].first).configuration
    for name in ["mfa", "restrict_create_service_id", "session_expiration_in_seconds"] {
      #expect(settings[name] == own[name] && own[name] != nil)
    }
  }
}
