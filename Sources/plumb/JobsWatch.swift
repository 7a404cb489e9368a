import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store
import Synchronization

struct JobsWatch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Shows how far a job is until it has ended.",
    discussion: """
      Exit code 1 says that it came to nothing: it failed, was set aside or cancelled.

      Example: plumb jobs watch 12
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var server: ServerOptions

  @Argument(help: "The job's number.")
  var job: Int64

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let line = JobLine(isJSON: output.format == .json)
      let context = ServerOptions.Context(local: store.given, format: output.format.ofRows)
      let sketch = APISketch("GET", "jobs", "\(job)", "events").answering(
        .events({ line.show($0) }, end: Self.end)
      )
      if try await server.answers(context, { sketch }) { return }
      let (number, store) = (job, try await store.openForReading())
      while true {
        let job = try await store.read { try $0.job(number) }
        line.show(job.standing)
        guard job.state.isOpen else { return try Self.end(job.standing) }
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  private static func end(_ job: JSONValue) throws {
    guard job["state"]?.string == JobState.done.rawValue else { throw Exit.failed }
  }
}

/// How far a job is, a line each time that it changes; on a terminal they take each other's place
/// within a phase.
private final class JobLine: Sendable {
  private struct State {
    var last = JSONValue.null
    var text = ""
    var phase: JSONValue?
  }

  private let isJSON: Bool
  private let isTerminal = isatty(STDOUT_FILENO) == 1
  private let state = Mutex(State())

  init(isJSON: Bool) { self.isJSON = isJSON }

  func show(_ job: JSONValue) {
    state.withLock { state in
      guard job != state.last else { return }
      let phase: JSONValue = [job["state"] ?? .null, job["progress"]?["phase"] ?? .null]
      let text = isJSON ? job.text : Job.words(job).withoutControls
      defer { (state.last, state.phase, state.text) = (job, phase, text) }
      guard isJSON || text != state.text else { return }
      let isNext = isTerminal && !isJSON && state.phase == phase
      // The line before is written over where it told of the same phase.
      let line = isNext ? "\u{1B}[1A\u{1B}[2K\(text)\n" : text + "\n"
      FileHandle.standardOutput.write(Data(line.utf8))
    }
  }
}

extension Job {
  /// How far a job is, as a document tells it, for people.
  static func words(_ job: JSONValue) -> String {
    let words = [
      "job \(job["id"]?.cell ?? "")  \(job["state"]?.cell ?? "")", activity(job),
      job["scan"]?.whole.map { "scan \($0)" } ?? "", job["reason"]?.string ?? "",
    ]
    return words.filter { !$0.isEmpty }.joined(separator: "  ")
  }

  /// What is under way, in words; empty where nothing is.
  static func activity(_ job: JSONValue) -> String {
    guard let progress = job["progress"], let phase = progress["phase"]?.string,
      job["state"]?.string == JobState.leased.rawValue
    else { return "" }
    let figures = [
      ("resources", "resources"), ("calls", "calls"), ("calls_per_second", "calls/s"),
      ("throttled", "throttled"),
    ].compactMap { name, word in progress[name].map { "\($0.text) \(word)" } }
    return ([phase] + figures).joined(separator: ", ")
  }
}
