import ArgumentParser
import Foundation
import Insights
import JSON
import Model
import Operations
import Store

struct CertificatesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "certificates",
    abstract: "Finds certificates that have ended, or end within 90 days.",
    discussion: """
      Reads files and folders, PEM (keys in it are passed over), DER and PKCS#7, and with --stored the
      certificates that scans collected: AWS ACM's and IAM's. With --save findings are kept; one that
      was renewed is then mitigated.

      Examples:
        plumb certificates /etc/ssl/private chain.pem
        plumb certificates --stored --save --data ./data

      Exit codes: 0 none ends within 30 days, 1 some do, 2 something could not be read.
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var at: InstantOptions
  @OptionGroup var person: ActorOptions
  @OptionGroup var output: FormatOptions

  @Flag(name: .long, help: "Look at the certificates that scans collected, too.")
  var stored = false

  @Flag(name: .long, help: "Keep the findings, so that plumb findings and alerts can tell of them.")
  var save = false

  @Argument(help: ArgumentHelp("Files and folders.", valueName: "path"))
  var paths: [String] = []

  func validate() throws {
    if paths.isEmpty, !stored { throw ValidationError("name files or folders, or --stored") }
  }

  func run() async throws {
    try await reporting {
      let now = try at.instant()
      var faults = 0
      var certificates = try read(&faults)
      if stored { certificates += try await collected(at: now, &faults) }
      certificates.sort { ($0.ends, $0.name) < ($1.ends, $1.name) }
      if save { try await keep(certificates, at: now) }
      output.list(
        certificates,
        "certificate",
        cells: { certificate in
          let finding = certificate.finding(at: now)
          return [
            finding?.note.severity.rawValue ?? "-", "\(certificate.ends)",
            finding.map { $0.note.id == Certificate.expired.id ? "ended" : "ends soon" } ?? "lasts",
            certificate.name,
          ]
        },
        json: { certificate in
          [
            "name": .string(certificate.name), "subject": .string(certificate.subject),
            "not_after": .string("\(certificate.ends)"), "sha256": .string(certificate.digest),
            "finding": certificate.finding(at: now)?.json ?? .null,
          ]
        }
      )
      if faults > 0 { throw Exit.notJudged }
      let isLate = certificates.contains {
        ($0.finding(at: now)?.note.severity ?? .informational) >= .medium
      }
      if isLate { throw Exit.failed }
    }
  }

  /// The certificates of the files; in a folder those of files that are named as certificates are.
  private func read(_ faults: inout Int) throws -> [Certificate] {
    var found: [Certificate] = []
    for path in paths {
      let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      guard let kind = (try? FileManager.default.attributesOfItem(atPath: real))?[.type] else {
        throw InputError.unreadable(path, reason: "there is no such file")
      }
      let isFolder = kind as? FileAttributeType == .typeDirectory
      let files = isFolder ? Self.files(in: path) : [path]
      if files.isEmpty {
        faults += 1
        complain("\(path): no file in it is named as certificates are, or it cannot be read")
      }
      for file in files {
        do {
          guard let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int,
            size <= 16 << 20
          else { throw CertificateError(description: "\(file): is larger than 16 MiB") }
          let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: file)))
          found += try Certificate.read(bytes, file: file)
        } catch {
          faults += 1
          complain("\(error)")
        }
      }
    }
    return found
  }

  private static let endings = ["pem", "crt", "cer", "der", "p7b", "p7c"]

  private static func files(in folder: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.sorted().filter { name in
      endings.contains { name.lowercased().hasSuffix(".\($0)") }
    }.map { "\(folder)/\($0)" }
  }

  private func collected(at now: Instant, _ faults: inout Int) async throws -> [Certificate] {
    let data = try await store.openForReading()
    let (found, unread) = try await data.read { transaction in
      var (found, unread) = ([Certificate](), [String]())
      try StoredLines.each(transaction, where: { Certificate.kinds[$0] != nil }, at: now) { line in
        guard let resource = Resource(wholeLine: line) else { return }
        if let one = Certificate(resource) {
          found.append(one)
        } else {
          unread.append("\(resource.kind) \(resource.id): when it ends was not read")
        }
      }
      let (accounts, kinds) = (try transaction.accounts(), try transaction.kinds())
      let coverage = try transaction.coverage(at: now).filter { row in
        kinds[row.kind].map { Certificate.kinds[$0] != nil } ?? false
      }
      for row in coverage {
        guard let gap = row.gap, let kind = kinds[row.kind] else { continue }
        unread.append("\(kind) of \(accounts[row.account]?.account ?? ""): \(gap)")
      }
      if coverage.isEmpty, found.isEmpty, unread.isEmpty {
        unread.append("no kept scan has read certificates; plumb scan aws --save does")
      }
      return (found, unread)
    }
    for text in unread { complain(text) }
    faults += unread.count
    return found
  }

  private func keep(_ certificates: [Certificate], at now: Instant) async throws {
    let keeper = FindingKeeper(try await store.open(), as: person.actor)
    let findings = certificates.compactMap { $0.finding(at: now) }
    for finding in findings { keeper.take(finding) }
    try await keeper.keep()
    // Another certificate of the same name may end although this one lasts.
    let ending = Set(findings.map(\.causeID))
    let lasting = certificates.filter { $0.finding(at: now) == nil }
    let renewed = try await store.open().write(as: person.actor, at: now) { transaction in
      var count = 0
      for certificate in lasting {
        for cause in certificate.causes where !ending.contains(cause) {
          guard let kept = try transaction.finding(ofCause: cause), kept.finding.state == .open
          else { continue }
          let reason = "renewed: lasts till \(certificate.ends)"
          try transaction.decide(finding: kept.id, to: "mitigated", reason: reason)
          count += 1
        }
      }
      return count
    }
    complain("\(keeper.text); \(counted(renewed, "finding")) mitigated by renewal")
  }
}
