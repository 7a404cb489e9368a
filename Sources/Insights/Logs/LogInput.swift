import Foundation

/// A log to be read: a file, an object of a bucket, or standard input.
package struct LogInput: Sendable {
  /// Where its bytes are.
  package enum Place: Sendable {
    case standardInput
    case file(String)
    case object(any LogObject)
  }

  /// How the log is called in findings and messages.
  package var name: String
  package var place: Place

  /// A file.
  package init(name: String, path: String) { (self.name, place) = (name, .file(path)) }

  /// An object of a bucket.
  package init(name: String, object: any LogObject) {
    (self.name, place) = (name, .object(object))
  }

  private init() { (name, place) = ("standard input", .standardInput) }

  /// What is piped into the command.
  package static let standardInput = LogInput()

  /// What the log is known by, however a path to it was written.
  var origin: String { path.map { URL(fileURLWithPath: $0).standardizedFileURL.path } ?? name }

  /// The path of a file; nil for others.
  var path: String? { if case .file(let path) = place { path } else { nil } }

  var isStandardInput: Bool { if case .standardInput = place { true } else { false } }

  /// Whether reading it means waiting, so that it is worth to begin before it is needed.
  var isRemote: Bool { if case .object = place { true } else { false } }
}

/// A log that is no file: its bytes are asked for in parts, and never change under one version.
package protocol LogObject: Sendable {
  var size: Int64 { get }
  /// Changes whenever the bytes do.
  var version: String { get }

  /// A part of the bytes, as many as are asked for.
  ///
  /// - Throws: ``LogError``; `CancellationError`.
  func bytes(from start: Int64, count: Int) async throws -> [UInt8]
}

/// Why a log cannot be read.
package enum LogError: Error, CustomStringConvertible {
  case unreadable(String, String)

  /// The file and the reason.
  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }
}
