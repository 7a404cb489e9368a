import Collectors
import Foundation
import JSON
import Model
import TestSupport
import Testing
import YAML

/// Runs the collector over templates, with mappings for a bucket, its rules and a gate.
private func collectTemplates(
  _ templates: [String],
  parameters: [String: String] = [:],
  region: String = "",
  account: String = "",
  note: @escaping @Sendable (String) -> Void = { _ in }
) throws -> [Collected] {
  let folder = try Fixtures.temporaryFolder()
  defer { Fixtures.remove(folder) }
  var files: [String] = []
  for (index, template) in templates.enumerated() {
    let file = folder.appendingPathComponent("template-\(index).yaml")
    try Data(template.utf8).write(to: file)
    files.append(file.path)
  }
  let mapping = """
    cloudformation: T::Bucket
    provider: p
    service_name: s
    resource_kind: bucket
    name: [Name]
    tags: [Tags]
    configuration:
      Name: Name
      Value: Value
      Flag: { $path: Flag, $as: boolean }
      Has: { $when: Block, $then: { $value: true }, $else: { $value: false } }
      Rules: { $each: Rules, $item: { Port: Port } }
    created:
      Policy: { $value: none }
    parts:
      - cloudformation: T::Rule
        refers: Bucket
        matches: [Name]
        configuration:
          Rules: [ { Port: Port } ]
      - cloudformation: T::Policy
        refers: Buckets
        matches: [Name]
        configuration:
          Policy: Document
    """
  let decoded = try CloudFormationMapping(YAMLReader().document(mapping, file: "mapping.yaml"))
  var items: [Collected] = []
  try CloudFormationCollector(
    files: files,
    mappings: [decoded],
    parameters: parameters,
    region: region,
    account: account,
    note: note
  ).collect { items.append($0) }
  return items
}

extension [Collected] {
  /// The resources among what was emitted, by id.
  fileprivate var byID: [String: Resource] {
    var found: [String: Resource] = [:]
    for case .resource(let resource) in self { found[resource.id] = resource }
    return found
  }

  /// The diagnostics among what was emitted, as lines.
  fileprivate var messages: [String] {
    compactMap { if case .diagnostic(let diagnostic) = $0 { diagnostic.message } else { nil } }
  }

  /// What is outside judgement, by address.
  fileprivate var outside: [String: String] {
    var found: [String: String] = [:]
    for case .outside(let address, let reason) in self { found[address] = reason }
    return found
  }
}

extension Resource {
  /// Why a path is unread; nil where it was read.
  fileprivate func reason(_ path: String) -> String? { unread.first { $0.path == path }?.reason }
}

/// One bucket whose property `Value` is an expression.
private func bucket(_ expression: String, sections: String = "") -> String {
  """
  \(sections)
  Resources:
    B:
      Type: T::Bucket
      Properties:
        Value: \(expression)
    Other:
      Type: T::Bucket
  """
}

private let sections = """
  Parameters:
    Stage: { Type: String, Default: test }
    Ports: { Type: CommaDelimitedList, Default: "22, 80" }
    Count: { Type: Number, Default: 3 }
    Missing: { Type: String }
    Secret: { Type: String, NoEcho: true, Default: hunter2 }
    Stored: { Type: "AWS::SSM::Parameter::Value<String>", Default: /a/b }
  Mappings:
    Sizes: { test: { Backups: 1, Zones: [a, b] }, prod: { Backups: 14 } }
  Conditions:
    IsTest: !Equals [!Ref Stage, test]
    IsProd: !Not [!Condition IsTest]
    Both: !And [!Condition IsTest, !Equals [!Ref Missing, x]]
    Never: !And [!Condition IsProd, !Equals [!Ref Missing, x]]
    Either: !Or [!Condition IsTest, !Equals [!Ref Missing, x]]
    Same: !Equals [!Ref Missing, !Ref Missing]
  """

