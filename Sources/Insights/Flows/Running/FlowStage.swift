import Foundation
import JSON
import Model

/// What is known between the pieces of a run, and what becomes of each.
final class FlowStage {
  var totals = FlowRun.Totals()
  private let options: FlowRun.Options
  private let sinks: FlowRun.Sinks
  private let findings: FlowFindings
  private let detectors: FlowDetectors
  private var order = FlowOrder()
  private var conversations: FlowConversations
  /// Chunks that wait for earlier ones.
  private var waiting: [Int: (FlowChunk, FlowPiece)] = [:]
  private var next = 0
  private var positions: [String: FlowPosition] = [:]
  private var inputs: [String: UInt32] = [:]
  /// Files that need not be opened again in this run.
  private var closed: [String: FlowExtent] = [:]
  /// How large files were when they were opened.
  private var sizes: [String: Int64] = [:]
  /// The names of files that were read, by their numbers.
  private var names: [UInt64: String] = [:]
  private var lastSave = ContinuousClock.now
  /// How far the log is read whose conversations are gathered; nil behind a piece that does not say so.
  private var mark: LogMark?
  /// Whether an earlier run counted the beginning of it.
  private var isCounted = false
  /// The digests of what was told of conversations, by log.
  private var told: [String: String] = [:]
  /// What logs are known by up to where they are read on.
  private var prints: [String: LogPrint] = [:]

  init(_ options: FlowRun.Options, _ sinks: FlowRun.Sinks) {
    self.options = options
    self.sinks = sinks
    findings = FlowFindings(options.reputation, own: options.own)
    detectors = FlowDetectors(
      options.detectors,
      own: options.own,
      reputation: options.reputation,
      findings,
      isParallel: options.workers > 1
    )
    conversations = FlowConversations(isDaily: options.purpose == .detect)
  }

  /// Whether more may come: not once standard input, the only log, has ended.
  var canGrow: Bool { !closed.keys.contains(LogInput.standardInput.name) || inputs.count > 1 }

  // MARK: - Files

  /// The reader of a log, where there is anything to read.
  func open(_ input: LogInput) throws -> FlowReader? {
    let extent = FlowFiles.extent(input)
    if input.isStandardInput {
      guard closed[input.name] == nil else { return nil }
    } else {
      follow(input)
      sizes[input.name] = extent.size
      if let known = positions[input.name] {
        let now = FlowFiles.identity(input, head: Int(known.identity.headCount))
        let isSame = known.identity == now && extent.size >= known.offset
        if isSame, extent.size == known.offset {
          if closed[input.name] == nil { totals.skipped += 1 }
          closed[input.name] = extent
          return nil
        }
        // Another file of the same name, one that was cut off, or one that has grown and can only be read
        // as a whole: from its beginning.
        if !isSame || known.isWhole { positions[input.name] = nil }
      } else if closed[input.name] == extent {
        return nil
      }
    }
    let number = inputs[input.name] ?? UInt32(findings.files.count)
    if inputs[input.name] == nil {
      inputs[input.name] = number
      findings.files.append(input.name)
    }
    do {
      return try FlowReader(
        input,
        file: number,
        format: options.format,
        columns: options.columns,
        from: positions[input.name],
        isEager: options.isFollowing,
        print: try print(input, from: positions[input.name]?.offset ?? 0),
        isResumed: options.state != nil,
        marks: (options.counted[input.origin] ?? []).sorted { $0.bytes < $1.bytes }
      )
    } catch let error as LogError {
      fault(input.name, 0, "\(error)")
      leave(input)
      return nil
    }
  }

  /// Where a file was set aside under another name since it was read, reading goes on under that.
  private func follow(_ input: LogInput) {
    guard input.path != nil, positions[input.name] == nil, !names.isEmpty else { return }
    let inode = FlowFiles.identity(input, head: 0).inode
    guard let former = names[inode], let known = positions[former], former != input.name,
      FlowFiles.identity(input, head: Int(known.identity.headCount)) == known.identity
    else { return }
    positions[input.name] = positions.removeValue(forKey: former)
    names[inode] = input.name
  }

  /// What a log is known by up to where it is read on.
  private func print(_ input: LogInput, from offset: Int64) throws -> LogPrint? {
    guard tellsConversations else { return nil }
    if let known = prints[input.name], known.count == offset { return known }
    var print = LogPrint()
    guard offset > 0, let path = input.path, let file = FileHandle(forReadingAtPath: path) else {
      return print
    }
    defer { try? file.close() }
    while print.count < offset {
      let wanted = Int(min(1 << 20, offset - print.count))
      guard let part = try file.read(upToCount: wanted), !part.isEmpty else { break }
      print.add([UInt8](part)[...])
    }
    return print
  }

  /// Notes how far a log was read that is read on later.
  func note(_ reader: FlowReader, _ input: LogInput) {
    if options.isFollowing { prints[input.name] = reader.linePrint }
  }

  /// Notes that a log cannot be read on.
  func leave(_ input: LogInput) { closed[input.name] = FlowFiles.extent(input) }

  /// Notes that a log was read to its end.
  func close(_ input: LogInput, isRecognised: Bool) {
    leave(input)
    totals.logs += isRecognised ? 1 : 0
    guard !input.isStandardInput, options.state != nil else { return }
    if let known = positions[input.name], !known.isWhole { return }
    positions[input.name] = FlowPosition(
      offset: sizes[input.name] ?? FlowFiles.extent(input).size,
      identity: FlowFiles.identity(input),
      isWhole: true
    )
  }

