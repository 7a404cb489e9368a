import Collectors
import Foundation
import JSON
import Model
import TestSupport
import Testing

/// What the collector makes of an account, kind by kind.
struct IBMInventoryTests {
  @Test func `the collector keeps to the port`() async throws {
    let scene = try IBMScene("good")
    try await #expect(CollectorKit(scene.collector()).faults() == [])
  }

  @Test func `every kind is read, in full, and nothing is unread but what IBM leaves out`()
    async throws
  {
    let found = try await IBMScene("good").inventory()
    for kind in try IBMScene.catalog.get().kinds {
      #expect(!found["\(kind.kind)"].isEmpty, "\(kind.kind)")
      #expect(found.gap("\(kind.kind)") == nil, "\(kind.kind)")
    }
    let unread = found.resources.flatMap { resource in
      resource.unread.map { "\(resource.kind) \(resource.name) \($0.path)" }
    }
    #expect(unread == ["cloud-object-storage/bucket logs firewall"])
  }

  @Test func `a registry says which one it is`() async throws {
    let found = try await IBMScene("good").inventory()["container-registry/service"]
    let registries = found.map { $0.attributes.map { "\($0.key)=\($0.value.text)" } }
    #expect(
      registries == [
        [#"registry="de.icr.io""#, #"region="eu-de""#],
        [#"registry="us.icr.io""#, #"region="us-south""#],
      ]
    )
    #expect(found.map(\.region) == ["eu-de", "us-south"])
    #expect(
      found.first?.configuration
        == ["iam_authz": true, "private_only": true, "platform_metrics": true]
    )
    #expect(
      found.first?.id == "crn:v1:bluemix:public:container-registry:eu-de:a/acc1:::"
    )
  }

  @Test func `policies are read page by page`() async throws {
    let scene = try IBMScene("good")
    let found = try await scene.inventory()["iam-access-management/policy"]
    #expect(found.count == 8)
    #expect(scene.asked.contains { $0.contains("start=page2") })
    let manager = found.first { $0.id == "p-manager-user" }?.configuration
    #expect(manager?["roles"]?.array?.first?["display_name"] == "Manager")
    #expect(manager?["subjects"]?.array?.first?["attributes"]?.array?.first?["value"] == "IBMid-2")
  }

  @Test func `a user has policies, groups with theirs, factor, activity and settings`() async throws
  {
    let found = try await IBMScene("good").inventory()
    let user = try #require(found["user-management/user", "IBMid-2"]).configuration
    #expect(user["policies"]?.array?.map { $0["id"] } == ["p-manager-user"])
    let groups = user["access_groups"]?.array ?? []
    #expect(groups.map { $0["id"] } == ["AccessGroupId-developers"])
    #expect(groups.first?["policies"]?.array?.map { $0["id"] } == ["p-developers"])
    #expect(user["mfa_status"]?["id_based_mfa"]?["trait_effective"] == "LEVEL3")
    #expect(user["activity"]?["last_authn"] == "2025-12-24T10:20+0000")
    #expect(user["settings"]?["self_manage"] == false)
    let owner = try #require(found["user-management/user", "IBMid-1"]).configuration
    #expect(owner["policies"] == [])
    #expect(owner["phonenumber"] == "[redacted]")
  }

  @Test func `a service ID and a group have policies, a group its members and rules`() async throws
  {
    let found = try await IBMScene("good").inventory()
    let pipeline = found["iam-identity/service_id", "iam-ServiceId-pipeline"]?.configuration
    #expect(pipeline?["policies"]?.array?.map { $0["id"] } == ["p-manager-service"])
    #expect(pipeline?["access_groups"] == [])
    let audit = found["iam-identity/service_id", "iam-ServiceId-audit"]?.configuration
    #expect(audit?["context"] == nil)
    let group = found["iam-groups/access_group", "AccessGroupId-developers"]?.configuration
    #expect(group?["members"]?.array?.map { $0["iam_id"] } == ["IBMid-2"])
    #expect(group?["rules"]?.array?.map { $0["name"] } == ["developers"])
    #expect(group?["policies"]?.array?.map { $0["id"] } == ["p-developers"])
  }

  @Test func `what tells of the call and what is secret is left out`() async throws {
    let found = try await IBMScene("good").inventory()
    let settings = try #require(found["iam-identity/accountsettings"].first).configuration
    #expect(settings["context"] == nil)
    #expect(settings["effective"]?["mfa"] == "LEVEL2")
    let text = found.resources.map(\.inventoryLine.text).joined()
    for secret in ["hidden", "shown-only-once", "changes-with-every-call", "0150555"] {
      #expect(!text.contains(secret), "\(secret)")
    }
  }

  @Test func `API keys of users and of service IDs are one kind`() async throws {
    let keys = try await IBMScene("good").inventory()["iam-identity/apikey"]
    #expect(keys.map(\.id) == ["ApiKey-1", "ApiKey-2", "ApiKey-3"])
    #expect(keys.allSatisfy { $0.configuration["activity"]?["authn_count"] == "9" })
  }

  @Test func `instances have both sorts of tags, those of Key Protect policies and keys`()
    async throws
  {
    let found = try await IBMScene("good").inventory()
    let instances = found["resource-controller/instance"]
    #expect(instances.map(\.name) == ["storage", "documents", "keys"])
    #expect(
      instances.first?.tags.map { "\($0.key):\($0.value)" } == ["owner:platform", "env:prod"]
    )
    #expect(instances.first?.configuration["parameters"]?["password"] == "[redacted]")
    let kms = try #require(found["kms/instance"].first)
    #expect(kms.region == "eu-de")
    #expect(kms.configuration["policies"]?.array?.count == 1)
    #expect(found["kms/key"].map(\.name) == ["root", "standard"])
    #expect(found["kms/key"].map { $0.configuration["policies"]?.array?.count } == [2, 0])
    #expect(found["cloudantnosqldb/instance"].count == 1)
  }

  @Test func `keys are asked for until a page is short`() async throws {
    func keys(_ range: Range<Int>) -> JSONValue {
      .array(
        range.map { number in
          ["id": .string("k\(number)"), "crn": .string("crn:key:\(number)"), "state": 1]
        }
      )
    }
    let scene = try IBMScene(
      "good",
      changes: [
        [
          "get": "/kms/eu-de/api/v2/keys",
          "json": ["metadata": ["collectionTotal": 200], "resources": keys(0..<200)],
        ],
        [
          "get": "/kms/eu-de/api/v2/keys", "query": ["offset": "200"],
          "json": ["metadata": ["collectionTotal": 7], "resources": keys(200..<207)],
        ],
        ["get": "/kms/eu-de/api/v2/keys/*/policies", "json": ["metadata": ["collectionTotal": 0]]],
      ]
    )
    let found = try await scene.inventory()
    #expect(found["kms/key"].count == 207)
    #expect(found.gap("kms/key") == nil)
  }

  @Test func `instances whose keys may not be read leave the kind incomplete`() async throws {
    let scene = try IBMScene("good")
    scene.fail { request, _ in
      request.path.hasSuffix("/api/v2/keys") ? ReplayServer.Answer(403, json: ["x": 1]) : nil
    }
    let found = try await scene.inventory()
    #expect(found["kms/key"].map(\.id) == ["unlisted:eu-de:kms-guid"])
    #expect(found.gap("kms/key") == "denied: kms:ListKeys in eu-de (403)")
  }

  @Test func `a bucket is its configuration with head, access list and public access block`()
    async throws
  {
    let buckets = try await IBMScene("good").inventory()["cloud-object-storage/bucket"]
    #expect(buckets.map(\.name) == ["data", "logs"])
    let data = try #require(buckets.first).configuration
    #expect(data["firewall"]?["allowed_ip"] == ["203.0.113.0/24"])
    #expect(data["head"]?.object?.members.count == 2)
    #expect(data["head"]?["ibm-sse-kp-enabled"] == "true")
    #expect(data["acl"]?["Grants"]?.array?.first?["Permission"] == "FULL_CONTROL")
    #expect(data["acl"]?["Grants"]?.array?.first?["Grantee"]?["Type"] == "CanonicalUser")
    #expect(data["public_access_block"]?["IgnorePublicAcls"] == true)
    #expect(data["LocationConstraint"] == nil)
    let logs = try #require(buckets.last)
    #expect(logs.configuration["public_access_block"] == [:])
    #expect(logs.configuration["head"] == [:])
  }

  @Test func `clusters and their workers, and security groups over two pages`() async throws {
    let found = try await IBMScene("good").inventory()
    let cluster = try #require(found["containers-kubernetes/cluster"].first).configuration
    #expect(cluster["features"]?["keyProtectEnabled"] == true)
    #expect(found["containers-kubernetes/worker"].map(\.id) == ["w1"])
    #expect(found["is/security_group"].map(\.name) == ["default", "open"])
  }

  @Test func `resources have the properties that IBM's definitions give their kinds`() async throws
  {
    let file = Fixtures.root.appendingPathComponent("Tests/ContentTests/Schemas/ibm.json")
    let schemas = try JSONParser().parse(Data(contentsOf: file))["kinds"]
    func paths(_ value: JSONValue, _ path: String) -> [String] {
      switch value {
      case .array(let elements): elements.flatMap { paths($0, path + "[*]") }
      case .object(let object):
        object.members.flatMap { name, value in
          let inner = path.isEmpty ? name : "\(path).\(name)"
          return [inner] + paths(value, inner)
        }
      default: []
      }
    }
    var others: Set<String> = []
    for resource in try await IBMScene("good").inventory().resources {
      let known = schemas?["\(resource.kind)"]?["properties"]?.array?.compactMap(\.string) ?? []
      #expect(!known.isEmpty, "\(resource.kind)")
      for path in paths(resource.configuration, "") {
        let isKnown = known.contains { Wildcard.matches(path, pattern: Self.pattern($0)) }
        if !isKnown { others.insert("\(resource.kind) \(path)") }
      }
    }
    // IBM's definitions do not have these: what include_activity adds, and a further call's answer.
    let own = others.filter { $0.contains(" settings") || $0.contains(" activity") }
    #expect(others.subtracting(own).sorted() == [])
  }

  /// A schema's path as a pattern: `*` stands for any name, `[*]` for itself.
  private static func pattern(_ path: String) -> String { path.replacing("\"", with: "") }

  @Test func `only GET and HEAD are asked, and no key's material`() async throws {
    let scene = try IBMScene("good")
    _ = try await scene.inventory()
    let asked = scene.server.requests.filter { !$0.path.hasSuffix("/identity/token") }
    #expect(Set(asked.map(\.method)) == ["GET", "HEAD"])
    #expect(
      !asked.contains {
        $0.path.wholeMatch(of: /.*\/keys\/[^\/]+/) != nil && $0.path.contains("/kms/")
      }
    )
    #expect(asked.allSatisfy { $0[header: "Authorization"]?.hasPrefix("Bearer ") == true })
    let registry = asked.filter { $0.path.contains("container-registry") }
    #expect(registry.allSatisfy { $0[header: "Account"] == "acc1" })
    let kms = asked.filter { $0.path.hasPrefix("/kms/") }
    #expect(!kms.isEmpty)
    #expect(kms.allSatisfy { $0[header: "bluemix-instance"] == "kms-guid" })
  }
}
