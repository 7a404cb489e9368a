import ArgumentParser
import Foundation
import JSON
import Synchronization

/// How a command tells how far long work is.
enum ProgressFormat: String, ExpressibleByArgument {
  /// A line on the terminal that changes.
  case text
  /// Lines of JSON on standard error, for the program that started it.
  case json
}

/// What the program that started a command wants to know, and the command of it.
struct WatchOptions: ParsableArguments {
  @Option(name: .customLong("progress-format"), help: .hidden)
  var format = ProgressFormat.text

  /// Standard input says nothing, and its end that the program which started this one is no more.
  @Flag(name: .long, help: .hidden)
  var lifeline = false

  /// From now on the process ends when whoever started it does.
  func attend() {
    guard lifeline else { return }
    // Whoever started it may ignore signals that are to end this process.
    _ = signal(SIGTERM, SIG_DFL)
    Thread.detachNewThread {
      var byte: UInt8 = 0
      while true {
        let count = unsafe read(STDIN_FILENO, &byte, 1)
        if count == 0 || (count < 0 && errno != EINTR) {
          UnnamedFiles.remove()
          _exit(3)
        }
      }
    }
  }
}

/// The files of this process that no scan names yet, which nobody would find when it ends early.
enum UnnamedFiles {
  private static let paths = Mutex<Set<String>>([])

  static func note(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func forget(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  static func remove() { paths.withLock { for path in $0 { unsafe unlink(path) } } }
}

/// Tells how far long work is; as text only on a terminal.
final class Progress: Sendable {
  private struct State {
    var last = Date.distantPast
    var hasLine = false
  }

  private let format: ProgressFormat
  private let isShown: Bool
  private let state = Mutex(State())

  init(_ format: ProgressFormat = .text) {
    self.format = format
    isShown = format == .json || isatty(STDERR_FILENO) == 1
  }

  /// Tells how far it is: a line of text at most five times a second, or one of JSON every second.
  func show(_ text: @autoclosure () -> String, _ figures: @autoclosure () -> JSONObject = [:]) {
    guard isShown else { return }
    let pause = format == .json ? 1 : 0.2
    let isDue = state.withLock { state in
      guard Date.now.timeIntervalSince(state.last) > pause else { return false }
      state.last = .now
      state.hasLine = true
      return true
    }
    guard isDue else { return }
    guard format == .text else { return note(figures()) }
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text())".utf8))
  }

  /// Tells a program of a step that it must not miss.
  func note(_ figures: JSONObject) {
    guard format == .json else { return }
    FileHandle.standardError.write(Data((JSONValue.object(figures).text + "\n").utf8))
  }

  /// Removes the line.
  func clear() {
    let hadLine = state.withLock { state in
      defer { state.hasLine = false }
      return state.hasLine
    }
    guard hadLine, format == .text else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}
