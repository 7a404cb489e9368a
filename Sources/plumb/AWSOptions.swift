import ArgumentParser
import Collectors
import Foundation
import HTTP
import JSON
import Model

/// Which AWS account to read, and as whom.
struct AWSOptions: ParsableArguments {
  @Option(
    name: .customLong("aws-profile"),
    help: ArgumentHelp(
      "The profile of the AWS configuration files to sign in with.",
      valueName: "name"
    )
  )
  var awsProfile: String?

  @OptionGroup var role: RoleOptions

  @Flag(
    name: .long,
    help: "Allow the configuration files to name a program that prints credentials."
  )
  var allowCredentialProcess = false

  @OptionGroup var credential: CredentialOptions
  @OptionGroup var collector: CollectorOptions

  func validate() throws {
    let others = [awsProfile, role.arn, role.externalID].contains { $0 != nil }
    guard credential.name == nil || !(others || allowCredentialProcess) else {
      throw ValidationError(
        "--credential brings its own keys and role; leave out --aws-profile, --role-arn, "
          + "--external-id and --allow-credential-process"
      )
    }
    for region in collector.region where region.wholeMatch(of: /[a-z]+(-[a-z]+)+-[0-9]+/) == nil {
      throw ValidationError("--region \"\(region)\" is no region, such as eu-west-1")
    }
  }

  /// Who signs in: a stored credential alone, or what the options and the surroundings say.
  func access(_ credential: OpenedCredential?) throws -> AWSAccessOptions {
    if let credential {
      var access = try credential.awsAccess()
      access.endpointURL = collector.endpointURL ?? access.endpointURL
      return access
    }
    return AWSAccessOptions(
      profile: awsProfile,
      role: role.role,
      endpointURL: collector.endpointURL,
      runsPrograms: allowCredentialProcess
    )
  }
}
