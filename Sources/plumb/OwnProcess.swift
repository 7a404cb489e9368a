import Foundation
import Synchronization

/// A command of this binary in a process of its own, which ends with this one.
///
/// Its standard input is open as long as this process lives; its standard output goes nowhere.
struct OwnProcess: Sendable {
  let arguments: [String]
  let environment: [String: String]

  /// How long it has to end after it was asked to, in seconds.
  private static let patience = 10.0

  /// How a process ended.
  enum Ending: Sendable, Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  /// Runs it, and hands over the lines that it writes to standard error.
  ///
  /// When the task is cancelled it is asked to end, and made to if that does not help.
  ///
  /// - Throws: when it cannot be started.
  func run(_ line: @escaping @Sendable (String) -> Void) async throws -> Ending {
    let stop = Stop()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        // Waits for it away from the threads that tasks share.
        DispatchQueue(label: "plumb.process").async {
          continuation.resume(with: Result { try attend(stop, line) })
        }
      }
    } onCancel: {
      stop.isAsked.store(true, ordering: .relaxed)
    }
  }

  /// Whether the process is to end.
  private final class Stop: Sendable {
    let isAsked = Atomic(false)
  }

  private func attend(_ stop: Stop, _ line: (String) -> Void) throws -> Ending {
    let process = Process()
    let (errors, lifeline) = (Pipe(), Pipe())
    process.executableURL = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    )
    process.arguments = arguments
    process.environment = environment
    process.standardInput = lifeline
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    try? errors.fileHandleForWriting.close()
    defer { try? lifeline.fileHandleForWriting.close() }
    var reader = LineBuffer(descriptor: errors.fileHandleForReading.fileDescriptor)
    var deadline: ContinuousClock.Instant?
    while true {
      let isOpen = reader.read(milliseconds: 50, line)
      if !isOpen {
        guard process.isRunning else { break }
        usleep(2000)
      }
      guard stop.isAsked.load(ordering: .relaxed) else { continue }
      if deadline == nil {
        deadline = .now + .seconds(Self.patience)
        Self.send(SIGTERM, to: process)
      } else if let due = deadline, due < .now {
        deadline = .now + .seconds(Self.patience)
        Self.send(SIGKILL, to: process)
      }
    }
    let status = process.terminationStatus
    return process.terminationReason == .exit ? .exit(status) : .signal(status)
  }

  /// Sends a signal to the process and, where it leads a group, to what it started.
  private static func send(_ signal: Int32, to process: Process) {
    guard process.isRunning else { return }
    let number = process.processIdentifier
    kill(getpgid(number) == number ? -number : number, signal)
  }

  /// Bytes of a pipe as lines.
  private struct LineBuffer {
    let descriptor: Int32
    private var isOpen = true
    private var rest: [UInt8] = []

    /// A longer line is cut.
    private static let limit = 1 << 16

    init(descriptor: Int32) { self.descriptor = descriptor }

    /// Waits a while for bytes, and hands over the lines that they end; false at the end of all.
    mutating func read(milliseconds: Int32, _ line: (String) -> Void) -> Bool {
      guard isOpen else { return false }
      var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&waited, 1, milliseconds) > 0 else { return true }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe Foundation.read(descriptor, bytes.baseAddress, bytes.count)
      }
      if count < 0 { return errno == EINTR }
      rest += buffer[..<count]
      while let end = rest.firstIndex(of: 0x0A) {
        line(String(decoding: rest[..<end], as: UTF8.self))
        rest.removeSubrange(...end)
      }
      if !rest.isEmpty, count == 0 || rest.count > Self.limit {
        line(String(decoding: rest, as: UTF8.self))
        rest.removeAll()
      }
      isOpen = count > 0
      return isOpen
    }
  }
}
