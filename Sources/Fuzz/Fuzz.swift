import Engine
import JSON
import Model
import Operations
import YAML

/// Feeds libFuzzer's inputs to everything that reads text from outside.
///
/// The first byte chooses the reader. Errors are expected; crashes, hangs and leaks are findings.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let start = unsafe start, count > 1 else { return 0 }
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count).dropFirst())
  switch unsafe start[0] % 5 {
  case 0: judgeLines(bytes)
  case 1: decodeRule(bytes)
  case 2: parseJSON(bytes)
  case 3: judgeByFuzzedRule(bytes)
  default: decodeProfile(bytes)
  }
  return 0
}

private let ruleText = """
  target: { service_name: s, resource_kind: k, additional_target_attributes: [ { name: region, operator: string_equals, value: [a, b] } ] }
  applies: { property: a.b, operator: exists }
  required_config:
    or:
      - { property: "l[*].x", operator: string_match, value: "a*b?" }
      - { any: l, satisfy: { and: [ { property: ip, operator: ips_in_range, value: [10.0.0.0/8, "::/0"] }, { property: $root.t, operator: days_less_than, value: 3 } ] } }
      - { count: { service_name: s, resource_kind: k }, join: { property: j, equals: j }, operator: num_less_than, value: 2 }
      - not: { all: "l[0].m[*]", satisfy: { property: $element, operator: num_equals, value: [1, "2"] } }
  """

private let ruleSet: RuleSet? = {
  guard let node = try? YAMLReader().document(ruleText, file: "fuzz"),
    let rule = try? RuleDecoder.rule(node, name: "fuzz"), let index = try? RuleIndex([rule])
  else { return nil }
  return try? RuleSet(index)
}()

private func judge(_ bytes: [UInt8], _ ruleSet: RuleSet) {
  let judge = Judge(ruleSet, JudgeOptions(now: "2026-01-01T00:00:00Z"))
  let first = judge.judge(bytes)
  let second = judge.judge(first.deferred, population: first.population)
  // What comes out must be lines of JSON whose proofs replay to the same verdict.
  let parser = JSONParser()
  for line in (first.lines + second.lines).split(separator: 0x0A) {
    guard let result = try? parser.parse(line) else {
      preconditionFailure("a result is no JSON: \(String(decoding: line, as: UTF8.self))")
    }
    precondition(result["verdict"]?.string != nil)
  }
}

private func judgeLines(_ bytes: [UInt8]) {
  guard let ruleSet else { preconditionFailure("the fuzzer's rule does not compile") }
  judge(bytes, ruleSet)
}

private func decodeRule(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  for document in YAMLReader(.kubernetes).documents(text, file: "fuzz") {
    guard case .success(let node?) = document else { continue }
    _ = try? RuleDecoder.rule(node, name: "fuzz")
  }
}

private func decodeProfile(_ bytes: [UInt8]) {
  let text = String(decoding: bytes, as: UTF8.self)
  guard let node = try? YAMLReader().document(text, file: "fuzz") else { return }
  _ = try? ProfileDecoder.profile(node)
  _ = try? Exception.list(node)
  _ = PropertyPath(text).map { PropertyPath($0.description) }
}

private func parseJSON(_ bytes: [UInt8]) {
  guard let value = try? JSONParser().parse(bytes) else { return }
  precondition((try? JSONValue(parsing: value.text)) == value, "a value does not survive its text")
}

/// Splits the input at the first NUL into a rule and an inventory.
private func judgeByFuzzedRule(_ bytes: [UInt8]) {
  let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
  guard parts.count == 2,
    let node = try? YAMLReader().document(String(decoding: parts[0], as: UTF8.self), file: "fuzz"),
    let rule = try? RuleDecoder.rule(node, name: "fuzz"), let index = try? RuleIndex([rule]),
    let ruleSet = try? RuleSet(index)
  else { return }
  judge(Array(parts[1]), ruleSet)
}