struct CloudFormationIntrinsicTests {
  private static let known: [(String, JSONValue)] = [
    ("!Ref Stage", "test"), ("!Ref Count", 3), ("!Ref Ports", ["22", "80"]),
    ("!Select [1, !Ref Ports]", "80"), ("!Sub \"${Stage}-${Count}-${!Stage}\"", "test-3-${Stage}"),
    ("!Sub [\"${A}/${Stage}\", { A: !Ref Count }]", "3/test"),
    ("!Join [\"-\", [a, !Ref Stage, !Ref \"AWS::NoValue\", 7]]", "a-test-7"),
    ("!Join [\":\", !Ref Ports]", "22:80"), ("!Split [\"-\", a-b]", ["a", "b"]),
    ("!FindInMap [Sizes, !Ref Stage, Backups]", 1),
    ("!FindInMap [Sizes, test, Zones]", ["a", "b"]),
    ("!FindInMap [Sizes, none, Backups, { DefaultValue: 5 }]", 5),
    ("!If [IsTest, yes, no]", true), ("!If [IsProd, 1, 2]", 2), ("!If [Both, 1, 1]", 1),
    ("!If [Never, 1, 2]", 2), ("!If [Either, 1, 2]", 1), ("!If [Same, 1, 2]", 1),
    ("!Ref \"AWS::Region\"", "eu-central-1"), ("!Ref \"AWS::AccountId\"", "012345678901"),
    ("!Sub \"arn:${AWS::Partition}:s3:::x\"", "arn:aws:s3:::x"),
    ("{ \"Fn::Join\": [\"\", [x, { Ref: Stage }]] }", "xtest"), ("!Base64 abc", "YWJj"),
    ("012345678901", "012345678901"), ("2012-10-17", "2012-10-17"),
    ("!Length [a, b]", 2), ("!ToJsonString { A: [1, x] }", #"{"A":[1,"x"]}"#),
  ]

  @Test(arguments: known)
  func `what is known is worked out`(expression: String, expected: JSONValue) throws {
    let items = try collectTemplates(
      [bucket(expression, sections: sections)],
      region: "eu-central-1",
      account: "012345678901"
    )
    let found = try #require(items.byID["B"])
    #expect(found.configuration["Value"] == expected)
    #expect(found.reason("Value") == nil)
    #expect(items.messages == [])
  }

  private static let open: [(String, String)] = [
    ("!Ref Missing", "a parameter without a value: Missing"), ("!Ref Secret", "sensitive"),
    ("!Ref Stored", "a parameter of Systems Manager, read on deploy"),
    ("!Ref Other", "known after deploy"), ("!GetAtt Other.Arn", "known after deploy"),
    ("!Sub \"${Other.Arn}/*\"", "known after deploy"), ("!Sub \"x-${Secret}\"", "sensitive"),
    ("!Join [\"\", [a, !Ref Missing]]", "a parameter without a value: Missing"),
    ("!Select [0, !GetAZs \"\"]", "known after deploy"),
    ("!ImportValue shared", "exported by another stack"),
    ("!Ref \"AWS::Region\"", "the region is not given; --region names it"),
    ("!Ref \"AWS::AccountId\"", "the account is not given; --account names it"),
    ("!Ref \"AWS::StackName\"", "known after deploy"),
    ("\"{{resolve:secretsmanager:a:SecretString:b}}\"", "sensitive"),
    ("!Join [\":\", [\"{{resolve\", \"ssm:/a:1}}\"]]", "a dynamic reference, resolved on deploy"),
    ("!Transform { Name: X }", "Fn::Transform, which only CloudFormation runs"),
    (
      "!If [Both, 1, 2]",
      "condition Both is not known: a parameter without a value: Missing"
    ),
  ]

  @Test(arguments: open)
  func `what is not known is unread with the reason`(expression: String, reason: String) throws {
    let items = try collectTemplates(
      [bucket(expression, sections: sections)],
      account: "my account"
    )
    let found = try #require(items.byID["B"])
    #expect(found.reason("Value") == reason)
    #expect(found.configuration["Value"] == nil)
    #expect(!found.inventoryLine.text.contains("hunter2"))
    #expect(items.messages == [])
  }

  private static let faults: [(String, String, String)] = [
    ("!Ref Nobody", "Resources.B.Properties.Value.Ref", "nothing in the template is called"),
    ("!GetAtt Nobody.Arn", "Fn::GetAtt", "no resource is called \"Nobody\""),
    ("!FindInMap [Sizes, test, Nothing]", "Fn::FindInMap", "holds no Sizes.test.Nothing"),
    ("!If [Nothing, 1, 2]", "Fn::If[0]", "there is no condition \"Nothing\""),
    ("!If [IsTest, 1]", "Fn::If", "expected a list of 3"),
    ("!Select [9, [a]]", "Fn::Select", "there is no element 9"),
    ("!Sub \"${Nobody}\"", "Fn::Sub", "nothing in the template is called"),
  ]

  @Test(arguments: faults)
  func `a fault is told with its place, and the rest goes on`(
    expression: String,
    key: String,
    message: String
  ) throws {
    let items = try collectTemplates([bucket(expression, sections: sections)])
    #expect(items.messages.count == 1)
    #expect(items.messages.first?.contains(key) == true, "\(items.messages)")
    #expect(items.messages.first?.contains(message) == true, "\(items.messages)")
    #expect(items.byID.count == 2)
    #expect(items.byID["B"]?.reason("Value") != nil)
    let lines = items.compactMap {
      if case .diagnostic(let diagnostic) = $0 { diagnostic.location.line } else { nil }
    }
    // The line of the property, behind the sections.
    #expect(lines == [sections.split(separator: "\n").count + 5])
  }

  @Test func `conditions that rest on themselves are told`() throws {
    let circle = """
      Conditions:
        A: !Not [!Condition B]
        B: !Not [!Condition A]
      Resources:
        X: { Type: "T::Bucket", Condition: A }
      """
    let items = try collectTemplates([circle])
    #expect(items.messages.contains { $0.contains("rests on itself") })
    #expect(items.byID["X"]?.reason("$resource.exists") != nil)
  }

  @Test func `a value given takes the default's place`() throws {
    let template = bucket("!If [IsProd, !Ref Missing, 2]", sections: sections)
    let items = try collectTemplates([template], parameters: ["Stage": "prod", "Missing": "m"])
    #expect(items.byID["B"]?.configuration["Value"] == "m")
  }

  @Test func `what is unknown within a value is unread at its place`() throws {
    let template = bucket("{ A: 1, B: !Ref Missing, C: [x, !Ref Other, y] }", sections: sections)
    let found = try #require(try collectTemplates([template]).byID["B"])
    #expect(found.configuration["Value"] == ["A": 1, "C": ["x", .null, "y"]])
    #expect(found.reason("Value.B") == "a parameter without a value: Missing")
    #expect(found.reason("Value.C[1]") == "known after deploy")
  }
}

struct CloudFormationPartTests {
  private static let template = """
    Parameters:
      Name: { Type: String }
      Open: { Type: String }
    Conditions:
      IsOpen: !Equals [!Ref Open, "true"]
    Resources:
      A: { Type: "T::Bucket" }
      Named: { Type: "T::Bucket", Properties: { Name: fixed } }
      ByParameter: { Type: "T::Bucket", Properties: { Name: !Ref Name } }
      RuleOfA: { Type: "T::Rule", Properties: { Bucket: !Ref A, Port: 1 } }
      AttributeOfA: { Type: "T::Rule", Properties: { Bucket: !GetAtt A.Arn, Port: 2 } }
      TextOfA: { Type: "T::Rule", Properties: { Bucket: !Sub "x/${A}", Port: 3 } }
      RuleOfName: { Type: "T::Rule", Properties: { Bucket: fixed, Port: 4 } }
      RuleOfParameter: { Type: "T::Rule", Properties: { Bucket: !Ref Name, Port: 5 } }
      Elsewhere: { Type: "T::Rule", Properties: { Bucket: !ImportValue other, Port: 6 } }
      Both:
        Type: T::Policy
        Properties: { Buckets: [!Ref A, fixed], Document: shared }
    """

