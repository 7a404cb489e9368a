package import Foundation

/// One run of the `plumb` binary that was built beside the tests.
package struct CommandRun: Sendable {
  package let exitCode: Int32
  package let output: String
  package let errors: String

  /// Runs `plumb` with arguments and waits for it.
  ///
  /// Its working folder is the package's unless another is given.
  package init(
    _ arguments: [String],
    input: Data = Data(),
    folder: URL? = nil,
    environment: [String: String] = [:]
  ) throws {
    let binary = try Self.folderOfTests().appendingPathComponent("plumb")
    try self.init(
      binary,
      arguments,
      input: input,
      folder: folder,
      environment: environment
    )
  }

  /// Runs any program with arguments and waits for it.
  package init(
    _ program: URL,
    _ arguments: [String],
    input: Data = Data(),
    folder: URL? = nil,
    environment: [String: String] = [:]
  ) throws {
    let scratch = try Fixtures.temporaryFolder()
    defer { Fixtures.remove(scratch) }
    let files = ["in", "out", "err"].map { scratch.appendingPathComponent($0) }
    try input.write(to: files[0])
    for file in files[1...] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder ?? Fixtures.root
    var variables = ProcessInfo.processInfo.environment
    variables["PLUMB_STATE"] = scratch.appendingPathComponent("state").path
    variables.merge(environment) { $1 }
    process.environment = variables
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.start()
    process.waitUntilExit()
    exitCode = process.terminationReason == .exit ? process.terminationStatus : -1
    output = try String(decoding: Data(contentsOf: files[1]), as: UTF8.self)
    errors = try String(decoding: Data(contentsOf: files[2]), as: UTF8.self)
  }

  /// The folder in which the tests and `plumb` were built.
  package static func folderOfTests() throws -> URL {
    let path = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: path).deletingLastPathComponent()
  }
}
