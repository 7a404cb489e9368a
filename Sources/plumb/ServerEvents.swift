import Foundation
import JSON
import Synchronization

/// Reads server-sent events, as pieces of a stream come and over several streams.
final class ServerEvents: Sendable {
  private struct State {
    var rest: [UInt8] = []
    var fields: [String: String] = [:]
    var lastID = ""
    var last = JSONValue.null
    var hasEnded = false
  }

  private let state = Mutex(State())
  private let take: @Sendable (JSONValue) -> Void

  /// - Parameter take: is told what each event holds.
  init(_ take: @escaping @Sendable (JSONValue) -> Void) { self.take = take }

  /// The id of the last event; empty before the first.
  var lastID: String { state.withLock { $0.lastID } }
  /// What the last event told.
  var last: JSONValue { state.withLock { $0.last } }
  /// Whether there is nothing more to come.
  var hasEnded: Bool { state.withLock { $0.hasEnded } }

  /// A stream begins; what another left unfinished is forgotten.
  func begin() { state.withLock { ($0.rest, $0.fields) = ([], [:]) } }

  /// Takes a piece of a stream.
  func add(_ bytes: [UInt8]) {
    let told = state.withLock { state in
      var told: [JSONValue] = []
      state.rest += bytes
      while let end = state.rest.firstIndex(of: 0x0A) {
        let line = String(decoding: state.rest[..<end], as: UTF8.self)
        state.rest.removeSubrange(...end)
        if let value = Self.take(line, &state) { told.append(value) }
      }
      return told
    }
    for value in told { take(value) }
  }

  /// Takes a line; returns what an event holds where the line ends one.
  private static func take(_ line: String, _ state: inout State) -> JSONValue? {
    guard line.isEmpty else {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let value = parts.count > 1 ? parts[1].drop { $0 == " " } : ""
      state.fields[String(parts[0])] = String(value)
      return nil
    }
    defer { state.fields = [:] }
    guard let data = state.fields["data"], let value = try? JSONParser().parse(Array(data.utf8))
    else { return nil }
    state.lastID = state.fields["id"] ?? state.lastID
    if state.fields["event"] == "end" { state.hasEnded = true }
    state.last = value
    return value
  }
}
