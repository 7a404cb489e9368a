import Foundation
package import Model

/// Reads flow logs and finds threats in them, with memory that does not grow with the logs.
package struct FlowRun: Sendable {
  /// What is made of the records.
  package enum Purpose: Sendable {
    /// Findings.
    case detect
    /// Each record as OCSF Network Activity.
    case normalise
    /// Who speaks to whom outside.
    case converse
  }

  /// How to read and what to look for.
  package struct Options: Sendable {
    package var purpose = Purpose.detect
    /// Detectors by name.
    package var detectors = Set(FlowKind.detectors)
    package var own: OwnNetworks
    package var reputation = Reputation()
    /// The format of all logs; nil recognises that of each.
    package var format: FlowFormat?
    /// The columns of logs without a header.
    package var columns: FlowColumns?
    /// Findings of a lower severity are left out.
    package var threshold = FindingSeverity.informational
    package var workers = 2
    /// The file in which what is known is kept between runs.
    package var state: String?
    /// Seconds between two times that it is written.
    package var saveEvery = 10.0
    /// Waits at the end of the logs for what is added.
    package var isFollowing = false
    /// Whether detecting tells of conversations with the outside, too.
    package var tellsConversations = false
    /// How far earlier runs counted the conversations of logs, by where these lie.
    package var counted: [String: [LogMark]] = [:]

    package init(own: OwnNetworks) { self.own = own }
  }

  /// What a run came to.
  package struct Totals: Sendable {
    package var records = 0
    package var findings = 0
    package var bytes = 0
    /// Lines, records or files that could not be read.
    package var faults = 0
    /// Logs of a known form, also those without a record.
    package var logs = 0
    /// Records by which a log says that it has nothing, or has left something out.
    package var empty = 0
    /// The first log that has such.
    package var firstEmpty: String?
    /// Records that were delivered before, or that another observer told.
    package var twice = 0
    /// Records whose time is far from that of all others.
    package var outOfTime = 0
    /// Files that an earlier run had read to their end.
    package var skipped = 0
    /// Accounts beyond those that there is room for, counted whenever a piece of a log names them.
    package var lostAccounts = 0
    /// Keys that were forgotten for want of room, by who forgot them.
    package var evictions: [(name: String, count: Int)] = []
    /// Who spoke to whom outside.
    package var conversations = FlowConversations()

    package init() {}
  }

  /// Where what was found goes.
  package struct Sinks {
    package var finding: (Finding) throws -> Void
    /// Lines of JSON.
    package var lines: ([UInt8]) throws -> Void
    /// A log or a line of it that could not be read: file, position (0 for the whole), why.
    package var fault: (String, Int, String) -> Void
    package var progress: (Totals) -> Void
    /// Whether to stop, as when somebody interrupts.
    package var shouldStop: () -> Bool
    package var conversations: (LoggedConversations) -> Void
    /// Is given time after each piece of a log, to keep what was found in it; all of it where it is told
    /// that what is known will be written next.
    package var settle: (Bool) async throws -> Void

    package init(
      finding: @escaping (Finding) throws -> Void = { _ in },
      lines: @escaping ([UInt8]) throws -> Void = { _ in },
      fault: @escaping (String, Int, String) -> Void = { _, _, _ in },
      progress: @escaping (Totals) -> Void = { _ in },
      shouldStop: @escaping () -> Bool = { false },
      conversations: @escaping (LoggedConversations) -> Void = { _ in },
      settle: @escaping (Bool) async throws -> Void = { _ in }
    ) {
      self.finding = finding
      self.lines = lines
      self.fault = fault
      self.progress = progress
      self.shouldStop = shouldStop
      self.conversations = conversations
      self.settle = settle
    }
  }

  private let options: Options

  package init(_ options: Options) { self.options = options }

  /// Reads logs in the order of the time that their names tell; `inputs` is asked again where the
  /// run follows them.
  package func run(
    _ inputs: () async throws -> [LogInput],
    to sinks: Sinks
  ) async throws -> Totals {
    let stage = FlowStage(options, sinks)
    try stage.load()
    let wantsOthers = options.purpose == .normalise
    try await withThrowingTaskGroup(of: (Int, FlowPiece, FlowChunk).self) { group in
      var given = 0
      var running = 0
      func collect() async throws {
        guard let (number, piece, chunk) = try await group.next() else { return }
        running -= 1
        try stage.take(chunk, piece, number)
      }
      repeat {
        let list = FlowInputs.ordered(try await inputs())
        var next = list[...]
        var opened: [(LogInput, FlowReader)] = []
        defer { for (_, reader) in opened { reader.close() } }
        while !sinks.shouldStop() {
          while let input = next.first,
            opened.isEmpty || input.isRemote && opened.count < LogReader.ahead
          {
            next.removeFirst()
            if let reader = try stage.open(input) { opened.append((input, reader)) }
          }
          if opened.isEmpty { break }
          var (input, reader) = opened.removeFirst()
          defer { reader.close() }
          var hasFailed = false
          while !reader.isAtEnd, !sinks.shouldStop() {
            var pieces: [FlowPiece] = []
            let isLast = !options.isFollowing || input.path == nil
            do {
              let count = try await reader.read(isLast: isLast) { pieces.append($0) }
              stage.totals.bytes += count
            } catch {
              stage.fault(input.name, 0, "\(error)")
              stage.leave(input)
              hasFailed = true
            }
            for piece in pieces {
              if running >= max(1, options.workers) { try await collect() }
              let number = given
              given += 1
              running += 1
              group.addTask { (number, piece, piece.read(wantsOthers: wantsOthers)) }
            }
            if options.isFollowing { while running > 0 { try await collect() } }
            if options.isFollowing, input.isStandardInput {
              try stage.idle()
              try await sinks.settle(false)
            }
            stage.note(reader, input)
            if reader.isDrained, !isLast { break }
            sinks.progress(stage.totals)
            try await sinks.settle(false)
            if pieces.last?.position != nil { try await saveNowAndThen(stage, sinks) }
          }
          while running > 0, reader.isAtEnd, options.state != nil { try await collect() }
          if reader.isAtEnd {
            // One that cannot be read is none that was: another run tries it again.
            if !hasFailed { stage.close(input, isRecognised: reader.isRecognised) }
            try await sinks.settle(false)
            try await saveNowAndThen(stage, sinks)
          }
        }
        while running > 0 { try await collect() }
        if options.isFollowing, !sinks.shouldStop(), list.contains(where: { !$0.isStandardInput }) {
          try stage.idle()
          try await sinks.settle(false)
          try await saveNowAndThen(stage, sinks)
          try await Task.sleep(for: .milliseconds(300))
        }
      } while options.isFollowing && !sinks.shouldStop()
        && stage.canGrow
    }
    try stage.finish()
    // What is known is written when what was found is kept.
    try await sinks.settle(true)
    try stage.save()
    return stage.totals
  }

  /// Writes what is known where some time has passed, once what was found is kept.
  private func saveNowAndThen(_ stage: FlowStage, _ sinks: Sinks) async throws {
    guard stage.isSaveDue else { return }
    stage.tellConversations()
    try await sinks.settle(true)
    try stage.save()
  }
}

