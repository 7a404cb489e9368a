import JSON
package import Model

/// Reads logs, finds what detections match in them and tells it, with memory that does not grow
/// with the logs.
package struct DetectionRun: Sendable {
  /// How to read and what to tell.
  package struct Options: Sendable {
    /// Takes every record for one of this log source; nil recognises each by its content.
    package var logSource: String?
    /// Writes records as OCSF activities instead of detecting.
    package var isNormalising = false
    /// Hands out what correlations count instead of running them.
    package var isPartial = false
    /// Findings of a lower severity are left out.
    package var threshold = FindingSeverity.informational
    package var workers = 2
    /// How many entries wait to be put in order.
    package var room = 200_000
    /// How much correlations and baselines keep.
    var groupRoom = DetectionLimits.Room()

    package init() {}
  }

  /// What a run came to.
  package struct Totals: Sendable {
    package var counts = DetectionCounts()
    package var findings = 0
    package var bytes = 0
    /// Matches that a correlation could not count, for want of a number.
    package var numberless = 0
    /// What was left out for want of room.
    package var limits = DetectionLimits()
    /// Ends of partial aggregates that were merged; what they count is counted.
    package var partials = 0

    package init() {}
  }

  /// The line that ends partial aggregates, and tells how many events they are of and what was not
  /// read.
  package static func partialEnd(_ totals: Totals) -> [UInt8] {
    Array((totals.counts.json.text + "\n").utf8)
  }

  /// Where what was found goes.
  package struct Sinks {
    package var finding: (Finding) throws -> Void
    /// Lines of JSON: activities, or partial aggregates.
    package var lines: ([UInt8]) throws -> Void
    /// A log or a record of it that could not be read: file, position (0 for the whole), why.
    package var fault: (String, Int, String) -> Void
    package var progress: (Totals) -> Void
    /// Is given time after each piece of a log, to keep what was found in it.
    package var settle: () async throws -> Void

    package init(
      finding: @escaping (Finding) throws -> Void,
      lines: @escaping ([UInt8]) throws -> Void = { _ in },
      fault: @escaping (String, Int, String) -> Void = { _, _, _ in },
      progress: @escaping (Totals) -> Void = { _ in },
      settle: @escaping () async throws -> Void = {}
    ) {
      self.finding = finding
      self.lines = lines
      self.fault = fault
      self.progress = progress
      self.settle = settle
    }
  }

  private let set: DetectionSet
  private let notes: [FindingNote]
  private let options: Options

  package init(_ set: DetectionSet, _ options: Options) {
    self.set = set
    self.options = options
    notes = set.notes
  }

  /// Reads logs one after another.
  ///
  /// Baselines are taken up from what was learnt before; returned is what is known now.
  package func run(
    _ inputs: [LogInput],
    baselines: DetectionBaselines = DetectionBaselines(),
    to sinks: Sinks
  ) async throws -> (totals: Totals, baselines: DetectionBaselines) {
    let state = State(set, notes, options)
    state.correlator.take(baselines.keyed(set), seen: baselines.seen)
    let wish = Detector.Wish(
      source: options.logSource,
      isNormalising: options.isNormalising,
      threshold: options.threshold
    )
    var idle = (0..<max(1, options.workers)).map { _ in Detector(set, notes, wish) }
    try await withThrowingTaskGroup(of: (Int, String, Detector, DetectionOutcome).self) { group in
      var given = 0
      var next = inputs[...]
      var opened: [(LogInput, LogReader)] = []
      defer { for (_, reader) in opened { reader.close() } }
      while true {
        while let input = next.first,
          opened.isEmpty || input.isRemote && opened.count < LogReader.ahead
        {
          next.removeFirst()
          if let reader = try state.open(input, sinks) { opened.append((input, reader)) }
        }
        if opened.isEmpty { break }
        let (input, reader) = opened.removeFirst()
        try await read(input, reader, sinks, state) { batch in
          if idle.isEmpty, let (number, file, detector, outcome) = try await group.next() {
            idle.append(detector)
            try state.take(outcome, number, file, sinks)
          }
          guard let detector = idle.popLast() else { return }
          let number = given
          given += 1
          group.addTask { (number, batch.file, detector, detector.run(batch)) }
        }
      }
      while let (number, file, _, outcome) = try await group.next() {
        try state.take(outcome, number, file, sinks)
      }
    }
    try state.finish(sinks)
    var learnt = baselines
    learnt.keep(state.correlator, set)
    return (state.totals, learnt)
  }

  /// Reads one log and gives out its batches; what cannot be read of it is told and left.
  private func read(
    _ input: LogInput,
    _ reader: LogReader,
    _ sinks: Sinks,
    _ state: State,
    _ give: (RecordBatch) async throws -> Void
  ) async throws {
    var reader = reader
    defer { reader.close() }
    var cutter = RecordCutter()
    var isPartials: Bool?
    var hasFailed = false
    while !reader.isAtEnd {
      var batches: [RecordBatch] = []
      func cut(_ bytes: ArraySlice<UInt8>, isLast: Bool) {
        cutter.take(bytes, isLast: isLast) { buffer, records in
          guard let first = records.first else { return }
          let isOfPartials =
            isPartials
            ?? CorrelationEntry.isPartial(buffer[first.start..<(first.start + first.count)])
          isPartials = isOfPartials
          batches.append(
            RecordBatch(file: input.name, buffer, records, isPartials: isOfPartials)
          )
        }
      }
      do {
        state.totals.bytes += try await reader.read { cut($0, isLast: false) }
      } catch let error as LogError {
        sinks.fault(input.name, 0, "\(error)")
        state.totals.counts.faults += 1
        cut([], isLast: true)
        for batch in batches { try await give(batch) }
        hasFailed = true
        break
      }
      if reader.isAtEnd { cut([], isLast: true) }
      for batch in batches { try await give(batch) }
      sinks.progress(state.totals)
      try await sinks.settle()
    }
    if cutter.isBrokenOff, !hasFailed {
      state.totals.counts.faults += 1
      sinks.fault(input.name, cutter.position, "the file breaks off behind this")
    }
    for position in cutter.tooLong {
      state.totals.counts.faults += 1
      sinks.fault(input.name, position, "is longer than \(RecordCutter.recordLimit >> 20) MiB")
    }
  }

  /// What is known between batches.
  private final class State {
    var totals = Totals()
    var correlator: Correlator
    /// Outcomes that wait for those of earlier batches, so that findings come in order.
    private var waiting: [Int: (String, DetectionOutcome)] = [:]
    private var next = 0
    private let set: DetectionSet
    private let options: Options

    init(_ set: DetectionSet, _ notes: [FindingNote], _ options: Options) {
      self.set = set
      self.options = options
      correlator = Correlator(set, notes, room: options.room, groupRoom: options.groupRoom)
    }

    /// Opens a log; one that cannot be is told.
    func open(_ input: LogInput, _ sinks: Sinks) throws -> LogReader? {
      do { return try LogReader(input) } catch let error as LogError {
        sinks.fault(input.name, 0, "\(error)")
        totals.counts.faults += 1
        return nil
      }
    }

    func take(
      _ outcome: DetectionOutcome,
      _ number: Int,
      _ file: String,
      _ sinks: Sinks
    ) throws {
      waiting[number] = (file, outcome)
      while let (file, outcome) = waiting.removeValue(forKey: next) {
        next += 1
        try tell(outcome, file, sinks)
      }
    }

    private func tell(
      _ outcome: DetectionOutcome,
      _ file: String,
      _ sinks: Sinks
    ) throws {
      totals.counts.add(outcome.counts)
      totals.partials += outcome.partials
      for (position, message) in outcome.faults { sinks.fault(file, position, message) }
      if !outcome.activities.isEmpty { try sinks.lines(outcome.activities) }
      for finding in outcome.findings { try tell(finding, sinks) }
      if options.isPartial {
        var writer = JSONWriter()
        for entry in outcome.entries {
          writer.value(entry.json(set))
          writer.bytes.append(0x0A)
        }
        if !writer.bytes.isEmpty { try sinks.lines(writer.bytes) }
      } else {
        for finding in correlator.add(outcome.entries) { try tell(finding, sinks) }
      }
    }

    func finish(_ sinks: Sinks) throws {
      for finding in correlator.finish() { try tell(finding, sinks) }
      totals.numberless = correlator.numberless
      totals.limits = correlator.limits
    }

    private func tell(_ finding: Finding, _ sinks: Sinks) throws {
      guard finding.note.severity >= options.threshold else { return }
      totals.findings += 1
      try sinks.finding(finding)
    }
  }
}

extension DetectionSet {
  /// The kinds of findings: those of the rules, then those of the correlations.
  package var notes: [FindingNote] {
    (rules.map(\.facts) + correlations.map(\.facts)).map { facts in
      FindingNote(
        id: facts.id,
        name: facts.name,
        title: facts.title,
        description: facts.description,
        severity: facts.level,
        provider: "activity",
        tags: facts.tags,
        references: facts.references,
        author: facts.author
      )
    }
  }
}
