import ArgumentParser
import Content
import Foundation
import JSON
import Model
import Operations
import Store

struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Explains one result: what was expected, what was observed, how to mend it.",
    discussion: """
      Examples:
        plumb why 4F2A91C0
        plumb why 4F2A --results results.ndjson
        plumb why 4F2A --stored --as-of 2026-11-01 --rule 'aws.s3.*'
      Results come from the last scan, from a file that plumb scan --format ndjson or plumb judge
      wrote, or with --stored from the scans that are kept: the proof is then made again from the
      configuration and the version of the rule that were stored. On a large estate --rule or
      --resource spares it looking at every result.
      """
  )

  @Argument(help: "The result's id, or enough of its beginning.")
  var result: String

  @Option(
    name: .long,
    help: ArgumentHelp("Results to look in instead of the last scan's.", valueName: "file")
  )
  var results: String?

  @Flag(name: .long, help: "Look among the results that are kept.")
  var stored = false

  @Option(
    name: .long,
    help: ArgumentHelp("With --stored: as of this instant; default: now.", valueName: "instant")
  )
  var asOf: String?

  @Option(
    name: .long,
    help: ArgumentHelp("With --stored: rules of this pattern.", valueName: "pattern")
  )
  var rule: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp("With --stored: resources of this pattern.", valueName: "pattern")
  )
  var resource: [String] = []

  @OptionGroup var store: StoreOptions

  @Option(name: .long, help: "text or json.")
  var format: ListFormat = .text

  func run() async throws {
    try await reporting {
      let (found, own) = try stored ? await findStored() : (find(), [])
      guard format == .text else { return print(found.json.text) }
      let rules = ((try? ContentLibrary.layered().rules()) ?? []) + own
      print(Explanation(found, rules.first { $0.id == found.goal.rule }).text)
    }
  }

  /// The result among those that are kept, with its proof made again, and the rules that people made.
  private func findStored() async throws -> (ResultRecord, [Rule]) {
    let instant = try moment(asOf, option: "--as-of") ?? timeOfDay()
    let beginning = result.uppercased()
    var filter = ResultFilter()
    filter.rules = rule
    filter.resources = resource
    let asked = filter
    return try await store.openForReading().read { transaction in
      var found: [StoredResult] = []
      var reader = try ResultReader(transaction, at: instant)
      try reader.results(asked) { if $0.id.hasPrefix(beginning) { found.append($0) } }
      if Set(found.map(\.id)).count > 1 {
        let ids = found.prefix(5).map(\.id).joined(separator: ", ")
        throw ValidationError("\"\(beginning)\" is the beginning of several results: \(ids)")
      }
      guard let only = found.first else {
        throw StoreError.notFound(kind: "result as of \(instant)", name: beginning)
      }
      let own = try OwnContent(transaction, at: instant).rules
      return (try StoredProof.result(only, transaction), own)
    }
  }

  private func find() throws -> ResultRecord {
    let file = results.map { URL(fileURLWithPath: $0) } ?? LastScan.file
    guard let text = try? Data(contentsOf: file) else {
      throw ValidationError(
        results == nil
          ? "there is no last scan; run plumb scan first, or name a file with --results"
          : "\(file.path) cannot be read"
      )
    }
    let parser = JSONParser()
    var found: [ResultRecord] = []
    for line in text.split(separator: 0x0A) {
      guard let record = ResultRecord(try parser.parse(line)) else { continue }
      if record.id.hasPrefix(result.uppercased()) { found.append(record) }
    }
    // The same object in two files gives two results of one id; the first stands for both.
    if Set(found.map(\.id)).count > 1 {
      let ids = found.prefix(5).map(\.id).joined(separator: ", ")
      throw ValidationError("\"\(result)\" is the beginning of several results: \(ids)")
    }
    guard let only = found.first else {
      throw ValidationError("there is no result \"\(result)\" in \(file.path)")
    }
    return only
  }
}

/// A result with its condition tree, for people.
struct Explanation {
  private let result: ResultRecord
  private let rule: Rule?

  init(_ result: ResultRecord, _ rule: Rule?) {
    self.result = result
    self.rule = rule
  }

