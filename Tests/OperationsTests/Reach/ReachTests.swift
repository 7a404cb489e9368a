import JSON
import Model
import Operations
import Testing

private let stop = #"{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*"}"#
private let invoke = #"{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"*"}"#
private let assume = #"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#
private let other = "999999999999"

/// A trust or resource policy's statement for a principal.
private func lets(_ principal: String, _ action: String = "sts:AssumeRole", _ more: String = "")
  -> String
{
  #"{"Effect":"Allow","Principal":\#(principal),"Action":"\#(action)"\#(more)}"#
}

private func root(_ account: String) -> String {
  #"{"AWS":"arn:aws:iam::\#(account):root"}"#
}

struct ReachTests {
  @Test func `groups, attached policies and boundaries count`() throws {
    let all = ReachKit.arn("policy/all")
    let narrow = ReachKit.arn("policy/narrow")
    let office = ReachKit.arn("policy/office")
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    let found = try ReachKit.answers(
      [
        ReachKit.machine(),
        ReachKit.policy(all, #"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#),
        ReachKit.policy(narrow, #"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#),
        ReachKit.policy(aws, #"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
        ReachKit.policy(
          office,
          #"""
          {"Effect":"Allow","Action":"*","Resource":"*",
           "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}
          """#
        ),
        ReachKit.holder("group", "ops", stop),
        ReachKit.holder("group", "admins", attached: [all]),
        ReachKit.holder("user", "attached", attached: [all]),
        ReachKit.holder("user", "bounded", attached: [all], boundary: narrow),
        ReachKit.holder(
          "user",
          "bounded-denied",
          attached: [all],
          boundary: ReachKit.arn("policy/gone")
        ),
        ReachKit.holder("user", "bounded-office", attached: [all], boundary: office),
        ReachKit.holder("user", "bounded-wide", attached: [all], boundary: aws),
        ReachKit.holder("user", "member", groups: ["ops"]),
        ReachKit.holder("user", "member-twice", groups: ["ops", "admins"]),
        ReachKit.holder("user", "nobody"),
      ],
      ways: true
    ).filter { $0.hasPrefix("manage") }
    #expect(
      found == [
        "manage certain user/attached by policy all statement 0",
        "manage certain user/bounded-wide by policy all statement 0",
        "manage certain user/member by inline policy own statement 0 of group ops",
        "manage certain user/member-twice by inline policy own statement 0 of group ops "
          + "by policy all statement 0 of group admins",
        "manage conditional user/bounded-office by policy all statement 0 "
          + "if IpAddress aws:SourceIp 10.0.0.0/8 (boundary policy office)",
        "manage unknown user/bounded-denied by policy all statement 0 "
          + "unread: policy gone was not read",
      ]
    )
  }

  @Test func `what could not be read is unknown, not without access`() throws {
    let found = try ReachKit.answers(
      [
        ReachKit.machine(),
        ReachKit.holder("user", "attached", attached: [ReachKit.arn("policy/gone")]),
        ReachKit.holder(
          "user",
          "denied",
          #"{"Effect":"Deny","Action":"*","Resource":"*"}"#,
          attached: ["gone"]
        ),
        ReachKit.holder("user", "inline", unread: [("UserPolicyList", "AccessDenied")]),
        ReachKit.holder("user", "member", groups: ["gone"]),
        ReachKit.holder("user", "part", stop, groups: ["gone"]),
        ReachKit.line("iam/user", "unlisted:us-east-1", [:], unread: [("$root", "AccessDenied")]),
      ],
      ways: true
    ).filter { $0.hasPrefix("manage") }
    #expect(
      found == [
        "manage unknown unread/iam/user unread: AccessDenied",
        "manage unknown user/attached unread: policy gone was not read",
        "manage unknown user/inline unread: UserPolicyList: AccessDenied",
        "manage unknown user/member unread: group gone was not read",
        "manage unknown user/part by inline policy own statement 0 unread: group gone was not read",
      ]
    )
  }

  @Test func `kinds that were not read in full may hold others`() throws {
    var estate = try ReachKit.estate([ReachKit.machine()])
    func unread() -> [String] {
      var found: [String] = []
      estate.answers(ReachFilter()) { answer in
        found += answer.entries.filter { $0.level == .manage && $0.holder.type == .unread }.map {
          "\($0.holder.name): \($0.ways[0].reasons[0])"
        }
      }
      return found
    }
    let nothing = "nothing says that all of them were read"
    #expect(unread() == ["iam/role: \(nothing)", "iam/user: \(nothing)"])
    for line in ReachKit.coverage("user") + ReachKit.coverage("role", gap: "AccessDenied") {
      estate.add(line)
    }
    #expect(unread() == ["iam/role: AccessDenied"])
    // What is known of another account says nothing of this one.
    for line in ReachKit.coverage("role", account: other) { estate.add(line) }
    #expect(unread() == ["iam/role: AccessDenied"])
    for line in ReachKit.whole { estate.add(line) }
    #expect(unread() == [])
  }

  @Test(arguments: [
    // Who the trust policy names, and what the user may do herself.
    (root(ReachKit.account), assume, "certain"),
    (root(ReachKit.account), "", "no"),
    (#"{"AWS":"111111111111"}"#, assume, "certain"),
    (#"{"AWS":"arn:aws:iam::111111111111:user/ann"}"#, "", "certain"),
    (#"{"AWS":"arn:aws:iam::111111111111:user/bob"}"#, assume, "no"),
    (
      #"{"AWS":["arn:aws:iam::111111111111:user/bob","arn:aws:iam::111111111111:user/ann"]}"#, "",
      "certain"
    ),
    (#"{"Service":"ec2.amazonaws.com"}"#, assume, "no"),
    (
      #"{"AWS":"arn:aws:iam::111111111111:user/ann"}"#,
      #"{"Effect":"Deny","Action":"sts:*","Resource":"*"}"#, "no"
    ),
    (
      root(ReachKit.account),
      #"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/other"}"#, "no"
    ),
    (
      root(ReachKit.account),
      #"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#,
      "conditional"
    ),
  ])
  func `a role is taken on by whom both sides let`(
    trust: String,
    own: String,
    answer: String
  ) throws {
    let found = try ReachKit.answers([
      ReachKit.machine(),
      ReachKit.holder("user", "ann", own),
      ReachKit.holder("user", "bob"),
      ReachKit.holder("role", "ops", stop, trust: lets(trust)),
    ]).filter { $0.hasPrefix("manage") && $0.hasSuffix("user/ann") }
    #expect(found == (answer == "no" ? [] : ["manage \(answer) user/ann"]))
  }

  @Test func `roles are taken on from role to role, and by others`() throws {
    let saml = ReachKit.arn("saml-provider/corp")
    let found = try ReachKit.answers(
      [
        ReachKit.machine(),
        ReachKit.holder("user", "ann", assume),
        ReachKit.holder("user", "carl", assume, account: other),
        ReachKit.holder("role", "first", assume, trust: lets(root(ReachKit.account))),
        ReachKit.holder(
          "role",
          "last",
          stop,
          trust: lets(#"{"AWS":"arn:aws:iam::111111111111:role/first"}"#) + ","
            + lets(
              root(other),
              "sts:AssumeRole",
              #","Condition":{"StringEquals":{"sts:ExternalId":"7"}}"#
            )
            + "," + lets(#"{"Federated":"\#(saml)"}"#, "sts:AssumeRoleWithSAML") + ","
            + lets(#"{"Service":"lambda.amazonaws.com"}"#)
        ),
      ],
      ways: true
    )
    #expect(
      found == [
        "manage certain federated/\(saml) through role/last by inline policy own statement 0",
        "manage certain role/first through role/last by inline policy own statement 0",
        "manage certain role/last by inline policy own statement 0",
        "manage certain service/lambda.amazonaws.com through role/last "
          + "by inline policy own statement 0",
        "manage certain user/ann through role/first, then role/last by inline policy own statement 0",
        "manage conditional account/\(other) through role/last of \(ReachKit.account) "
          + "by inline policy own statement 0 if StringEquals sts:ExternalId 7",
        "manage conditional user/carl of \(other) through role/last of \(ReachKit.account) "
          + "by inline policy own statement 0 if StringEquals sts:ExternalId 7",
      ]
    )
  }

  @Test func `roles that take each other on come to an end`() throws {
    let found = try ReachKit.answers([
      ReachKit.machine(),
      ReachKit.holder("role", "a", assume, trust: lets(root(ReachKit.account))),
      ReachKit.holder("role", "b", assume + "," + stop, trust: lets(root(ReachKit.account))),
      ReachKit.holder("role", "open", stop, trust: lets("\"*\"")),
      ReachKit.holder("role", "hidden", stop, unread: [("AssumeRolePolicyDocument", "denied")]),
    ])
    #expect(
      found == [
        "manage certain anyone", "manage certain role/a", "manage certain role/b",
        "manage certain role/hidden", "manage certain role/open",
        "manage unknown unread/whoever may assume role/hidden",
      ]
    )
  }

  @Test(arguments: [
    (lets("\"*\"", "lambda:InvokeFunction"), ["certain anyone"]),
    (lets(#"{"AWS":"*"}"#, "lambda:*"), ["certain anyone"]),
    (
      lets(
        #"{"Service":"s3.amazonaws.com"}"#,
        "lambda:InvokeFunction",
        #","Condition":{"StringEquals":{"aws:SourceAccount":"1"}}"#
      ),
      ["conditional service/s3.amazonaws.com"]
    ),
    (
      lets(root(other), "lambda:InvokeFunction"),
      ["certain account/\(other)", "certain user/carl of \(other)"]
    ),
    (
      lets(#"{"AWS":"arn:aws:iam::\#(other):user/carl"}"#, "lambda:InvokeFunction"),
      ["certain user/carl of \(other)"]
    ),
    (lets(#"{"AWS":"arn:aws:iam::\#(other):user/dora"}"#, "lambda:InvokeFunction"), []),
    (
      lets(#"{"AWS":"arn:aws:iam::\#(other):user/gone"}"#, "lambda:InvokeFunction"),
      ["certain user/arn:aws:iam::\(other):user/gone of \(other)"]
    ),
    (
      lets(#"{"AWS":"arn:aws:iam::111111111111:user/ann"}"#, "lambda:InvokeFunction"),
      ["certain user/ann"]
    ),
    (lets(root(ReachKit.account), "lambda:InvokeFunction"), []),
    (
      lets(
        "\"*\"",
        "lambda:InvokeFunctionUrl",
        #","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#
      ),
      ["certain anyone"]
    ),
    (
      lets(
        "\"*\"",
        "lambda:InvokeFunctionUrl",
        #","Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"AWS_IAM"}}"#
      ),
      []
    ),
    (
      lets("\"*\"", "lambda:InvokeFunction") + #",{"Effect":"Deny","Principal":"*","Action":"*"}"#,
      []
    ),
    (
      lets(#"{"AWS":"arn:aws:iam::111111111111:user/ann"}"#, "lambda:*")
        + #",{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/ann"},"Action":"*"}"#,
      ["certain user/ann"]
    ),
    (
      #"{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111111111111:user/ann"},"Action":"lambda:InvokeFunction"}"#,
      ["certain user/carl of \(other)", "certain user/idle", "conditional anyone"]
    ),
  ])
  func `a function's own policy lets others in`(policy: String, expected: [String]) throws {
    let found = try ReachKit.answers([
      ReachKit.lambda(policy, auth: "NONE"),
      ReachKit.holder("user", "ann"),
      ReachKit.holder("user", "idle"),
      ReachKit.holder("user", "carl", invoke, account: other),
      ReachKit.holder("user", "dora", account: other),
    ]).filter { $0.hasPrefix("access") }
    #expect(
      found.filter { !$0.hasSuffix("user/dora of \(other)") } == expected.map { "access \($0)" }
    )
  }

  @Test func `a function's policy that could not be read may let anyone in`() throws {
    let found = try ReachKit.answers([
      ReachKit.lambda(unread: [("Policy", "AccessDenied")]), ReachKit.holder("user", "ann", invoke),
    ])
    #expect(
      found == [
        "access certain user/ann", "access unknown unread/resource policy",
        "manage unknown unread/resource policy",
      ]
    )
  }

  @Test func `service control policies limit where they are attached`() throws {
    func control(_ name: String, _ statements: String) throws -> JSONValue {
      ReachKit.line(
        "organizations/policy",
        name,
        ["Content": try ReachKit.document(statements)],
        name: name
      )
    }
    let lines = [
      try control("FullAWSAccess", #"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
      try control("freeze", #"{"Effect":"Deny","Action":"ec2:Stop*","Resource":"*"}"#),
      ReachKit.machine(), try ReachKit.holder("user", "ann", stop),
    ]
    #expect(
      try ReachKit.answers(lines, ways: true) == [
        "manage conditional user/ann by inline policy own statement 0 if service control policy "
          + "freeze statement 0 does not deny it (attached to account \(ReachKit.account))"
      ]
    )
    let organization = ReachKit.line(
      "organizations/organization",
      "o",
      ["MasterAccountId": .string(ReachKit.account)]
    )
    #expect(try ReachKit.answers(lines + [organization]) == ["manage certain user/ann"])
  }

  @Test func `answers are filtered by resource, level and holder`() throws {
    let estate = try ReachKit.estate(
      [
        ReachKit.machine(), ReachKit.lambda(),
        ReachKit.holder("user", "ann", #"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
        ReachKit.holder("user", "bob", stop),
      ] + ReachKit.whole
    )
    func found(_ change: (inout ReachFilter) -> Void) -> [String] {
      var filter = ReachFilter()
      change(&filter)
      var found: [String] = []
      estate.answers(filter) { answer in
        found += answer.entries.map {
          "\(answer.resource.name) \($0.level.rawValue) \($0.holder.name)"
        }
      }
      return found
    }
    let root = ReachKit.account
    #expect(found { $0.resources = ["web"] }.count == 5)
    #expect(found { $0.resources = ["arn:aws:lambda:*"] }.count == 4)
    #expect(
      found { ($0.kinds, $0.levels) = (["ec2/*"], [.access]) } == [
        "web access \(root)", "web access ann",
      ]
    )
    #expect(found { $0.holders = ["user/bob"] } == ["web manage bob"])
    #expect(found { $0.accounts = [other] } == [])
  }
}

struct IBMReachTests {
  private static let facts = """
    provider: ibm
    principals: []
    kinds:
      - kind: is/instance
        attributes: { serviceName: is, accountId: $account, region: $region, instanceId: '${id}' }
        never: [vpcId]
        access: ['serviceRole:VirtualServerConsoleAdmin']
        manage: ['role:Editor', 'role:Administrator']
    """

  private static func line(_ kind: String, _ id: String, _ own: String, name: String = "") throws
    -> JSONValue
  {
    let parts = kind.split(separator: "/").map(String.init)
    return Resource(
      provider: "ibm",
      account: "a1",
      region: "eu-de",
      kind: ResourceKind(service: parts[0], kind: parts[1]),
      id: id,
      name: name,
      configuration: try JSONValue(parsing: own)
    ).inventoryLine
  }

  private static func policy(_ subject: String, _ role: String, _ attributes: String) throws
    -> JSONValue
  {
    try line(
      "iam-access-management/policy",
      "p-\(subject)",
      #"""
      {"type":"access","state":"active","subjects":[{"attributes":[\#(subject)]}],
       "roles":[{"role_id":"crn:v1:bluemix:public:iam::::\#(role)","display_name":"R"}],
       "resources":[{"attributes":[{"name":"accountId","value":"a1"}\#(attributes)]}]}
      """#,
      name: "p"
    )
  }

  private static let ann = #"{"name":"iam_id","value":"IBMid-1"}"#

  @Test(arguments: [
    (#","name":"serviceName","value":"is""#, "role:Editor", "manage certain"),
    (#","name":"serviceName","value":"is""#, "role:Viewer", "no"),
    (
      #","name":"serviceName","value":"is""#, "serviceRole:VirtualServerConsoleAdmin",
      "access certain"
    ),
    (#","name":"serviceName","value":"kms""#, "role:Editor", "no"),
    ("", "role:Administrator", "manage certain"),
    (#","name":"region","value":"eu-de""#, "role:Editor", "manage certain"),
    (#","name":"region","value":"us-south""#, "role:Editor", "no"),
    (#","name":"instanceId","value":"*""#, "role:Editor", "manage certain"),
    (
      #","name":"instanceId","value":"i1","operator":"stringEquals""#, "role:Editor",
      "manage certain"
    ),
    (
      #","name":"instanceId","value":"i?","operator":"stringMatch""#, "role:Editor",
      "manage certain"
    ),
    (#","name":"instanceId","value":"i2""#, "role:Editor", "no"),
    (#","name":"vpcId","value":"*""#, "role:Editor", "no"),
    (#","name":"resourceGroupId","value":"g1""#, "role:Editor", "manage conditional"),
  ])
  func `a policy's role on a service counts where its attributes fit`(
    attribute: String,
    role: String,
    answer: String
  ) throws {
    let more = attribute.isEmpty ? "" : ",{" + attribute.dropFirst() + "}"
    let found = try Self.answers([
      Self.line("is/instance", "crn:i1", #"{"id":"i1"}"#),
      Self.policy(Self.ann, role, more),
    ])
    #expect(found == (answer == "no" ? [] : ["\(answer) user/IBMid-1"]))
  }

  @Test func `members of groups, service ids and owners are named`() throws {
    let group = #"{"name":"access_group_id","value":"AccessGroupId-1"}"#
    let found = try Self.answers([
      Self.line("is/instance", "crn:i1", #"{"id":"i1"}"#),
      Self.line("account-management/account", "a1", #"{"owner_iamid":"IBMid-9"}"#),
      Self.line("user-management/user", "IBMid-1", "{}", name: "ann@example.org"),
      Self.line("iam-identity/service_id", "iam-ServiceId-1", "{}", name: "deploy"),
      Self.line(
        "iam-groups/access_group",
        "AccessGroupId-1",
        #"{"members":[{"iam_id":"IBMid-1"},{"iam_id":"iam-ServiceId-1"}],"rules":[{"name":"saml"}]}"#,
        name: "ops"
      ),
      Self.policy(group, "role:Editor", ""),
      Self.policy(#"{"name":"access_group_id","value":"AccessGroupId-2"}"#, "role:Editor", ""),
    ])
    #expect(
      found == [
        "access certain user/IBMid-9",
        "manage certain service_id/deploy", "manage certain user/IBMid-9",
        "manage certain user/ann@example.org", "manage conditional group/ops",
        "manage unknown group/AccessGroupId-2",
      ]
    )
  }

  private static func answers(_ lines: [JSONValue]) throws -> [String] {
    var estate = ReachEstate(try ReachKit.facts(facts))
    for line in lines { estate.add(line) }
    var found: [String] = []
    estate.answers(ReachFilter()) { answer in
      found += answer.entries.map {
        "\($0.level.rawValue) \($0.certainty.rawValue) \($0.holder.text(beside: "a1"))"
      }
    }
    return found
  }
}
