package import Foundation

/// Tokens of SoftHSM in a folder of their own.
package final class SoftToken: Sendable {
  /// The module, where the package softhsm2 is installed; nil where it is not.
  package static let module: String? = [
    "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
  ].first { FileManager.default.fileExists(atPath: $0) }

  /// Whether tests that need it run: where it is installed, and in automation, where its absence is a
  /// fault and no reason to pass over them.
  package static var isExpected: Bool {
    module != nil || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// The PIN of every token.
  package static let pin = "s0ft-T0ken-P1N"

  /// The folder with the configuration and the tokens.
  package let folder: URL

  /// Makes a folder without a token.
  ///
  /// - Throws: what keeps it from being made.
  package init() throws {
    guard Self.module != nil else {
      throw Failure(description: "SoftHSM is not installed; script/prepare --tests installs it")
    }
    folder = try Fixtures.temporaryFolder()
    try FileManager.default.createDirectory(
      at: folder.appendingPathComponent("tokens"),
      withIntermediateDirectories: true
    )
    let text = """
      directories.tokendir = \(folder.path)/tokens
      objectstore.backend = file
      log.level = ERROR
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
  }

  deinit { Fixtures.remove(folder) }

  private var configuration: String { folder.appendingPathComponent("softhsm2.conf").path }

  /// The environment in which the module finds the tokens, and `plumb` the PIN.
  package var environment: [String: String] {
    ["SOFTHSM2_CONF": configuration, "PLUMB_PKCS11_PIN": Self.pin]
  }

  /// Makes a token.
  ///
  /// - Throws: what keeps `softhsm2-util` from doing it.
  package func make(_ label: String) throws {
    try tool(
      "--init-token",
      "--free",
      "--label",
      label,
      "--pin",
      Self.pin,
      "--so-pin",
      "5ecur1ty"
    )
  }

  /// Destroys a token with all that is on it.
  ///
  /// - Throws: what keeps `softhsm2-util` from doing it.
  package func destroy(_ label: String) throws { try tool("--delete-token", "--token", label) }

  /// The address of a key.
  package func address(_ label: String, _ key: String) -> String {
    "pkcs11:token=\(label);object=\(key)?module-path=\(Self.module ?? "/missing")"
  }

  /// Lets a module that this process loads find the tokens.
  package func enter() { unsafe _ = setenv("SOFTHSM2_CONF", configuration, 1) }

  private func tool(_ arguments: String...) throws {
    let run = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/softhsm2-util"),
      arguments,
      environment: environment
    )
    guard run.exitCode == 0 else { throw Failure(description: run.output + run.errors) }
  }

  private struct Failure: Error, CustomStringConvertible { let description: String }
}
