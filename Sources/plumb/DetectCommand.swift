import ArgumentParser
import Foundation
import Insights
import JSON
import Model
import Operations

struct DetectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Finds what detections match in audit logs.",
    discussion: """
      Reads CloudTrail, Kubernetes audit, Google audit logs, Azure activity and Entra logs, IBM Activity \
      Tracker, and what else docs/detections.md lists: one record per line, JSON lists, {"Records": […]}, \
      gzip, files, folders, buckets, standard input. Each record's log source is recognised by its content. \
      Detections are Sigma rules, correlations among them; without --detections the shipped ones.

      Examples:
        plumb detect logs/
        zcat trail.json.gz | plumb detect --format ndjson -
        plumb detect --detections sigma/rules/cloud --detections house.yml --format json trail.json
        plumb detect --threshold high --format ocsf logs/ > findings.ndjson
        plumb detect --activities trail.json            # the records as OCSF API activity
        plumb detect --baselines seen.ndjson logs/      # learns what is usual, and keeps it
        plumb detect s3://my-bucket/AWSLogs/111122223333/CloudTrail/
        plumb detect --save logs/                       # keeps them: plumb findings list
        plumb detect --partials part-0001.json > 1.ndjson; cat *.ndjson | plumb detect -

      Exit codes: 0 nothing at or above the threshold was found, 1 something was, 2 something could not be \
      read, or there was no record.
      """
  )

  /// How findings are written.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json, ndjson, ocsf
  }

  @OptionGroup var chosen: DetectionOptions

  @Option(
    name: .long,
    help: "text, json (a list), ndjson (one per line) or ocsf (Detection Findings, one per line)."
  )
  var format = Format.text

  @Flag(name: .long, help: "Write one finding per cause: detection, account and who it is about.")
  var group = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Leave out findings of a lower level: informational, low, medium, high or critical.",
      valueName: "level"
    )
  )
  var threshold = FindingSeverity.informational

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Take every record for one of this log source instead of recognising it.",
      valueName: "product/service"
    )
  )
  var logSource: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Begin with what was learnt before, and write to the file what is known then.",
      valueName: "file"
    )
  )
  var baselines: String?

  @Flag(name: .long, help: "Write what correlations count, one line each, instead of running them.")
  var partials = false

  @Flag(name: .long, help: "Write each record as an OCSF activity instead of detecting.")
  var activities = false

  @Flag(name: .long, help: "Keep the findings, so that plumb findings and alerts can tell of them.")
  var save = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var person: ActorOptions

  @Option(name: .long, help: ArgumentHelp("How many cores to use.", valueName: "n"))
  var workers: Int?

  @OptionGroup var buckets: BucketOptions

  @Argument(help: LogPlaces.help)
  var paths: [String]

  func validate() throws {
    try buckets.check(paths)
    if partials || activities, format == .json || format == .ocsf {
      throw ValidationError(
        "--partials and --activities write lines of their own; leave --format out"
      )
    }
    if activities, partials {
      throw ValidationError("--activities and --partials exclude each other")
    }
    if save, partials || activities {
      throw ValidationError(
        "--save keeps findings; --partials and --activities write something else"
      )
    }
    if group, format == .ocsf || partials || activities {
      throw ValidationError("--group goes with --format text, json and ndjson, and findings alone")
    }
    if let workers, !(1...256).contains(workers) {
      throw ValidationError("--workers expects a number from 1 to 256, not \(workers)")
    }
  }

  func run() async throws {
    try await reporting {
      let places = try await LogPlaces(paths, .audit, buckets, store)
      let inputs = try await places.inputs()
      let faulty = Faulty()
      let (set, source) = try chosen.compile(logSource: logSource, leavingOut: faulty.take)
      let known = try chosen.logSources()
      if let source, set.ruleCount(source) == 0, !activities || !known.contains(source) {
        throw ValidationError(
          "no detection looks at logs of \"\(source)\"; --log-source expects product/service of rules "
            + "that --detections names, or one of \(known.joined(separator: ", "))"
        )
      }
      if chosen.isOwn, !set.unread.isEmpty {
        let others = set.unread.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
        complain(
          "\(counted(set.unread.values.reduce(0, +), "detection")) for logs that --log-source has to name: "
            + others.joined(separator: ", ")
        )
      }
      var options = DetectionRun.Options()
      options.logSource = source
      options.isNormalising = activities
      options.isPartial = partials
      options.threshold = threshold
      options.workers = workers ?? ProcessInfo.processInfo.activeProcessorCount
      let learnt = try learnt()
      let writer = FindingWriter(
        partials ? .ndjson : activities ? .ndjson : format,
        isGrouped: group
      )
      let keeper = save ? FindingKeeper(try await store.open(), as: person.actor) : nil
      let progress = Progress()
      var told = 0
      try writer.begin()
      let (totals, baselines) = try await DetectionRun(set, options).run(
        inputs,
        baselines: learnt,
        to: DetectionRun.Sinks(
          finding: { finding in
            keeper?.take(finding)
            try writer.write(finding)
          },
          lines: { try OutputFile.standardOutput.write($0) },
          fault: { file, position, message in
            told += 1
            guard told <= 20 else { return }
            complain(position == 0 ? message : "\(file):\(position): \(message)")
          },
          progress: { totals in
            progress.show(
              "\(totals.counts.events) events, \(totals.bytes >> 20) MiB read, \(totals.findings) findings"
            )
          },
          settle: { try await keeper?.keep() }
        )
      )
      progress.clear()
      if partials { try OutputFile.standardOutput.write(DetectionRun.partialEnd(totals)) }
      try writer.end("event", totals.counts.events)
      if let keeper {
        try await keeper.keep()
        complain(keeper.text)
      }
      if let path = self.baselines { try keep(baselines, at: path) }
      try end(totals, isWhole: places.unread.isEmpty && faulty.count == 0)
    }
  }

  /// Detections that cannot be used, beside others that can.
  private final class Faulty {
    private(set) var count = 0

    func take(_ error: DocumentError) {
      count += 1
      complain("\(error); the detection is left out")
    }
  }

  private func learnt() throws -> DetectionBaselines {
    guard let path = baselines, FileManager.default.fileExists(atPath: path) else {
      return DetectionBaselines()
    }
    do {
      return try DetectionBaselines(Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw InputError.unreadable(path, reason: "holds no baselines: \(error)")
    }
  }

  private func keep(_ baselines: DetectionBaselines, at path: String) throws {
    do {
      try Data(baselines.text).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw InputError.unreadable(path, reason: "cannot be written")
    }
  }

  /// Tells what was left out, and ends with the exit code.
  private func end(_ totals: DetectionRun.Totals, isWhole: Bool) throws {
    let (counts, limits) = (totals.counts, totals.limits)
    if counts.faults > 20 { complain("\(counts.faults - 20) more records could not be read") }
    func tell(_ count: Int, _ noun: String, _ text: String) {
      if count > 0 { complain("\(counted(count, noun)) \(text)") }
    }
    tell(counts.unrecognised, "record", "of no known log source; --log-source names it")
    tell(counts.timeless, "match", "without a time, which correlations did not count")
    tell(totals.numberless, "match", "without a finite number, which correlations did not count")
    tell(counts.clipped, "record", "with more values of a field than are looked at")
    tell(limits.groups, "group", "of correlations left out for want of room")
    tell(limits.values, "value", "of correlations not remembered for want of room")
    tell(limits.events, "event", "left a correlation's window early for want of room")
    tell(limits.repeats, "record", "forgotten early, so that they would count again")
    if counts.faults > 0 || counts.unrecognised > 0 || !isWhole { throw Exit.notJudged }
    if counts.events == 0, totals.partials == 0 {
      complain("there was no record to read in \(paths.joined(separator: ", "))")
      throw Exit.notJudged
    }
    if totals.findings > 0 { throw Exit.failed }
  }
}

extension FindingSeverity: ExpressibleByArgument {}
