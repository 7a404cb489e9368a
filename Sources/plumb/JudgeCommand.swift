import ArgumentParser
import Engine
import Foundation
import JSON
import Model
import Operations

struct JudgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "judge",
    abstract: "Judges an inventory: one resource per line in, one result per line out.",
    discussion: """
      Each line of the inventory is a JSON object with service_name, resource_kind and id, and
      optionally provider, account, region, name, tags, attributes, configuration, unread.
      A line {"coverage": {"account": …, "service_name": …, "resource_kind": …, "complete": true}}
      says that every resource of a kind was read, which rules that count resources need.

      Examples:
        plumb judge inventory.ndjson
        cat inventory.ndjson | plumb judge --rules my-rules/ --failures-only --no-proof -
        plumb judge --profile best-practices --summary inventory.ndjson
      """
  )

  @OptionGroup var goals: GoalOptions

  @Flag(name: .long, help: "Write only results that failed.")
  var failuresOnly = false

  @Flag(name: .long, help: "Leave the proof out of each result.")
  var noProof = false

  @Flag(name: .long, help: "Write totals per goal as one JSON object, and no results.")
  var summary = false

  @Flag(name: .long, help: "The inventory holds every resource of the kinds it names.")
  var complete = false

  @Option(name: .long, help: ArgumentHelp("How many cores to use.", valueName: "n"))
  var workers: Int?

  @Option(
    name: .long,
    help: ArgumentHelp("Judge as of this instant, ISO 8601.", valueName: "instant")
  )
  var now: String?

  @Argument(help: ArgumentHelp("The inventory, or - for standard input.", valueName: "file"))
  var file = "-"

  func run() async throws {
    try await reporting {
      let choice = try goals.choose()
      let input = try InputFile(file)
      let options = JudgeOptions(
        selection: summary ? .none : failuresOnly ? .failures : .all,
        hasProof: !noProof,
        now: try instant(now)
      )
      let judge = InventoryJudge(
        choice.ruleSet,
        options,
        isComplete: complete,
        workers: workers
      )
      let output = OutputFile.standardOutput
      let progress = Progress()
      let totals = try await judge.run(
        descriptor: input.descriptor,
        name: input.name,
        write: { try output.write($0) },
        progress: { progress.show("\($0) resources judged, \($1 >> 20) MiB read") }
      )
      progress.clear()
      if summary { try output.write(Array((totals.json(choice.ruleSet).text + "\n").utf8)) }
      // A file without any resource is something else than an inventory; a few lines tell it.
      let told = totals.faults.prefix(totals.resources == 0 ? 3 : totals.faults.count)
      for fault in told { complain("\(input.name):\(fault.line): \(fault.message)") }
      if totals.faultCount > told.count {
        complain("\(totals.faultCount - told.count) more lines could not be judged")
      }
      if totals.resources == 0, totals.faultCount > 3 {
        complain(
          "\(input.name) is no inventory, which has a JSON object per line; plumb scan terraform and "
            + "plumb scan kubernetes read plans and manifests"
        )
      }
      if totals.resources == 0 && totals.faultCount == 0 {
        complain("\(input.name): holds no resources")
        throw Exit.notJudged
      }
      if totals.faultCount > 0 { throw Exit.notJudged }
      if totals.total(.fail) > 0 { throw Exit.failed }
    }
  }
}

/// The instant of judgement: the option's, or now.
func instant(_ option: String?) throws -> String {
  guard let option else { return Date.now.ISO8601Format() }
  guard Timestamp.seconds(option) != nil else {
    throw ValidationError(
      "--now expects an instant such as 2026-11-01T00:00:00Z, not \"\(option)\""
    )
  }
  return option
}

extension JudgeSummary {
  /// How many results have a verdict.
  func total(_ verdict: Verdict) -> Int {
    stride(from: verdict.index, to: counts.count, by: Verdict.count).reduce(0) { $0 + counts[$1] }
  }

  /// The totals as an object for people and programs.
  func json(_ ruleSet: RuleSet) -> JSONValue {
    func row(_ goal: Int) -> JSONValue {
      .object(
        JSONObject(
          Verdict.allCases.map { (key: $0.rawValue, value: .integer(Int64(count(goal, $0)))) }
        )
      )
    }
    let goals = ruleSet.members.enumerated().map { goal, member -> JSONValue in
      var object: JSONObject = ["rule": .string(member.rule.id)]
      if !member.parameters.isEmpty {
        let sorted = member.parameters.sorted { $0.key < $1.key }
        object["parameters"] = .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) }))
      }
      object["results"] = row(goal)
      return .object(object)
    }
    let kinds = notCovered.sorted { $0.key < $1.key }
    return [
      "resources": .integer(Int64(resources)),
      "not_covered": .object(
        JSONObject(kinds.map { (key: "\($0.key)", value: .integer(Int64($0.value))) })
      ),
      "lines_not_judged": .integer(Int64(faultCount)),
      "goals": .array(goals),
    ]
  }
}