/// The order in which files are read.
enum FlowInputs {
  /// By the date that their paths tell, as clouds lay them down, then by path, those that were set aside
  /// first.
  static func ordered(_ inputs: [LogInput]) -> [LogInput] {
    guard inputs.count > 1 else { return inputs }
    let keyed = inputs.map { (date($0.name), RotatedName($0.name), $0) }
    return keyed.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
  }

  /// The digits of the dates in a path: `year=2026/month=11/…`, `y=2026/m=11/…`, `2026/11/22`,
  /// `20261122T0610Z`.
  static func date(_ path: String) -> String {
    var digits = ""
    for part in path.split(separator: "/") {
      if let equals = part.firstIndex(of: "=") {
        let key = part[..<equals]
        if ["year", "month", "day", "hour", "y", "m", "d", "h"].contains(key) {
          digits += part[part.index(after: equals)...]
        }
      } else if part.count == 4 || part.count == 2, part.allSatisfy(\.isNumber) {
        if part.count == 4 || !digits.isEmpty { digits += part }
      } else if let stamp = part.split(whereSeparator: { "_.-".contains($0) }).first(where: {
        $0.count >= 12 && $0.prefix(8).allSatisfy(\.isNumber) && $0.dropFirst(8).first == "T"
      }) {
        digits += stamp.dropFirst(8).filter(\.isNumber)
      }
    }
    return digits
  }
}
