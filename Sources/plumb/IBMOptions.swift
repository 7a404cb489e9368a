import ArgumentParser
import Foundation
import Model

/// Which IBM Cloud account to read, and as whom.
struct IBMOptions: ParsableArguments {
  @Option(
    name: .customLong("api-key-file"),
    help: ArgumentHelp(
      "A file with the API key, alone or as ibmcloud writes it; default: IBMCLOUD_API_KEY.",
      valueName: "file"
    )
  )
  var keyFile: String?

  @OptionGroup var credential: CredentialOptions
  @OptionGroup var collector: CollectorOptions

  func validate() throws {
    guard credential.name == nil || keyFile == nil else {
      throw ValidationError("--credential brings its own key; leave out --api-key-file")
    }
  }

  /// What to do with a new key where this one is not accepted.
  static let remedy = "give it in IBMCLOUD_API_KEY or --api-key-file"

  /// The API key, from the file or the environment and never from the arguments, which others see.
  func key() throws -> Secret {
    let variable = "IBMCLOUD_API_KEY"
    let text = try keyFile.map(textFile) ?? ProcessInfo.processInfo.environment[variable] ?? ""
    guard keyFile != nil || !text.allSatisfy(\.isWhitespace) else {
      throw ValidationError("no API key; set \(variable), or name a file with --api-key-file")
    }
    return try SecretInput(text, of: keyFile ?? variable, for: .ibm).main
  }
}
