import ArgumentParser
import Collectors
import Foundation
import HTTP
import JSON
import Model

/// Which AWS account to read, as whom, and how hard.
struct AWSOptions: ParsableArguments {
  @Option(
    name: .customLong("aws-profile"),
    help: ArgumentHelp(
      "The profile of the AWS configuration files to sign in with.",
      valueName: "name"
    )
  )
  var awsProfile: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A role to assume, such as the auditor's role.", valueName: "arn")
  )
  var roleARN: String?

  @Option(
    name: .customLong("external-id"),
    help: ArgumentHelp("The external id that the role asks for.", valueName: "id")
  )
  var externalID: String?

  @Flag(
    name: .long,
    help: "Allow the configuration files to name a program that prints credentials."
  )
  var allowCredentialProcess = false

  @Option(
    name: .long,
    help: ArgumentHelp("Read only this region; may be repeated.", valueName: "name")
  )
  var region: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("Read only this service, such as s3; may be repeated.", valueName: "name")
  )
  var service: [String] = []

  @Option(
    name: .customLong("endpoint-url"),
    help: ArgumentHelp("Send every call to this address.", valueName: "url")
  )
  var endpointURL: String?

  @Option(
    name: .customLong("ca-bundle"),
    help: ArgumentHelp(
      "Certificate authorities to trust instead of the system's, as PEM.",
      valueName: "file"
    )
  )
  var authorities: String?

  @Option(
    name: .customLong("max-rps"),
    help: ArgumentHelp(
      "Calls per second at most, for each region and service.",
      valueName: "number"
    )
  )
  var maximumRate = 40.0

  @Option(name: .long, help: "Calls that may be under way at the same time.")
  var concurrency = 16

  @Option(name: .long, help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
  var timeout = 30.0

  func validate() throws {
    guard maximumRate > 0 else { throw ValidationError("--max-rps expects a number above 0") }
    guard (1...256).contains(concurrency) else {
      throw ValidationError("--concurrency expects a number from 1 to 256")
    }
    guard timeout > 0 else { throw ValidationError("--timeout expects a number above 0") }
    for region in region where region.wholeMatch(of: /[a-z]+(-[a-z]+)+-[0-9]+/) == nil {
      throw ValidationError("--region \"\(region)\" is no region, such as eu-west-1")
    }
  }
}
