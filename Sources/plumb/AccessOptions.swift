import ArgumentParser
import Collectors
import Foundation
import Operations

/// The role of AWS that is assumed.
struct RoleOptions: ParsableArguments {
  @Option(
    name: .customLong("role-arn"),
    help: ArgumentHelp("AWS: the role to assume, such as the auditor's role.", valueName: "arn")
  )
  var arn: String?

  @Option(
    name: .customLong("external-id"),
    help: ArgumentHelp("AWS: the external id that the role asks for.", valueName: "id")
  )
  var externalID: String?

  /// The role; nil where none was named.
  var role: AWSRole? { arn.map { AWSRole(arn: $0, externalID: externalID) } }
}

/// Whom to believe that a server is who it says.
struct AuthorityOptions: ParsableArguments {
  @Option(
    name: .customLong("ca-bundle"),
    help: ArgumentHelp(
      "Certificate authorities to trust instead of the system's, as PEM.",
      valueName: "file"
    )
  )
  var bundle: String?

  /// The file of the authorities for a provider, which is there and can be read; nil for the system's.
  ///
  /// - Throws: `InputError` that names the file and what names it.
  func file(for provider: LiveCollector) throws -> String? {
    if let bundle {
      _ = try textFile(bundle)
      return bundle
    }
    // AWS's own tools know this variable; IBM's know none.
    guard provider == .aws, let named = ProcessInfo.processInfo.environment["AWS_CA_BUNDLE"],
      !named.isEmpty
    else { return nil }
    do {
      _ = try textFile(named)
    } catch InputError.unreadable(let file, let reason) {
      throw InputError.unreadable("\(file), which AWS_CA_BUNDLE names", reason: reason)
    }
    return named
  }
}
