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
      Signs in like the AWS CLI: environment, profiles, web identity, container, EC2 instance; or with
      a stored credential (plumb credentials) and nothing else; and only reads. What may not be read makes verdicts unknown. Without --profile every kind of
      resource is read; with it those that its goals need.

      Examples:
        plumb scan aws
        plumb scan aws --aws-profile audit --profile cis-aws --preflight
        plumb scan aws --role-arn arn:aws:iam::123456789012:role/audit --external-id 7c1f --save
        plumb scan aws --credential audit --save
        plumb scan aws --region eu-west-1 --service s3 --service ec2 --format html -o report.html
      """
  )

  @OptionGroup var goals: GoalOptions
  @OptionGroup var aws: AWSOptions
  @OptionGroup var output: ScanOptions

  func run() async throws {
    output.watch.attend()
    try await reporting {
      let catalog = try AWSCatalog()
      let (choice, isChosen) = try await output.chosen(goals)
      let rules = choice.ruleSet.members.map(\.rule)
      let credential = try await aws.credential.opened(.aws, output.saving.store)
      let session = try await withoutSecrets(of: credential) {
        try await AWSSession(
          aws,
          catalog,
          needs: isChosen ? catalog.needs(of: rules) : nil,
          credential: credential
        )
      }
      try await session.scan(goals, choice.ruleSet, output)
    }
  }
}
