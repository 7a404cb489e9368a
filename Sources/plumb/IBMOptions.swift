import ArgumentParser
import Foundation
import JSON
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

  /// The API key, from the file or the environment and never from the arguments, which others see.
  func key() throws -> Secret {
    let variable = "IBMCLOUD_API_KEY"
    guard let keyFile else {
      let text = ProcessInfo.processInfo.environment[variable]?.trimmed ?? ""
      guard !text.isEmpty else {
        throw ValidationError("no API key; set \(variable), or name a file with --api-key-file")
      }
      return Secret(text)
    }
    return try Secret(Self.key(in: textFile(keyFile), of: keyFile))
  }

  /// The key in the text of a file: its line, or the member `apikey`.
  private static func key(in text: String, of file: String) throws -> String {
    var key = text.trimmed
    if key.hasPrefix("{") {
      let json = try? JSONParser().parse(Array(key.utf8))
      key = json?["apikey"]?.string ?? ""
    }
    guard !key.isEmpty, !key.contains(where: { $0.isWhitespace || $0.isNewline }) else {
      throw ValidationError("\(file) holds no API key; expected the key alone, or {\"apikey\": …}")
    }
    return key
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
