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

  private let set: DetectionSet
  private let notes: [FindingNote]
  private let wish: Wish
  private let parser = JSONParser()
  private let readers: [(program: SourceProgram, fields: EventFields)]
  /// Nil where every record is taken for one of the same log source.
  private let recogniser: Recogniser?
  private var stamps: [Int]
  private var stamp = 0

  init(_ set: DetectionSet, _ notes: [FindingNote], _ wish: Wish) {
    self.set = set
    self.notes = notes
    self.wish = wish
    let programs = set.programs.filter { wish.source == nil || $0.source.id == wish.source }
    readers = programs.map { ($0, EventFields($0.trie)) }
    recogniser = wish.source == nil ? Recogniser(programs.map(\.source)) : nil
    stamps = Array(repeating: 0, count: set.rules.count)
  }

  /// Reads the records of a batch.
  func run(_ batch: RecordBatch) -> DetectionOutcome {
    var outcome = DetectionOutcome()
    for record in batch.records {
      let place = Place(file: batch.file, position: record.position, isPartials: batch.isPartials)
      unsafe batch.bytes.withUnsafeBufferPointer { buffer in
        let text = unsafe UnsafeBufferPointer(
          rebasing: buffer[record.start..<(record.start + record.count)]
        )
        do {
          try unsafe parser.withTape(of: text) { tape in
            unsafe read(tape, text, place, &outcome)
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
    _ text: UnsafeBufferPointer<UInt8>,
    _ place: Place,
    _ outcome: inout DetectionOutcome
  ) {
    guard unsafe tape.kind(tape.root) == .object else {
      outcome.fault(place.position, "expected a record, which is a JSON object")
      return
    }
    if place.isPartials, unsafe takePartial(tape, &outcome) { return }
    guard let reader = unsafe reader(tape) else {
      guard place.depth < Self.depthLimit, let contents = unsafe RecordEnvelope.contents(tape)
      else {
        outcome.counts.unrecognised += 1
        return
      }
      for _ in 0..<contents.others {
        outcome.fault(place.position, "holds an element that is no record")
      }
      for inner in contents.records { readInner(inner, place, &outcome) }
      return
    }
    outcome.counts.events += 1
    let context = unsafe Context(text: text, file: place.file, position: place.position)
    if wish.isNormalising {
      unsafe normalise(reader, context, &outcome)
      return
    }
    unsafe detect(reader, context, &outcome)
    if recogniser != nil, reader.program.source.provider == "GCP" {
      unsafe readCluster(tape, place, &outcome)
    }
  }

  /// Judges a cluster's record in Google's form as a cluster's, too.
  private func readCluster(_ tape: Tape, _ place: Place, _ outcome: inout DetectionOutcome) {
    do {
      guard let inner = unsafe try ClusterRecord.converted(tape) else { return }
      readInner(inner, place, &outcome)
      // It is one event all the same.
      outcome.counts.events -= 1
    } catch {
      outcome.fault(place.position, "\(error)")
    }
  }

  /// Takes what a run with partial aggregates has written; false for anything else.
  private func takePartial(_ tape: Tape, _ outcome: inout DetectionOutcome) -> Bool {
    let first = unsafe tape.root + 1
    guard unsafe first < tape.end(tape.root) else { return false }
    switch unsafe tape.string(first) {
    case "partial":
      guard let entry = unsafe CorrelationEntry.partial(tape, set) else { return false }
      outcome.entries.append(entry)
      return true
    case "partial_events":
      guard let json = try? unsafe tape.value(tape.root) else { return false }
      outcome.partials += 1
      outcome.counts.add(DetectionCounts(json: json))
      return true
    case "id":
      // A finding, as they stand among partial aggregates.
      let second = unsafe tape.next(first + 1)
      return unsafe second < tape.end(tape.root) && tape.string(second) == "detection_id"
    default: return false
    }
  }

  /// The log source of a record, its fields loaded.
  private func reader(_ tape: Tape) -> (program: SourceProgram, fields: EventFields)? {
    let place = if let recogniser { unsafe recogniser.place(tape) } else { 0 }
    guard let place, readers.indices.contains(place) else { return nil }
    unsafe readers[place].fields.load(tape)
    return readers[place]
  }

  /// Reads a record that was taken out of another.
  private func readInner(_ record: [UInt8], _ place: Place, _ outcome: inout DetectionOutcome) {
    var inside = place
    inside.depth += 1
    inside.isPartials = false
    var padded = record
    padded.append(contentsOf: repeatElement(0, count: JSONParser.padding))
    // A parser of its own: this one still lends out the tape of the record around.
    let parser = JSONParser()
    unsafe padded.withUnsafeBufferPointer { buffer in
      let text = unsafe UnsafeBufferPointer(rebasing: buffer[..<record.count])
      do {
        try unsafe parser.withTape(of: text) { tape in
          unsafe read(tape, text, inside, &outcome)
        }
      } catch {
        outcome.fault(place.position, "\(error)")
      }
    }
  }

  /// How many envelopes may lie in one another.
  private static let depthLimit = 4

  /// Where a record comes from.
  private struct Place {
    var file: String
    var position: Int
    /// Whether partial aggregates are expected.
    var isPartials: Bool
    /// How many envelopes it lay in.
    var depth = 0
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
    _ outcome: inout DetectionOutcome
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
    _ outcome: inout DetectionOutcome
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
    if fields.isClipped { outcome.counts.clipped += 1 }
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
    _ outcome: inout DetectionOutcome
  ) {
    guard let time = facts.time else {
      outcome.counts.timeless += 1
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
