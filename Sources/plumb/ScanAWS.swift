import ArgumentParser
import Collectors
import Engine
import Foundation
import Model
import Operations

struct ScanAWS: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aws",
    abstract: "Judges how the resources of an AWS account are configured.",
    discussion: """
      Signs in like the AWS CLI: environment, profiles, web identity, container, EC2 instance; and
      only reads. What may not be read makes verdicts unknown. Without --profile every kind of
      resource is read; with it those that its goals need.

      Examples:
        plumb scan aws
        plumb scan aws --aws-profile audit --profile cis-aws --preflight
        plumb scan aws --role-arn arn:aws:iam::123456789012:role/audit --external-id 7c1f --save
        plumb scan aws --region eu-west-1 --service s3 --service ec2 --format html -o report.html
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var aws: AWSOptions
  @OptionGroup var output: ScanOptions

  @Flag(
    name: .long,
    help: "Only tell what could not be judged with these permissions, and how long a scan takes."
  )
  var preflight = false

  @Flag(name: .long, help: "With --save: do not go on with what an interrupted scan has read.")
  var fresh = false

  func run() async throws {
    try await reporting {
      let catalog = try AWSCatalog()
      let choice = try goals.choose()
      let rules = choice.ruleSet.members.map(\.rule)
      let session = try await AWSSession(
        aws,
        catalog,
        needs: goals.isChosen ? catalog.needs(of: rules) : nil
      )
      if preflight {
        let found = try await APIPreflight(session.collector())
        print(PreflightText(found, session, rules).text)
        if !found.refusals.isEmpty { throw Exit.failed }
        return
      }
      let journal = try output.saving.save ? session.journal(output, isFresh: fresh) : nil
      try await output.scan(
        session.collector(without: journal?.done ?? []),
        goals,
        subject: [session.subject],
        account: session.identity.account,
        journal: journal
      )
    }
  }
}

/// What a preflight found, for people.
struct PreflightText {
  private let found: APIPreflight
  private let session: AWSSession
  private let rules: [Rule]

  init(_ found: APIPreflight, _ session: AWSSession, _ rules: [Rule]) {
    self.found = found
    self.session = session
    self.rules = rules
  }

  var text: String {
    let regions = session.plan.regions
    var lines = [
      "\(session.subject), as \(session.identity.arn)",
      "\(counted(session.plan.kinds.count, "kind")) of resources in "
        + "\(counted(regions.count, "region")): \(regions.joined(separator: ", "))",
      "A scan makes about \(found.calls) calls for \(counted(found.resources, "resource")) "
        + "and takes about \(duration)",
    ]
    let refused = rules.map { (rule: $0, obstacles: found.obstacles(of: $0)) }
      .filter { !$0.obstacles.isEmpty }
    if !refused.isEmpty {
      lines += ["", "Could not be judged, or only in part:"]
      for (rule, obstacles) in refused {
        lines.append("  \(rule.id)  \(rule.title)")
        lines += obstacles.map { "      \($0)" }
      }
    }
    let reasons = Set(found.refusals.values.flatMap(\.values)).sorted { $0.reason < $1.reason }
    if reasons.contains(where: { $0.cause == .denied }) {
      lines += [
        "", "plumb collectors policy aws prints the IAM policy that allows all that is read",
      ]
    } else if reasons.isEmpty {
      lines += ["", "Everything that the goals need can be read"]
    }
    let others = reasons.filter { reason in !refused.contains { $0.obstacles.contains(reason) } }
    if !others.isEmpty {
      lines += ["", "Refused as well; no goal needs it:"] + others.map { "  \($0)" }
    }
    return lines.map(\.withoutControls).joined(separator: "\n")
  }

  private var duration: String {
    found.seconds < 90 ? "\(Int(found.seconds.rounded(.up))) s" : "\(Int(found.seconds / 60)) min"
  }
}
