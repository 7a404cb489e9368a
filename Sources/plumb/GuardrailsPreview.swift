import ArgumentParser
import Content
import JSON
import Model
import Operations

struct GuardrailsPreview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview",
    abstract: "Shows what a guardrail would hold up: of what is there, or of what was recorded.",
    discussion: """
      Without --since the present resources are judged; with it every configuration that was
      recorded since then, as if each had been a request. Nothing is kept.

      Examples:
        plumb guardrails preview --rule aws.s3.bucket-public-block production
        plumb guardrails preview --rule own.tagged all --since 2026-10-01
      """
  )

  @OptionGroup var records: ReadOptions
  @OptionGroup var content: ContentOptions
  @OptionGroup var output: FormatOptions
  @OptionGroup var subject: GuardrailSubject
  @OptionGroup var terms: GuardrailTerms

  @Option(
    name: .long,
    help: ArgumentHelp("Replay what was recorded since then.", valueName: "day-or-instant")
  )
  var since: String?

  @Option(name: .long, help: "How many of them to show.")
  var limit = 20

  @Argument(help: ArgumentHelp("The scope's name; all or - for everything.", valueName: "scope"))
  var scope: String

  func run() async throws {
    try await reporting {
      let since = try since.map { try dayOrInstant($0, option: "--since", isEnd: false) }
      guard (0...1000).contains(limit) else { throw ValidationError("--limit expects 0 to 1000") }
      if try await records.answers(output.format, { try sketch(since) }) { return }
      let installed = try InstalledContent(content)
      let (subject, terms, scope) = (subject.subject, terms, scopeName(scope))
      let question = GuardPreview.Question(since: since, limit: limit)
      let preview = try await records.read { transaction, now in
        var guardrail = Guardrail(subject, scope: scope)
        try terms.apply(to: &guardrail, transaction.rules(beside: installed.rules, at: now))
        let set = try installed.check(guardrail, former: nil, transaction, at: now).set
        return try GuardPreview(set, transaction, question, at: now)
      }
      output.show(preview.json, preview.json.previewLines)
    }
  }

  private func sketch(_ since: Instant?) throws -> APISketch {
    var guardrail = try terms.members(try ContentLibrary.layered().rules())
    guardrail[subject.subject.kind] = .string(subject.subject.name)
    guardrail["scope"] = .string(scopeName(scope))
    var body: JSONObject = ["guardrail": .object(guardrail), "limit": .integer(Int64(limit))]
    body["since"] = since.map { .string("\($0)") }
    let isJSON = output.format == .json
    return APISketch.change("POST", "guardrail-previews", body: .object(body)) {
      isJSON ? [$0.text] : $0.previewLines
    }
  }
}

extension JSONValue {
  fileprivate var previewLines: [String] {
    func count(_ key: String) -> Int { self[key]?.whole ?? 0 }
    let rows = (self["items"]?.array ?? []).map { item in
      [
        item["account"]?.cell ?? "", item["id"]?.cell ?? "", item["owner"]?.cell ?? "",
        item["rulings"]?.array?.first?["reason"]?.cell ?? "",
      ]
    }
    var lines = columns(rows)
    lines.append(
      "\(count("failed")) of \(count("judged")) fail, \(count("unknown")) unknown, "
        + "\(count("excepted")) excepted"
    )
    for owner in self["owners"]?.array ?? [] {
      let name = owner["owner"]?.cell ?? ""
      lines.append("  \(name.isEmpty ? "nobody" : name) owns \(owner["count"]?.cell ?? "")")
    }
    return lines
  }
}
