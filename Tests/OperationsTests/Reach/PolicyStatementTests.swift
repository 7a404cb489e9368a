import JSON
import Model
import Operations
import Testing

/// One user's statements, and whether they let her stop an instance.
private struct StatementCase: CustomTestStringConvertible, Sendable {
  var name: String
  var statements: String
  /// `certain`, `conditional`, `unknown`, or `no`.
  var answer: String

  var testDescription: String { name }

  init(_ name: String, _ statements: String, _ answer: String) {
    (self.name, self.statements, self.answer) = (name, statements, answer)
  }
}

/// A statement of an effect about an action and a resource.
private func statement(
  _ effect: String,
  _ action: String = #""Action":"ec2:StopInstances""#,
  _ resource: String = #""Resource":"*""#,
  _ condition: String = ""
) -> String {
  let more = condition.isEmpty ? "" : #","Condition":\#(condition)"#
  return #"{"Effect":"\#(effect)",\#(action),\#(resource)\#(more)}"#
}

private func action(_ text: String) -> String { statement("Allow", #""Action":"\#(text)""#) }

private func on(_ text: String, effect: String = "Allow") -> String {
  statement(effect, #""Action":"ec2:*""#, #""Resource":"\#(text)""#)
}

private func when(_ condition: String, effect: String = "Allow") -> String {
  statement(effect, #""Action":"ec2:*""#, #""Resource":"*""#, condition)
}

private let all = action("*")
private let arn = "arn:aws:ec2:eu-west-1:111111111111:instance"

private let cases: [StatementCase] = [
  // Actions.
  StatementCase("nothing", "", "no"),
  StatementCase("the action", action("ec2:StopInstances"), "certain"),
  StatementCase("the action in other case", action("EC2:stopinstances"), "certain"),
  StatementCase("another action", action("ec2:StartInstances"), "no"),
  StatementCase("every action", all, "certain"),
  StatementCase("every action of the service", action("ec2:*"), "certain"),
  StatementCase("every action of another service", action("s3:*"), "no"),
  StatementCase("a wildcard inside", action("ec2:St*Instances"), "certain"),
  StatementCase("a wildcard that does not fit", action("ec2:Sta*"), "no"),
  StatementCase("one character", action("ec2:St?pInstances"), "certain"),
  StatementCase("one character is not none", action("ec2:Stop?Instances"), "no"),
  StatementCase(
    "a list",
    statement("Allow", #""Action":["s3:Get*","ec2:StopInstances"]"#),
    "certain"
  ),
  StatementCase("all but others", statement("Allow", #""NotAction":"iam:*""#), "certain"),
  StatementCase("all but this", statement("Allow", #""NotAction":["s3:*","ec2:*"]"#), "no"),
  // Resources.
  StatementCase("the resource", on("\(arn)/i-1"), "certain"),
  StatementCase("another resource", on("\(arn)/i-2"), "no"),
  StatementCase("in other case", on("\(arn)/I-1"), "no"),
  StatementCase("every instance", on("\(arn)/*"), "certain"),
  StatementCase("any region and account", on("arn:aws:ec2:*:*:instance/i-?"), "certain"),
  StatementCase("another region", on("arn:aws:ec2:us-*:*:instance/*"), "no"),
  StatementCase(
    "all but another resource",
    statement("Allow", #""Action":"*""#, #""NotResource":"\#(arn)/i-2""#),
    "certain"
  ),
  StatementCase(
    "all but this resource",
    statement("Allow", #""Action":"*""#, #""NotResource":"\#(arn)/*""#),
    "no"
  ),
  StatementCase("her own name", on(#"arn:aws:ec2:*:*:instance/${aws:username}"#), "no"),
  StatementCase(
    "a variable that is known",
    on("arn:aws:ec2:*:${aws:PrincipalAccount}:*"),
    "certain"
  ),
  StatementCase("a variable that is not", on("\(arn)/${aws:SourceIdentity}"), "conditional"),
  StatementCase("a character that is none", on("\(arn)/i-${*}"), "no"),
  // Denials.
  StatementCase("denied", [all, statement("Deny")].joined(separator: ","), "no"),
  StatementCase("denied before", [statement("Deny"), all].joined(separator: ","), "no"),
  StatementCase(
    "another denied",
    [all, on("\(arn)/i-2", effect: "Deny")].joined(separator: ","),
    "certain"
  ),
  StatementCase(
    "all but something denied",
    [all, statement("Deny", #""NotAction":"s3:*""#)].joined(separator: ","),
    "no"
  ),
  StatementCase(
    "denied without a second factor",
    [all, when(#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#, effect: "Deny")]
      .joined(separator: ","),
    "conditional"
  ),
  StatementCase(
    "denied elsewhere",
    [all, when(#"{"StringNotEquals":{"aws:RequestedRegion":"eu-west-1"}}"#, effect: "Deny")]
      .joined(separator: ","),
    "certain"
  ),
  StatementCase(
    "denied here",
    [all, when(#"{"StringEquals":{"aws:RequestedRegion":["eu-west-1"]}}"#, effect: "Deny")]
      .joined(separator: ","),
    "no"
  ),
  // Conditions.
  StatementCase("a network", when(#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), "conditional"),
  StatementCase(
    "a tag that it has",
    when(#"{"StringEquals":{"ec2:ResourceTag/team":"red"}}"#),
    "certain"
  ),
  StatementCase(
    "a tag of another value",
    when(#"{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#),
    "no"
  ),
  StatementCase(
    "a tag that it lacks",
    when(#"{"StringEquals":{"aws:ResourceTag/stage":"x"}}"#),
    "no"
  ),
  StatementCase("a tag like", when(#"{"StringLike":{"aws:ResourceTag/team":"r?*"}}"#), "certain"),
  StatementCase("a tag's absence", when(#"{"Null":{"aws:ResourceTag/stage":"true"}}"#), "certain"),
  StatementCase(
    "a tag, if any",
    when(#"{"StringEqualsIfExists":{"aws:ResourceTag/stage":"x"}}"#),
    "certain"
  ),
  StatementCase("no such tag", when(#"{"StringNotEquals":{"aws:ResourceTag/team":"red"}}"#), "no"),
  StatementCase(
    "her own tag",
    when(#"{"StringEquals":{"ec2:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#),
    "certain"
  ),
  StatementCase(
    "her ARN",
    when(#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#),
    "certain"
  ),
  StatementCase(
    "another's ARN",
    when(#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#),
    "no"
  ),
  StatementCase(
    "two, one of which fails",
    when(
      #"{"StringEquals":{"aws:ResourceTag/team":"blue"},"Bool":{"aws:SecureTransport":"true"}}"#
    ),
    "no"
  ),
  StatementCase(
    "any of several values",
    when(#"{"ForAnyValue:StringEquals":{"aws:ResourceTag/team":["red","blue"]}}"#),
    "certain"
  ),
  StatementCase(
    "an unknown operator",
    when(#"{"Sometimes":{"aws:ResourceTag/team":"red"}}"#),
    "conditional"
  ),
  StatementCase(
    "one sure among several",
    [when(#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#), action("ec2:Stop*")]
      .joined(separator: ","),
    "certain"
  ),
  StatementCase(
    "what is no statement",
    #"{"Effect":"Permit","Action":"*","Resource":"*"}"#,
    "unknown"
  ),
]

struct PolicyStatementTests {
  @Test(arguments: cases)
  private func `statements decide as IAM does`(testCase: StatementCase) throws {
    let tags = [(key: "team", value: "red")]
    let found = try ReachKit.answers([
      ReachKit.machine(tags: tags),
      ReachKit.holder("user", "ann", testCase.statements, tags: tags),
    ]).filter { $0.hasPrefix("manage") }
    let expected = testCase.answer == "no" ? [] : ["manage \(testCase.answer) user/ann"]
    #expect(found == expected)
  }

  @Test func `a way names policy, statement and what it depends on`() throws {
    let found = try ReachKit.answers(
      [
        ReachKit.machine(),
        ReachKit.holder(
          "user",
          "ann",
          #"""
          {"Sid":"Office","Effect":"Allow","Action":"ssm:StartSession","Resource":"*",
           "Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}
          """#
        ),
      ],
      ways: true
    )
    #expect(
      found == [
        "access conditional user/ann by inline policy own statement 0 (Office) "
          + "if IpAddress aws:SourceIp 10.0.0.0/8"
      ]
    )
  }

  @Test(arguments: [
    ("task/web/*", "certain"), ("*", "certain"), ("task/w*", "certain"),
    ("task/web/1*", "conditional"),
    ("task/*/9", "conditional"), ("task/db/*", "no"), ("service/web/*", "no"),
    ("task/we?/??", "conditional"),
  ])
  func `what is asked may have wildcards itself`(resource: String, answer: String) throws {
    let cluster = "arn:aws:ecs:eu-west-1:\(ReachKit.account):cluster/web"
    let target = resource == "*" ? "*" : "arn:aws:ecs:eu-west-1:\(ReachKit.account):\(resource)"
    let found = try ReachKit.answers([
      ReachKit.line("ecs/cluster", cluster, ["clusterArn": .string(cluster)]),
      ReachKit.holder(
        "user",
        "ann",
        #"{"Effect":"Allow","Action":"ecs:ExecuteCommand","Resource":"\#(target)"}"#
      ),
    ])
    #expect(found == (answer == "no" ? [] : ["access \(answer) user/ann"]))
  }
}