  func fault(_ file: String, _ position: Int, _ message: String) {
    totals.faults += 1
    sinks.fault(file, position, message)
  }

  // MARK: - Records

  /// Takes what came of a piece, once that of all earlier ones is taken.
  func take(_ chunk: FlowChunk, _ piece: FlowPiece, _ number: Int) throws {
    waiting[number] = (chunk, piece)
    while let (chunk, piece) = waiting.removeValue(forKey: next) {
      next += 1
      try take(chunk, piece)
    }
  }

  private func take(_ chunk: FlowChunk, _ piece: FlowPiece) throws {
    let file = findings.files[Int(piece.file)]
    totals.records += chunk.records.count
    totals.faults += chunk.faultCount
    totals.empty += chunk.empty
    if chunk.empty > 0 { totals.firstEmpty = totals.firstEmpty ?? file }
    totals.twice += chunk.twice
    for (position, message) in chunk.faults { sinks.fault(file, position, message) }
    var records = chunk.records
    if chunk.accounts.count > 1 {
      let places = chunk.accounts.map { findings.place($0) }
      for index in records.indices { records[index].account = places[Int(records[index].account)] }
    }
    if piece.isCounted {
      conversations.removeAll()
      isCounted = true
    }
    mark = piece.mark
    switch options.purpose {
    case .detect:
      if tellsConversations { for record in records { conversations.add(record, options.own) } }
      try order.take(records) { try detect($0) }
    case .converse: for record in records { conversations.add(record, options.own) }
    case .normalise: try normalise(records, chunk)
    }
    if let position = piece.position {
      positions[file] = position
      names[position.identity.inode] = file
    }
    if piece.endsLog { tellConversations(isEnd: true) }
  }

  private var tellsConversations: Bool { options.tellsConversations && options.purpose == .detect }

  /// Tells of the conversations of the log that is read, as far as it is.
  func tellConversations(isEnd: Bool = false) {
    guard let mark, !conversations.isEmpty || isEnd && isCounted else { return }
    // An earlier run may have counted more of the log than was read so far.
    if !isEnd, options.counted[mark.log]?.contains(where: { $0.bytes > mark.bytes }) ?? false {
      return
    }
    let rows = conversations.take(findings)
    sinks.conversations(LoggedConversations(mark: mark, former: told[mark.log], rows: rows))
    (told[mark.log], isCounted) = (mark.digest, false)
  }

  private func detect(_ records: [FlowRecord]) throws {
    try detectors.take(records) { try tell($0) }
  }

  private func tell(_ finding: Finding) throws {
    guard finding.note.severity >= options.threshold else { return }
    totals.findings += 1
    try sinks.finding(finding)
  }

  private func normalise(_ records: [FlowRecord], _ chunk: FlowChunk) throws {
    var writer = JSONWriter()
    for (record, others) in zip(records, chunk.others) {
      let value = FlowOCSF.json(
        record,
        account: findings.accounts[Int(record.account)],
        provider: chunk.provider,
        own: options.own,
        others: others
      )
      writer.value(value)
      writer.bytes.append(0x0A)
    }
    if !writer.bytes.isEmpty { try sinks.lines(writer.bytes) }
  }

  // MARK: - State

  func load() throws {
    guard let path = options.state, let state = try FlowState(path) else { return }
    positions = state.positions
    for (name, position) in positions { names[position.identity.inode] = name }
    findings.files = state.files
    for (index, name) in state.files.enumerated() { inputs[name] = UInt32(index) }
    findings.take(accounts: state.accounts)
    var reader = StateReader(state.body)
    do {
      try order.load(&reader)
      try detectors.load(&reader)
      try conversations.load(&reader)
    } catch { throw LogError.unreadable(path, "\(error)") }
  }

  /// Whether some time has passed since the state was written.
  var isSaveDue: Bool {
    options.state != nil && options.purpose == .detect
      && ContinuousClock.now - lastSave > .seconds(options.saveEvery)
  }

  /// Writes what is known, and how far each file was read.
  func save() throws {
    guard let path = options.state, options.purpose == .detect else { return }
    var writer = StateWriter()
    order.save(&writer)
    detectors.save(&writer)
    conversations.save(&writer)
    var state = FlowState()
    state.positions = positions
    state.files = findings.files
    state.accounts = findings.accounts
    state.body = writer.bytes
    try state.write(to: path)
    lastSave = ContinuousClock.now
  }

  /// Nothing more has come for now: what waits goes on, and what is due by the time of day is told.
  func idle() throws {
    guard options.purpose == .detect else { return }
    tellConversations()
    try order.finish { try detect($0) }
    let now = Int64(Date.now.timeIntervalSince1970 * 1000)
    try detectors.flush(until: now) { try tell($0) }
  }

  /// Tells all that waits, and adds up what the run came to.
  func finish() throws {
    if options.purpose == .detect {
      tellConversations()
      try order.finish { try detect($0) }
      try detectors.flush(until: .max) { try tell($0) }
      totals.twice += detectors.twice
      totals.outOfTime = order.outOfTime
      totals.evictions = detectors.evictions
    }
    totals.lostAccounts = findings.lostAccounts
    totals.conversations = conversations
  }
}
