import ArgumentParser
import Foundation
import JSON
import Model
import Operations
import Store

struct AttestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attest",
    abstract: "Attests a control with evidence; another person has to approve it.",
    discussion: """
      For controls that no rule can judge. The day on which the evidence was observed is told apart
      from the day on which it is received; the attestation speaks for the days from --from to
      --until, both included.

      Example:
        plumb attest cis-aws 2.1.1 --scope production --evidence root-access.pdf \\
          --statement 'Root access of member accounts is managed centrally' \\
          --observed 2026-10-30 --from 2026-10-01 --until 2027-09-30
      """
  )

  /// The largest file of evidence, in bytes.
  private static let evidenceLimit = 64 << 20

  @OptionGroup var change: ChangeOptions

  @Option(name: .long, help: ArgumentHelp("The scope; default: everything.", valueName: "name"))
  var scope = "all"

  @Option(name: .long, help: ArgumentHelp("The evidence, kept as it is.", valueName: "file"))
  var evidence: String

  @Option(name: .long, help: ArgumentHelp("What is attested, in words.", valueName: "text"))
  var statement: String

  @Option(
    name: .long,
    help: ArgumentHelp("When the evidence was observed.", valueName: "day-or-instant")
  )
  var observed: String

  @Option(name: .long, help: ArgumentHelp("The first day it speaks for.", valueName: "day"))
  var from: String

  @Option(name: .long, help: ArgumentHelp("The last day it speaks for.", valueName: "day"))
  var until: String

  @OptionGroup var content: ContentOptions

  @Flag(name: .long, help: "The control is not met.")
  var notMet = false

  @Argument(help: ArgumentHelp("A profile's id, or a file.", valueName: "profile"))
  var profile: String

  @Argument(help: ArgumentHelp("The control's id.", valueName: "control"))
  var control: String

  func run() async throws {
    try await reporting {
      guard statement.contains(where: { !$0.isWhitespace }) else {
        throw ValidationError("--statement expects what is attested, in words")
      }
      if try await change.answers(local: content.given, { try sketch() }) { return }
      let now = try change.at.instant()
      let profile = try GoalOptions.profile(named: self.profile, in: content.library())
      guard profile.controls.contains(where: { $0.id == control }) else {
        throw ValidationError(
          "profile \(profile.id) \(profile.version) has no control \"\(control)\"; "
            + "plumb profiles show \(profile.id) lists its controls"
        )
      }
      let bytes = try readEvidence()
      let attestation = Attestation(
        profile: profile.id,
        version: profile.version,
        control: control,
        scope: scopeName(scope),
        isMet: !notMet,
        statement: statement,
        evidenceName: URL(fileURLWithPath: evidence).lastPathComponent,
        evidenceDigest: Digest.sha256(bytes),
        observedAt: try dayOrInstant(observed, option: "--observed", isEnd: false),
        receivedAt: now,
        periodBegins: try dayOrInstant(from, option: "--from", isEnd: false),
        periodEnds: try dayOrInstant(until, option: "--until", isEnd: true),
        attestedBy: change.person.actor
      )
      let number = try await change.write(at: now) { transaction in
        _ = try transaction.keep(profile)
        return try transaction.attest(attestation, evidence: bytes)
      }
      print("attestation \(number) is kept; evidence SHA-256 \(attestation.evidenceDigest)")
      print("another person approves it: plumb attestations approve \(number)")
    }
  }

  private func sketch() throws -> APISketch {
    let file = FillIn(
      name: "EVIDENCE",
      source: .local(shell: "$(base64 -w0 \(evidence.shellQuoted))") {
        Data(try readEvidence()).base64EncodedString()
      }
    )
    func instant(_ text: String, _ option: String, isEnd: Bool = false) throws -> JSONValue {
      .string("\(try dayOrInstant(text, option: option, isEnd: isEnd))")
    }
    let body: JSONValue = [
      "profile": .string(profile), "control": .string(control),
      "scope": .string(scopeName(scope)), "met": .bool(!notMet), "statement": .string(statement),
      "evidence_name": .string(URL(fileURLWithPath: evidence).lastPathComponent),
      "evidence": file.mark, "observed_at": try instant(observed, "--observed"),
      "period_from": try instant(from, "--from"),
      "period_to": try instant(until, "--until", isEnd: true),
    ]
    return APISketch.change("POST", "attestations", body: body) { made in
      let (id, digest) = (made["id"]?.cell ?? "", made["evidence_sha256"]?.cell ?? "")
      return [
        "attestation \(id) is kept; evidence SHA-256 \(digest)",
        "another person approves it: plumb attestations approve \(id)",
      ]
    }.filling(file)
  }

  private func readEvidence() throws -> [UInt8] {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: evidence))
    } catch {
      let isThere = FileManager.default.fileExists(atPath: evidence)
      throw InputError.unreadable(
        evidence,
        reason: isThere ? "cannot be read" : "No such file or directory"
      )
    }
    guard !data.isEmpty else { throw InputError.unreadable(evidence, reason: "is empty") }
    guard data.count <= Self.evidenceLimit else {
      throw InputError.unreadable(
        evidence,
        reason: "is larger than \(Self.evidenceLimit >> 20) MiB; attest with an extract of it"
      )
    }
    return Array(data)
  }
}