  @Test func `parts join by reference, by name and by the same expression`() throws {
    let found = try collectTemplates([Self.template]).byID
    #expect(found.count == 3)
    #expect(found["A"]?.configuration["Rules"] == [["Port": 1], ["Port": 2], ["Port": 3]])
    #expect(found["Named"]?.configuration["Rules"] == [["Port": 4]])
    #expect(found["ByParameter"]?.configuration["Rules"] == [["Port": 5]])
    #expect(found["A"]?.configuration["Policy"] == "shared")
    #expect(found["Named"]?.configuration["Policy"] == "shared")
    #expect(found["ByParameter"]?.configuration["Policy"] == "none")
    for resource in found.values { #expect(resource.reason("Rules") == nil) }
  }

  @Test func `a part that may belong to any makes its keys unread in each`() throws {
    let more = """

        Loose: { Type: "T::Rule", Properties: { Bucket: !Ref Open, Port: 7 } }
      """
    let found = try collectTemplates([Self.template + more]).byID
    for id in ["A", "Named", "ByParameter"] {
      #expect(found[id]?.reason("Rules")?.contains("Loose") == true)
    }
  }

  @Test func `a part on an open condition makes its keys unread, with its whole it does not`()
    throws
  {
    let more = """

        Maybe: { Type: "T::Rule", Condition: IsOpen, Properties: { Bucket: !Ref A, Port: 7 } }
        Together: { Type: "T::Bucket", Condition: IsOpen }
        Inner: { Type: "T::Rule", Condition: IsOpen, Properties: { Bucket: !Ref Together, Port: 8 } }
      """
    let found = try collectTemplates([Self.template + more]).byID
    #expect(found["A"]?.reason("Rules")?.contains("condition IsOpen") == true)
    #expect(found["Together"]?.configuration["Rules"] == [["Port": 8]])
    #expect(found["Together"]?.reason("Rules") == nil)
    #expect(found["Together"]?.reason("$resource.exists") != nil)
    let known = try collectTemplates([Self.template + more], parameters: ["Open": "false"])
    #expect(known.byID["Together"] == nil)
    #expect(known.outside["Together"] == "condition IsOpen is false")
    #expect(known.byID["A"]?.reason("Rules") == nil)
  }

  @Test func `a block whose members are unknown is there`() throws {
    let template = """
      Resources:
        B:
          Type: T::Bucket
          Properties: { Block: { Inner: !GetAtt C.Arn }, Flag: "true" }
        C: { Type: "T::Bucket" }
      """
    let found = try collectTemplates([template]).byID
    #expect(found["B"]?.configuration["Has"] == true)
    #expect(found["B"]?.configuration["Flag"] == true)
    #expect(found["C"]?.configuration["Has"] == false)
  }
}

struct CloudFormationTemplateTests {
  @Test func `a resource knows its line, its tags and its region`() throws {
    let template = """
      ---
      # A comment
      Resources:
        First:
          Type: T::Bucket
          Properties:
            Tags:
              - { Key: owner, Value: me }
              - { Key: cost, Value: 7 }

        Second: { Type: "T::Bucket" }
      """
    let found = try collectTemplates([template], region: "eu-west-1").byID
    #expect(found["First"]?.source?["line"] == 4)
    #expect(found["Second"]?.source?["line"] == 11)
    #expect(found["First"]?.tags.map(\.key) == ["owner", "cost"])
    #expect(found["First"]?.tags.map(\.value) == ["me", "7"])
    #expect(found["First"]?.region == "eu-west-1")
    #expect(found["First"]?.name == "First")
  }

