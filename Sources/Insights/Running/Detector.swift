import CSimdjson
import JSON
import Model

/// Finds what detections match in records; serves one task at a time.
@safe final class Detector: @unchecked Sendable {
  /// What to make of records.
  struct Wish {
    /// Takes every record for one of this log source.
    var source: String?
    /// Writes each record as an OCSF activity instead of detecting.
    var isNormalising = false
    /// Findings of a lower severity are left out.
    var threshold = FindingSeverity.informational
  }

  /// What came of a batch.
  struct Outcome {
    var findings: [Finding] = []
    var entries: [CorrelationEntry] = []
    var activities: [UInt8] = []
    var faults: [(position: Int, message: String)] = []
    var faultCount = 0
    var events = 0
    /// Records of no log source that is known.
    var unrecognised = 0
    /// Records that a correlation would have counted but for want of a time.
    var timeless = 0
    /// Ends of partial aggregates.
    var partials = 0

    /// Notes a record that could not be read.
    mutating func fault(_ position: Int, _ message: String) {
      faultCount += 1
      if faults.count < 20 { faults.append((position, message)) }
    }
  }

  private let set: DetectionSet
  private let notes: [FindingNote]
  private let wish: Wish
  private let parser = JSONParser()
  private var readers: [(program: SourceProgram, fields: EventFields)]
  /// The log source of the record before, most likely that of the next.
  private var last = 0
  private var stamps: [Int]
  private var stamp = 0

  init(_ set: DetectionSet, _ notes: [FindingNote], _ wish: Wish) {
    self.set = set
    self.notes = notes
    self.wish = wish
    readers = set.programs.filter { wish.source == nil || $0.source.id == wish.source }
      .map { ($0, EventFields($0.trie)) }
    stamps = Array(repeating: 0, count: set.rules.count)
  }

  /// Reads the records of a batch.
  func run(_ batch: RecordBatch) -> Outcome {
    var outcome = Outcome()
    for record in batch.records {
      unsafe batch.bytes.withUnsafeBufferPointer { buffer in
        let text = unsafe UnsafeBufferPointer(
          rebasing: buffer[record.start..<(record.start + record.count)]
        )
        do {
          try unsafe parser.withTape(of: text) { tape in
            unsafe read(tape, tape.root, text, batch.file, record.position, &outcome, depth: 0)
          }
        } catch {
          outcome.fault(record.position, "\(error)")
        }
      }
    }
    return outcome
  }

  private func read(
    _ tape: Tape,
    _ place: Int,
    _ text: UnsafeBufferPointer<UInt8>,
    _ file: String,
    _ position: Int,
    _ outcome: inout Outcome,
    depth: Int
  ) {
    guard unsafe tape.kind(place) == .object else {
      outcome.fault(position, "expected a record, which is a JSON object")
      return
    }
    if let entry = unsafe CorrelationEntry.partial(tape, set) {
      outcome.entries.append(entry)
      return
    }
    if unsafe Self.isFinding(tape) { return }
    if let events = unsafe Self.partialEvents(tape) {
      outcome.partials += 1
      outcome.events += events
      return
    }
    guard let reader = unsafe reader(tape) else {
      if depth < 2, unsafe unwrap(tape, file, position, &outcome, depth) { return }
      outcome.unrecognised += 1
      return
    }
    outcome.events += 1
    let context = unsafe Context(text: text, file: file, position: position)
    if wish.isNormalising {
      unsafe normalise(reader, context, &outcome)
    } else {
      unsafe detect(reader, context, &outcome)
      // A cluster's record in Google's wrapping is judged as a cluster's, too.
      if reader.program.source.provider == "GCP", depth == 0,
        let inner = unsafe ClusterRecord.converted(tape)
      {
        readInner([inner], file, position, &outcome, depth)
        outcome.events -= 1
      }
    }
  }

  /// Whether a record is a finding of a run before, as they stand among partial aggregates.
  private static func isFinding(_ tape: Tape) -> Bool {
    let first = unsafe tape.root + 1
    guard unsafe first < tape.end(tape.root), unsafe tape.textLength(first) == 2,
      unsafe tape.string(first) == "id"
    else { return false }
    let second = unsafe tape.next(first + 1)
    return unsafe second < tape.end(tape.root) && tape.string(second) == "detection_id"
  }

  /// The number of events that the end of partial aggregates tells.
  private static func partialEvents(_ tape: Tape) -> Int? {
    let first = unsafe tape.root + 1
    guard unsafe first < tape.end(tape.root), unsafe tape.textLength(first) == 14,
      unsafe tape.string(first) == "partial_events", unsafe tape.kind(first + 1) == .int64
    else { return nil }
    return unsafe Int(clamping: max(0, tape.int64(first + 1)))
  }

  /// The log source of a record, its fields loaded.
  private func reader(_ tape: Tape) -> (program: SourceProgram, fields: EventFields)? {
    guard !readers.isEmpty else { return nil }
    for offset in 0..<readers.count {
      let index = offset == 0 ? last : offset <= last ? offset - 1 : offset
      let reader = readers[index]
      unsafe reader.fields.load(tape)
      if wish.source != nil || reader.program.recognised.holds(reader.fields) {
        last = index
        return reader
      }
    }
    return nil
  }

