import Dispatch
import Foundation
import JSON
import Model

/// The credentials that a program writes to its standard output, as `credential_process` names it.
///
/// What the program writes to standard error goes where ours goes.
struct AWSProcessCredentials: AWSCredentialProvider {
  private let words: [String]
  private let environment: [String: String]
  private let profile: String
  private let place: String
  private let seconds: Double

  /// - Throws: ``AWSCredentialError/setting(profile:place:reason:)`` where the command cannot be
  ///   split into words.
  init(
    _ command: AWSSetting,
    profile: String,
    environment: [String: String],
    seconds: Double = 60
  ) throws(AWSCredentialError) {
    guard let words = ShellWords.split(command.text), !words.isEmpty else {
      throw .setting(
        profile: profile,
        place: command.place,
        reason: "credential_process has a quote that is not closed, or no program"
      )
    }
    self.words = words
    self.environment = environment
    self.profile = profile
    self.seconds = seconds
    place = command.place
  }

  func credentials() async throws -> AWSCredentials {
    let output = try await withCheckedThrowingContinuation { continuation in
      // Waits for the program away from the threads that tasks share.
      DispatchQueue(label: "plumb.credential-process").async {
        continuation.resume(with: Result { try run() })
      }
    }
    let origin = "the credential_process of profile \"\(profile)\" (\(place))"
    let answer = try AWSCredentials.object(output, origin: origin)
    guard answer["Version"]?.whole == 1 else {
      throw AWSCredentialError.source(origin, reason: "the answer's Version is not 1", advice: "")
    }
    return try AWSCredentials(answer, .session, origin: origin)
  }

  private func run() throws(AWSCredentialError) -> [UInt8] {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: try program())
    process.arguments = Array(words.dropFirst())
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    do { try process.run() } catch { throw fault("cannot be started: \(error)") }
    try? pipe.fileHandleForWriting.close()
    defer { if process.isRunning { process.terminate() } }
    let deadline = ContinuousClock.now + .seconds(seconds)
    let output = try read(pipe.fileHandleForReading.fileDescriptor, until: deadline)
    // It may close its output and go on.
    while process.isRunning {
      guard ContinuousClock.now < deadline else { throw tooLate }
      usleep(2000)
    }
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      throw fault("ended with status \(process.terminationStatus)")
    }
    return output
  }

  /// Everything that is written before the deadline.
  private func read(
    _ descriptor: Int32,
    until deadline: ContinuousClock.Instant
  ) throws(AWSCredentialError) -> [UInt8] {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while output.count < 1 << 20 {
      let left = max(0, (deadline - ContinuousClock.now) / .milliseconds(1))
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&waited, 1, Int32(left)) > 0 else {
        if errno == EINTR, left > 0 { continue }
        throw tooLate
      }
      let count = unsafe buffer.withUnsafeMutableBytes {
        unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
      }
      if count == 0 { return output }
      if count > 0 { output += buffer[..<count] }
    }
    throw fault("wrote more than 1 MB")
  }

  /// The program's path, found as a shell would.
  private func program() throws(AWSCredentialError) -> String {
    if words[0].contains("/") { return words[0] }
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/\(words[0])"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw fault("is not in PATH")
  }

  private var tooLate: AWSCredentialError { fault("did not end within \(Int(seconds)) s") }

  private func fault(_ reason: String) -> AWSCredentialError {
    .setting(profile: profile, place: place, reason: "credential_process: \(words[0]) \(reason)")
  }
}