struct AttestationsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attestations",
    abstract: "Lists and approves attestations, and gives their evidence back.",
    subcommands: [AttestationsList.self, AttestationsApprove.self, AttestationsEvidence.self]
  )
}

struct AttestationsList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists attestations of controls.",
    discussion: "Example: plumb attestations list --format json"
  )

  @OptionGroup var records: ReadOptions

  @OptionGroup var output: FormatOptions

  func run() async throws {
    try await reporting {
      let list = APISketch.List(
        noun: "attestation",
        columns: [
          "id", "profile", "version", "control", "met", "state", "scope", "from=period_from",
          "to=period_to", "observed=observed_at", "by=attested_by", "approved by=approved_by",
          "statement",
        ]
      )
      if try await records.answers(
        output.format,
        { APISketch.list("attestations", show: list) }
      ) {
        return
      }
      let (found, now) = try await records.read { transaction, now in
        (try transaction.attestations().filter { $0.receivedAt <= now }, now)
      }
      output.list(
        found,
        "attestation",
        cells: { $0.cells(at: now) },
        json: { $0.json(at: now) }
      )
    }
  }
}

struct AttestationsApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve",
    abstract: "Approves an attestation by another person; it counts from now on in its period.",
    discussion: "Example: plumb attestations approve 2 --as auditor"
  )

  @OptionGroup var change: ChangeOptions

  @Argument(help: "The attestation's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch.change("POST", "attestations", "\(id)", "approval") { _ in
        ["attestation \(id) is approved"]
      }
      if try await change.answers({ sketch }) { return }
      try await change.write { try $0.approveAttestation(id) }
      print("attestation \(id) is approved")
    }
  }
}

struct AttestationsEvidence: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evidence",
    abstract: "Writes the evidence of an attestation, checked against its digest.",
    discussion: "Example: plumb attestations evidence 2 --output root-access.pdf"
  )

  @OptionGroup var records: ReadOptions

  @Option(
    name: [.long, .short],
    help: ArgumentHelp("The file to write, - for standard output.", valueName: "file")
  )
  var output: String

  @Argument(help: "The attestation's number.")
  var id: Int64

  func run() async throws {
    try await reporting {
      let id = id
      let sketch = APISketch("GET", "attestations", "\(id)", "evidence")
        .answering(.file { try write($0) })
      if try await records.answers(.text, { sketch }) { return }
      let bytes = try await records.read { transaction, now in
        let found = try transaction.attestations().first { $0.id == id && $0.receivedAt <= now }
        guard found != nil else { throw StoreError.notFound(kind: "attestation", name: "\(id)") }
        return try transaction.evidence(of: id)
      }
      try write(bytes)
    }
  }

  private func write(_ bytes: [UInt8]) throws {
    if output == "-" { return try OutputFile.standardOutput.write(bytes) }
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: output), options: .atomic)
    } catch {
      throw InputError.unreadable(output, reason: "cannot be written")
    }
    complain("wrote \(output)")
  }
}

extension Attestation {

  fileprivate func cells(at instant: Instant) -> [String] {
    [
      "\(id)", "\(profile) \(version)", control, isMet ? "met" : "not met", state(at: instant),
      "on \(scopeText(scope))", "\(periodBegins.day) to \(periodEnds.lastDay)",
      "observed \(observedAt.day)", "received \(receivedAt.day)", "by \(attestedBy)",
      approvedBy.map { "approved by \($0)" } ?? "", statement,
    ]
  }
}