  @Test func `JSON is read with its lines, by tabs or spaces`() throws {
    let template =
      "{\n\t\"Resources\": {\n\t\t\"A\": {\n\t\t\t\"Type\": \"T::Bucket\",\n"
      + "\t\t\t\"Properties\": { \"Value\": { \"Fn::Sub\": \"a\" } }\n\t\t}\n\t}\n}\n"
    let found = try collectTemplates([template]).byID
    #expect(found["A"]?.configuration["Value"] == "a")
    #expect(found["A"]?.source?["line"] == 3)
  }

  @Test func `what get-template prints is read`() throws {
    let inner = #"{"Resources":{"A":{"Type":"T::Bucket"}}}"#
    #expect(try collectTemplates([#"{"TemplateBody":\#(inner)}"#]).byID["A"] != nil)
    let text = JSONValue.string("Resources:\n  A: { Type: T::Bucket }\n").text
    #expect(try collectTemplates([#"{"TemplateBody":\#(text)}"#]).byID["A"] != nil)
  }

  @Test func `several templates keep their ids apart`() throws {
    let template = "Resources:\n  A: { Type: T::Bucket }\n"
    let found = try collectTemplates([template, template]).byID
    #expect(found.count == 2)
    #expect(found.keys.allSatisfy { $0.hasSuffix(".yaml:A") })
  }

