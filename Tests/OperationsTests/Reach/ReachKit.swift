import Content
import JSON
import Model
import Operations
import YAML

/// Lines of an inventory for tests about access, and what follows from them.
enum ReachKit {
  static let account = "111111111111"
  static let instance = "arn:aws:ec2:eu-west-1:\(account):instance/i-1"
  static let function = "arn:aws:lambda:eu-west-1:\(account):function:pay"

  static let facts = """
    provider: aws
    principals: [iam/user, iam/role]
    kinds:
      - kind: ec2/instance
        access: [ssm:StartSession]
        manage: [ec2:StopInstances]
      - kind: lambda/function
        policy: Policy
        known: { lambda:FunctionUrlAuthType: Url.AuthType }
        access: [{ action: lambda:InvokeFunction, on: [$id, '$id:*'] }, lambda:InvokeFunctionUrl]
        manage: [lambda:UpdateFunctionCode]
      - kind: ecs/cluster
        access: [{ action: ecs:ExecuteCommand, on: ['arn:$partition:ecs:$region:$account:task/$name/*'] }]
    """

  static func facts(_ text: String = facts) throws -> [ReachFacts] {
    [try ReachDecoder.facts(YAMLReader().document(text, file: "access.yaml"))]
  }

  static func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  static func arn(_ path: String, _ account: String = account) -> String {
    "arn:aws:iam::\(account):\(path)"
  }

  /// A policy of statements.
  static func document(_ statements: String) throws -> JSONValue {
    ["Version": "2012-10-17", "Statement": try json("[\(statements)]")]
  }

  static func line(
    _ kind: String,
    _ id: String,
    _ configuration: JSONObject,
    name: String = "",
    account: String = account,
    tags: [(key: String, value: String)] = [],
    unread: [(path: String, reason: String)] = []
  ) -> JSONValue {
    let parts = kind.split(separator: "/").map(String.init)
    return Resource(
      provider: "aws",
      account: account,
      region: parts[0] == "iam" ? "global" : "eu-west-1",
      kind: ResourceKind(service: parts[0], kind: parts[1]),
      id: id,
      name: name,
      tags: tags,
      configuration: unread.contains { $0.path == "$root" } ? .null : .object(configuration),
      unread: unread
    ).inventoryLine
  }

  /// A user, role or group with an inline policy of statements, and more.
  static func holder(
    _ kind: String,
    _ name: String,
    _ statements: String = "",
    attached: [String] = [],
    groups: [String] = [],
    boundary: String = "",
    trust: String? = nil,
    path: String = "/",
    account: String = account,
    tags: [(key: String, value: String)] = [],
    unread: [(path: String, reason: String)] = []
  ) throws -> JSONValue {
    let title = kind.prefix(1).uppercased() + kind.dropFirst()
    var own: JSONObject = [
      "\(title)Name": .string(name), "Path": .string(path), "Tags": [],
      "AttachedManagedPolicies": .array(
        attached.map { ["PolicyArn": .string($0), "PolicyName": .string(lastPart($0))] }
      ),
      "GroupList": .array(groups.map { .string($0) }),
    ]
    if !statements.isEmpty {
      own["\(title)PolicyList"] = [
        ["PolicyName": "own", "PolicyDocument": try document(statements)]
      ]
    }
    if !boundary.isEmpty {
      own["PermissionsBoundary"] = ["PermissionsBoundaryArn": .string(boundary)]
    }
    if let trust { own["AssumeRolePolicyDocument"] = try document(trust) }
    for (path, _) in unread { own[path] = nil }
    return line(
      "iam/\(kind)",
      arn("\(kind)\(path)\(name)", account),
      own,
      name: name,
      account: account,
      tags: tags,
      unread: unread
    )
  }

  static func policy(_ arn: String, _ statements: String) throws -> JSONValue {
    line(
      arn.contains("::aws:") ? "iam/managed_policy" : "iam/policy",
      arn,
      ["PolicyName": .string(lastPart(arn)), "Document": try document(statements)]
    )
  }

  static func machine(tags: [(key: String, value: String)] = []) -> JSONValue {
    line("ec2/instance", instance, ["InstanceId": "i-1"], name: "web", tags: tags)
  }

  static func lambda(
    _ statements: String = "",
    auth: String = "",
    unread: [(path: String, reason: String)] = []
  ) throws -> JSONValue {
    var own: JSONObject = ["FunctionName": "pay"]
    if !statements.isEmpty { own["Policy"] = try document(statements) }
    if !auth.isEmpty { own["Url"] = ["AuthType": .string(auth)] }
    return line("lambda/function", function, own, name: "pay", unread: unread)
  }

  /// Statements that all users and roles were read.
  static let whole = coverage("user") + coverage("role")

  static func coverage(_ kind: String, gap: String? = nil, account: String = account) -> [JSONValue]
  {
    let kind = ResourceKind(service: "iam", kind: kind)
    return [Coverage(account: account, kind: kind, gap: gap).inventoryLine]
  }

  static func estate(_ lines: [JSONValue]) throws -> ReachEstate {
    var estate = ReachEstate(try facts())
    for line in lines { estate.add(line) }
    return estate
  }

  /// Who has access, a line each; the root user, who always has, is left out.
  static func answers(_ lines: [JSONValue], ways: Bool = false) throws -> [String] {
    var found: [String] = []
    try estate(lines + whole).answers(ReachFilter()) { answer in
      found += answer.entries.filter { $0.holder.type != .root }.map { entry in
        let holder = entry.holder.text(beside: answer.resource.account)
        let text = ways ? entry.ways.map(\.text) : []
        return ([entry.level.rawValue, entry.certainty.rawValue, holder] + text)
          .joined(separator: " ")
      }
    }
    return found
  }

  private static func lastPart(_ arn: String) -> String {
    arn.split(separator: "/").last.map(String.init) ?? arn
  }
}