  var text: String {
    let resource = result.resource
    var lines = [
      "\(result.id)  \(result.verdict.rawValue.uppercased())  "
        + "\(rule?.title ?? result.goal.rule)",
      "",
      "  rule      \(result.goal.rule) version \(result.ruleVersion), \(result.severity.rawValue)",
      "  resource  \(resource.id)  (\(resource.kind)\(resource.region.isEmpty ? "" : ", \(resource.region)"))",
    ]
    if let location = result.location { lines.append("  read from \(location)") }
    for (name, value) in result.goal.parameters.sorted(by: { $0.key < $1.key }) {
      lines.append("  parameter \(name) = \(value.text)")
    }
    if !result.reason.isEmpty { lines.append("  reason    \(result.reason)") }
    if let exception = result.exception {
      lines.append(
        "  excepted  until \(exception.expires) by \(exception.approver): \(exception.reason)"
      )
    }
    if let proof = result.proof {
      lines.append("  judged    \(proof["judged_at"]?.string ?? "")")
      lines.append("  sha256    \(proof["configuration_sha256"]?.string ?? "")")
      for (path, reason) in proof["unread"]?.object?.members ?? [] {
        lines.append("  unread    \(path): \(reason.string ?? "")")
      }
      for key in ["target", "applies", "condition"] {
        guard let tree = proof[key] else { continue }
        lines += ["", "  \(key)"] + node(tree, depth: 2)
      }
    } else {
      lines += ["", "  (the result was written without its proof)"]
    }
    if let rule, result.verdict != .pass {
      if !rule.rationale.isEmpty {
        lines += ["", "  why it matters", rule.rationale.indented.indented]
      }
      if !rule.remediation.text.isEmpty {
        lines += ["", "  how to mend it", rule.remediation.text.indented.indented]
      }
      for (form, text) in rule.remediation.snippets {
        lines += ["", "    # \(form)", text.indented.indented]
      }
      if !rule.references.isEmpty { lines += [""] + rule.references.map { "  \($0)" } }
    }
    return lines.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
      .map { String($0).withoutControls }.joined(separator: "\n")
  }

  /// One condition and those below it, a line each.
  private func node(_ tree: JSONValue, depth: Int) -> [String] {
    let indent = String(repeating: "  ", count: depth)
    let mark = ["true": "ok ", "false": "NO ", "unknown": "?  ", "vacuous": "-  "]
    let result = mark[tree["result"]?.string ?? ""] ?? "   "
    for key in ["and", "or"] {
      if let parts = tree[key]?.array {
        return ["\(indent)\(result)\(key == "and" ? "all of" : "one of")"]
          + parts.flatMap { node($0, depth: depth + 1) }
      }
    }
    if let part = tree["not"] { return ["\(indent)\(result)not"] + node(part, depth: depth + 1) }
    if let property = tree["property"]?.string { return [indent + result + leaf(tree, property)] }
    for key in ["any", "all", "none", "count"] {
      guard let range = tree[key] else { continue }
      return ["\(indent)\(result)\(quantifier(tree, key, range))"]
        + (tree["elements"]?.array ?? []).flatMap { element -> [String] in
          let index = element["index"]?.whole ?? 0
          return ["\(indent)    [\(index)]"]
            + (element["condition"].map { node($0, depth: depth + 3) } ?? [])
        }
    }
    return []
  }

  private func leaf(_ tree: JSONValue, _ property: String) -> String {
    let expected = tree["expected"].map { " \($0.text)" } ?? ""
    let observed =
      tree["unread"]?.string.map { "unread: \($0)" }
      ?? "observed \(tree["observed"].map { $0.isNull ? "nothing" : $0.text } ?? "nothing")"
    return "\(property) \(tree["operator"]?.string ?? "")\(expected)   (\(observed))"
  }

  private func quantifier(_ tree: JSONValue, _ key: String, _ range: JSONValue) -> String {
    let over =
      range.string
      ?? "\(range["service_name"]?.string ?? "")/\(range["resource_kind"]?.string ?? "")"
    func number(_ key: String) -> Int { tree[key]?.whole ?? 0 }
    let comparison = tree["operator"]?.string.map { " \($0) \(tree["expected"]?.text ?? "")" } ?? ""
    let open = tree["may_be_more"]?.bool == true ? ", there may be more" : ""
    return "\(key) of \(over)\(comparison)   (\(number("satisfied")) satisfy, "
      + "\(number("not_satisfied")) do not, \(number("unknown")) unknown\(open))"
  }
}