  @Test func `what cannot be judged is told`() throws {
    let template = """
      Transform: [AWS::Serverless-2016-10-31, Own]
      Resources:
        Nested: { Type: AWS::CloudFormation::Stack }
        Part: { Type: "Own::Service::Thing::MODULE" }
        Function: { Type: AWS::Serverless::Function }
        Fn::ForEach::Each: [X, [a], {}]
        Broken: { Properties: {} }
        Fine: { Type: T::Bucket, Properties: { Value: !Ref FunctionRole } }
      """
    let items = try collectTemplates([template])
    #expect(items.outside["Nested"]?.contains("nested stack") == true)
    #expect(items.outside["Part"]?.contains("module") == true)
    #expect(items.outside["Transform Own"]?.contains("macro") == true)
    #expect(items.outside["Fn::ForEach::Each"]?.contains("loop") == true)
    #expect(items.messages.count == 1)
    #expect(items.messages.first?.hasPrefix("Resources.Broken") == true)
    #expect(items.byID["Fine"]?.reason("Value") == "known after deploy")
    let types = items.compactMap {
      if case .notCovered(let type, _) = $0 { type } else { nil }
    }
    #expect(types == ["AWS::Serverless::Function"])
  }

  private static let refused: [(String, String)] = [
    (#"{"ChangeSetName":"c","StackName":"s","Changes":[]}"#, "--change-set-name"),
    (#"{"format_version":"1.2","resource_changes":[]}"#, "plumb scan terraform"),
    ("apiVersion: v1\nkind: Pod\n", "plumb scan kubernetes"), ("a: 1\n", "it has no Resources"),
    ("- 1\n", "not a CloudFormation template"), ("", "is empty"),
    ("Resources: [1]\n", "Resources: expected keys and values"),
    ("Resources:\n  A: { Type: x\n", "not valid YAML"),
    ("Parameters: { P: 1 }\nResources: {}\n", "Parameters.P"),
  ]

  @Test(arguments: refused)
  func `what is no template is refused with the way out`(text: String, message: String) {
    let error = #expect(throws: (any Error).self) { try collectTemplates([text]) }
    #expect(error.map { "\($0)".contains(message) } == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func `a parameter that no template declares is refused`() {
    let template = "Parameters: { P: { Type: String } }\nResources: {}\n"
    let error = #expect(throws: DocumentError.self) {
      try collectTemplates([template], parameters: ["Q": "1"])
    }
    #expect(error?.key == "Parameters.Q")
    #expect(error?.message.contains("declared are P") == true)
  }

  @Test func `what is judged although it may not be created is noted`() async throws {
    let template = """
      Parameters: { P: { Type: String } }
      Conditions: { C: !Equals [!Ref P, x] }
      Resources:
        A: { Type: T::Bucket, Condition: C }
      """
    try await confirmation("a note names resource and condition") { confirm in
      _ = try collectTemplates([template]) { text in
        #expect(text.contains("A (condition C)"))
        confirm()
      }
    }
  }
}

struct CloudFormationDialectTests {
  private static let forms: [(String, JSONValue)] = [
    ("!Ref X", ["Ref": "X"]), ("!Condition X", ["Condition": "X"]),
    ("!GetAtt A.B.C", ["Fn::GetAtt": ["A", "B.C"]]),
    ("!GetAtt [A, B]", ["Fn::GetAtt": ["A", "B"]]),
    ("!Sub 5", ["Fn::Sub": "5"]), ("!Join [a, [!Ref B]]", ["Fn::Join": ["a", [["Ref": "B"]]]]),
    (
      "!If [A, !Ref B, { C: !GetAZs '' }]",
      ["Fn::If": ["A", ["Ref": "B"], ["C": ["Fn::GetAZs": ""]]]]
    ),
    ("!!str 5", "5"), ("007", "007"), ("0", 0), ("on", true), ("y", "y"),
  ]

  @Test(arguments: forms)
  func `short forms are functions`(text: String, expected: JSONValue) throws {
    let node = try YAMLReader(.cloudFormation).document("key: \(text)\n", file: "t.yaml")
    #expect(node.json["key"] == expected)
  }

  @Test func `other dialects take no notice of tags`() throws {
    #expect(try YAMLReader().document("key: !Ref X\n", file: "t.yaml").json == ["key": "X"])
  }
}
