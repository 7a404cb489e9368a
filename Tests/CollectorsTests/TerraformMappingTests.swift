import Collectors
import Foundation
import JSON
import Model
import TestSupport
import Testing
import YAML

/// Runs a collector over one plan with the mappings given as YAML.
private func collect(_ plan: String, _ mappings: [String]) throws -> [Collected] {
  let folder = try Fixtures.temporaryFolder()
  defer { Fixtures.remove(folder) }
  let file = folder.appendingPathComponent("plan.json")
  try Data(plan.utf8).write(to: file)
  let decoded = try mappings.map {
    try TerraformMapping(YAMLReader().document($0, file: "mapping.yaml"))
  }
  var items: [Collected] = []
  try TerraformCollector(files: [file.path], mappings: decoded).collect { items.append($0) }
  return items
}

private func plan(_ changes: [String], configuration: String = "{}") -> String {
  """
  {"format_version":"1.2","planned_values":{},"resource_changes":[\(changes.joined(separator: ","))],
  "configuration":{"root_module":\(configuration)}}
  """
}

private func change(
  _ type: String,
  _ name: String,
  after: String,
  unknown: String = "{}",
  sensitive: String = "{}",
  actions: String = #"["create"]"#,
  index: String? = nil
) -> String {
  let suffix = index.map { "[\($0)]" } ?? ""
  let key = index.map { #","index":\#($0)"# } ?? ""
  return """
    {"address":"\(type).\(name)\(suffix.replacing("\"", with: "\\\""))","mode":"managed",\
    "type":"\(type)","name":"\(name)"\(key),"change":{"actions":\(actions),"after":\(after),\
    "after_unknown":\(unknown),"after_sensitive":\(sensitive)}}
    """
}

extension [Collected] {
  fileprivate var resources: [Resource] {
    compactMap { if case .resource(let resource) = $0 { resource } else { nil } }
  }
}

private let bucket = """
  terraform: bucket
  provider: p
  service_name: s
  resource_kind: bucket
  name: [name]
  configuration:
    Name: name
    Encrypted: { $path: encrypted, $default: false }
    Rules: { $each: rules, $item: { Port: port, Ranges: { $each: cidrs, $item: { Cidr: $element } } } }
    Mode: { $path: mode, $values: { a: Alpha, "*": Other } }
    Policy: { $path: policy, $as: json }
    Versioning: { Status: { $when: "versioning[0].enabled", $then: { $value: Enabled } } }
  created:
    Access: { Blocked: { $value: true } }
  absent_unless_written: [versioning]
  parts:
    - terraform: bucket_rule
      refers: bucket
      matches: [name]
      configuration:
        Rules: [ { Port: port } ]
    - terraform: bucket_access
      refers: bucket
      matches: [name]
      configuration:
        Access: { Blocked: blocked }
  """

struct TerraformMappingTests {
  @Test func `paths, lists, translations and texts of JSON are mapped`() throws {
    let after = #"""
      {"name":"b","rules":[{"port":22,"cidrs":["10.0.0.0/8"]}],"mode":"z","policy":"{\"A\":[1]}"}
      """#
    let found = try collect(plan([change("bucket", "x", after: after)]), [bucket]).resources
    #expect(
      found.first?.configuration
        == [
          "Name": "b", "Encrypted": false,
          "Rules": [["Port": 22, "Ranges": [["Cidr": "10.0.0.0/8"]]]], "Mode": "Other",
          "Policy": ["A": [1]], "Access": ["Blocked": true],
        ]
    )
    #expect(found.first?.id == "bucket.x")
    #expect(found.first?.name == "b")
  }

  @Test func `what is known only after apply is unread at its place`() throws {
    let found = try collect(
      plan([
        change(
          "bucket",
          "x",
          after: #"{"name":"b","rules":[{"port":22,"cidrs":[null]}]}"#,
          unknown: #"{"encrypted":true,"rules":[{"cidrs":[true]}],"policy":true}"#
        )
      ]),
      [bucket]
    ).resources
    let unread = Dictionary(uniqueKeysWithValues: found[0].unread.map { ($0.path, $0.reason) })
    #expect(unread["Encrypted"] == "known after apply")
    #expect(unread["Policy"] == "known after apply")
    #expect(unread["Rules[0].Ranges[0].Cidr"] == "known after apply")
    #expect(found[0].configuration["Encrypted"] == nil)
  }

  @Test func `a sensitive value never enters the resource`() throws {
    let found = try collect(
      plan([
        change(
          "bucket",
          "x",
          after: #"{"name":"hunter2","policy":"{}"}"#,
          sensitive: #"{"name":true}"#
        )
      ]),
      [bucket]
    ).resources
    #expect(!found[0].inventoryLine.text.contains("hunter2"))
    #expect(found[0].unread.contains { $0.path == "Name" && $0.reason == "sensitive" })
  }

  @Test func `parts join by name, by reference and by the key of for_each`() throws {
    let configuration = #"""
      {"resources":[
        {"address":"bucket.x","mode":"managed","type":"bucket","name":"x","expressions":{}},
        {"address":"bucket_rule.r","mode":"managed","type":"bucket_rule","name":"r",
         "expressions":{"bucket":{"references":["bucket.x","each.key"]}}}]}
      """#
    let changes = [
      change("bucket", "x", after: #"{"rules":[]}"#, unknown: #"{"name":true}"#, index: #""a""#),
      change("bucket", "x", after: #"{"rules":[]}"#, unknown: #"{"name":true}"#, index: #""b""#),
      change(
        "bucket_rule",
        "r",
        after: #"{"port":1}"#,
        unknown: #"{"bucket":true}"#,
        index: #""a""#
      ),
      change("bucket", "named", after: #"{"name":"n","rules":[]}"#),
      change("bucket_rule", "other", after: #"{"port":2,"bucket":"n"}"#),
    ]
    let found = try collect(plan(changes, configuration: configuration), [bucket]).resources
    func rules(_ id: String) -> JSONValue? { found.first { $0.id == id }?.configuration["Rules"] }
    #expect(rules("bucket.x[\"a\"]") == [["Port": 1]])
    #expect(rules("bucket.x[\"b\"]") == [])
    #expect(rules("bucket.named") == [["Port": 2]])
  }

  @Test func `a part that may belong to several resources makes its keys unread in each`() throws {
    let configuration = #"""
      {"resources":[{"mode":"managed","type":"bucket_access","name":"r",
        "expressions":{"bucket":{"references":["bucket.x"]}}}]}
      """#
    let changes = [
      change("bucket", "x", after: "{}", unknown: #"{"name":true}"#, index: "0"),
      change("bucket", "x", after: "{}", unknown: #"{"name":true}"#, index: "1"),
      change("bucket_access", "r", after: #"{"blocked":true}"#, unknown: #"{"bucket":true}"#),
    ]
    let found = try collect(plan(changes, configuration: configuration), [bucket]).resources
    #expect(found.count == 2)
    for resource in found { #expect(resource.unread.contains { $0.path == "Access" }) }
  }

  @Test func `defaults of created resources are unread where the plan does not create`() throws {
    let found = try collect(
      plan([change("bucket", "x", after: #"{"name":"b"}"#, actions: #"["no-op"]"#)]),
      [bucket]
    ).resources
    #expect(found[0].unread.contains { $0.path == "Access" && $0.reason == "not set by the plan" })
    #expect(found[0].configuration["Access"] == nil)
  }

  @Test func `an unwritten computed argument is absent only where the mapping says so`() throws {
    let configuration = #"""
      {"resources":[{"mode":"managed","type":"bucket","name":"x","expressions":{"name":{}}}]}
      """#
    let found = try collect(
      plan(
        [
          change(
            "bucket",
            "x",
            after: #"{"name":"b"}"#,
            unknown: #"{"versioning":true,"encrypted":true}"#
          )
        ],
        configuration: configuration
      ),
      [bucket]
    ).resources
    #expect(!found[0].unread.contains { $0.path.hasPrefix("Versioning") })
    #expect(found[0].unread.contains { $0.path == "Encrypted" })
  }

  @Test func `a type without a mapping is told`() throws {
    let items = try collect(plan([change("tape", "x", after: "{}")]), [bucket])
    guard case .notCovered(let type, let address) = items.first else {
      Issue.record("expected a resource that is not covered")
      return
    }
    #expect(type == "tape")
    #expect(address == "tape.x")
  }

  @Test(arguments: [
    (#"{"version":4,"terraform_version":"1.9","lineage":"x"}"#, "raw state file"),
    (#"{"format_version":"1.2"}"#, "neither resource_changes nor values"),
    (#"{"format_version":"1.2","#, "not valid JSON"),
    ("", "is empty"), ("[]", "not a Terraform plan"),
  ])
  func `what is no plan is refused with the way out`(text: String, message: String) {
    let error = #expect(throws: (any Error).self) { try collect(text, [bucket]) }
    #expect(error.map { "\($0)".contains(message) } == true, "\(error.map { "\($0)" } ?? "")")
  }
}
