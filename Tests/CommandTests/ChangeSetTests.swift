import Foundation
import JSON
import TestSupport
import Testing

/// `plumb gate cloudformation --change-set` and the hooks for pre-commit.
struct ChangeSetTests {
  private static let template = """
    Parameters:
      Open: { Type: String, Default: 10.0.0.0/8 }
    Resources:
      Old:
        Type: AWS::EC2::SecurityGroup
        Properties:
          GroupDescription: old
          SecurityGroupIngress:
            - { IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0 }
      New:
        Type: AWS::EC2::SecurityGroup
        Properties:
          GroupDescription: new
          SecurityGroupIngress:
            - { IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Open }
    """

  private static func changeSet(_ changes: [(String, String)], open: String) -> JSONValue {
    [
      "ChangeSetName": "add", "StackName": "shop", "Status": "CREATE_COMPLETE",
      "ChangeSetId": "arn:aws:cloudformation:eu-central-1:123456789012:changeSet/add/9edd",
      "Parameters": [["ParameterKey": "Open", "ParameterValue": .string(open)]],
      "Changes": .array(
        changes.map { action, id in
          [
            "Type": "Resource",
            "ResourceChange": [
              "Action": .string(action), "LogicalResourceId": .string(id),
              "ResourceType": "AWS::EC2::SecurityGroup", "Scope": [], "Details": [],
            ],
          ]
        }
      ),
    ]
  }

  private static func decide(_ changeSet: JSONValue) throws -> CommandRun {
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let files = ["template.yaml", "change-set.json", "guardrails.yaml"].map {
      folder.appendingPathComponent($0)
    }
    let guardrails = """
      scopes: [{ name: here, includes: ["account=123456789012,region=eu-central-1"] }]
      guardrails:
        - { rule: aws.ec2.sg-internet-ingress-allowed-ports, scope: here, enforcement: disallow }
      """
    for (file, text) in zip(files, [template, changeSet.text, guardrails]) {
      try Data(text.utf8).write(to: file)
    }
    return try CommandRun([
      "gate", "cloudformation", files[0].path, "--change-set", files[1].path, "--guardrails",
      files[2].path, "--format", "json",
    ])
  }

  @Test(arguments: [
    ([("Add", "New")], "10.0.0.0/8", Int32(0), ["New": "allowed"]),
    ([("Add", "New")], "0.0.0.0/0", 1, ["New": "refused"]),
    ([("Add", "New"), ("Modify", "Old")], "10.0.0.0/8", 1, ["New": "allowed", "Old": "refused"]),
    ([("Remove", "Gone")], "10.0.0.0/8", 0, [:]),
  ])
  func `a change set tells parameters, place and what is changed`(
    changes: [(String, String)],
    open: String,
    exitCode: Int32,
    effects: [String: String]
  ) throws {
    let run = try Self.decide(Self.changeSet(changes, open: open))
    #expect(run.exitCode == exitCode, "\(run.errors)\(run.output)")
    let report = try JSONParser().parse(Array(run.output.utf8))
    var found: [String: String] = [:]
    for decision in report["decisions"]?.array ?? [] {
      #expect(decision["resource"]?["account"] == "123456789012")
      #expect(decision["guardrails"] == 1)
      found[decision["resource"]?["id"]?.string ?? ""] = decision["decision"]?.string
    }
    #expect(found == effects)
  }

  @Test func `what is no whole change set is refused with the way out`() throws {
    var page = Self.changeSet([], open: "").object ?? [:]
    page["NextToken"] = "more"
    let partial = try Self.decide(.object(page))
    #expect(partial.exitCode == 2 && partial.errors.contains("NextToken"), "\(partial.errors)")
    let none = try Self.decide(["Resources": [:]])
    #expect(none.exitCode == 2 && none.errors.contains("describe-change-set"), "\(none.errors)")
  }

  @Test func `pre-commit runs the hooks that the repository offers`() throws {
    let tool = Fixtures.root.appendingPathComponent(".build/tools/bin/pre-commit")
    let manifest = Fixtures.root.appendingPathComponent(".pre-commit-hooks.yaml")
    let folder = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(folder) }
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let binaries = URL(fileURLWithPath: link).deletingLastPathComponent().path
    let environment = [
      "PATH": binaries + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? ""),
      "HOME": folder.path, "PRE_COMMIT_HOME": folder.path + "/cache",
    ]
    let valid = try CommandRun(
      tool,
      ["validate-manifest", manifest.path],
      environment: environment
    )
    #expect(valid.exitCode == 0, "\(valid.output)\(valid.errors)")
    let hooks = try String(contentsOf: manifest, encoding: .utf8).split(separator: "\n").map {
      "    \($0)"
    }.joined(separator: "\n")
    let files = [
      ".pre-commit-config.yaml": "repos:\n  - repo: local\n    hooks:\n\(hooks)\n",
      "main.tf": try String(
        contentsOf: Fixtures.root.appendingPathComponent(
          "Tests/CommandTests/Fixtures/gate/group.tf"
        ),
        encoding: .utf8
      ),
      "pod.k8s.yaml": "apiVersion: v1\nkind: Pod\nmetadata: { name: a }\nspec: { hostPID: true }\n",
      "shop.template.yaml": Self.template,
      "notes.yaml": "kind: none of these\n",
    ]
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    let git = URL(fileURLWithPath: "/usr/bin/git")
    for arguments in [["init", "-q"], ["add", "-A"]] {
      let run = try CommandRun(git, arguments, folder: folder, environment: environment)
      try #require(run.exitCode == 0, "\(run.errors)")
    }
    for (hook, told) in [
      ("plumb-gate-terraform", "main.tf"), ("plumb-gate-kubernetes", "default/Pod/a"),
      ("plumb-gate-cloudformation", "Old"),
    ] {
      let run = try CommandRun(
        tool,
        ["run", hook, "--all-files"],
        folder: folder,
        environment: environment
      )
      #expect(run.exitCode == 1, "\(hook): \(run.output)\(run.errors)")
      #expect(run.output.contains("exit code: 1") && run.output.contains(told), "\(run.output)")
      #expect(!run.output.contains("notes.yaml"))
    }
    for name in ["main.tf", "pod.k8s.yaml", "shop.template.yaml"] {
      _ = try CommandRun(git, ["rm", "-qf", name], folder: folder, environment: environment)
    }
    let nothing = try CommandRun(
      tool,
      ["run", "--all-files"],
      folder: folder,
      environment: environment
    )
    #expect(nothing.exitCode == 0, "\(nothing.output)")
  }
}