  /// Reads the records within a record: a list under a key, or a record as text.
  private func unwrap(
    _ tape: Tape,
    _ file: String,
    _ position: Int,
    _ outcome: inout Outcome,
    _ depth: Int
  ) -> Bool {
    unsafe readInner(RecordEnvelope.records(tape), file, position, &outcome, depth)
    return unsafe RecordEnvelope.isEnvelope(tape)
  }

  /// Reads records that were taken out of another.
  private func readInner(
    _ records: [[UInt8]],
    _ file: String,
    _ position: Int,
    _ outcome: inout Outcome,
    _ depth: Int
  ) {
    for inner in records {
      var padded = inner
      padded.append(contentsOf: repeatElement(0, count: JSONParser.padding))
      // A parser of its own: this one still lends out the tape of the record around.
      let parser = JSONParser()
      unsafe padded.withUnsafeBufferPointer { buffer in
        let text = unsafe UnsafeBufferPointer(rebasing: buffer[..<inner.count])
        do {
          try unsafe parser.withTape(of: text) { tape in
            unsafe read(tape, tape.root, text, file, position, &outcome, depth: depth + 1)
          }
        } catch {
          outcome.fault(position, "\(error)")
        }
      }
    }
  }

  /// Where a record stands, and its bytes.
  @unsafe private struct Context {
    var text: UnsafeBufferPointer<UInt8>
    var file: String
    var position: Int
  }

  private func normalise(
    _ reader: (program: SourceProgram, fields: EventFields),
    _ context: Context,
    _ outcome: inout Outcome
  ) {
    let facts = ActivityFacts(reader.fields, reader.program)
    let bytes = unsafe Array(context.text)
    var writer = JSONWriter()
    writer.value(
      facts.ocsf(
        source: reader.program.source,
        raw: String(decoding: bytes, as: UTF8.self),
        digest: String(Digest.sha256(bytes).prefix(32))
      )
    )
    writer.bytes.append(0x0A)
    outcome.activities += writer.bytes
  }

  private func detect(
    _ reader: (program: SourceProgram, fields: EventFields),
    _ context: Context,
    _ outcome: inout Outcome
  ) {
    let (program, fields) = reader
    stamp += 1
    var matched: [Int] = []
    program.index.candidates(fields) { place in
      let rule = program.rules[place]
      guard stamps[rule.number] != stamp else { return }
      stamps[rule.number] = stamp
      if rule.program.holds(fields) { matched.append(place) }
    }
    if matched.isEmpty { return }
    matched.sort { program.rules[$0].number < program.rules[$1].number }
    let facts = ActivityFacts(fields, program)
    let reference = unsafe EventReference(
      file: context.file,
      position: context.position,
      id: facts.values[.id],
      digest: String(Digest.sha256(Array(context.text)).prefix(32)),
      time: facts.time
    )
    for place in matched {
      let rule = program.rules[place]
      if set.isReported[rule.number], notes[rule.number].severity >= wish.threshold {
        outcome.findings.append(finding(rule, program, fields, facts, reference))
      }
      for feed in rule.feeds {
        feed.entry(fields, facts, reference, program.source.id, &outcome)
      }
    }
  }

  private func finding(
    _ rule: SourceProgram.Rule,
    _ program: SourceProgram,
    _ fields: EventFields,
    _ facts: ActivityFacts,
    _ reference: EventReference
  ) -> Finding {
    var values = facts.evidence
    for (name, slot) in rule.shown {
      if let text = fields.text(slot) { values[name] = .string(String(text.prefix(500))) }
    }
    let note = notes[rule.number]
    return Finding(
      id: NameUUID.of([.string(note.id), .string(reference.digest)]),
      note: note,
      entity: facts.entity,
      firstSeen: facts.time,
      lastSeen: facts.time,
      count: 1,
      evidence: FindingEvidence(
        source: program.source.id,
        values: values,
        events: [reference]
      )
    )
  }
}

extension SourceProgram.Feed {
  /// Adds what the correlation takes of an event; an event without a field to group by is not
  /// counted.
  fileprivate func entry(
    _ fields: EventFields,
    _ facts: ActivityFacts,
    _ reference: EventReference,
    _ source: String,
    _ outcome: inout Detector.Outcome
  ) {
    guard let time = facts.time else {
      outcome.timeless += 1
      return
    }
    func texts(_ paths: [[Int]]) -> [String]? {
      var texts: [String] = []
      for slots in paths {
        guard let text = slots.lazy.compactMap({ fields.text($0) }).first else { return nil }
        texts.append(String(text.prefix(1000)))
      }
      return texts
    }
    guard let group = texts(groupBy), let values = texts(values) else { return }
    outcome.entries.append(
      CorrelationEntry(
        correlation: correlation,
        part: part,
        time: time,
        group: group,
        value: values.joined(separator: "\u{1F}"),
        entity: facts.entity,
        source: source,
        event: reference
      )
    )
  }
}
