import JSON
import Model

/// What was collected.
struct IBMInventory {
  var resources: [Resource] = []
  var coverage: [ResourceKind: Coverage] = [:]

  subscript(kind: String) -> [Resource] {
    resources.filter { "\($0.kind)" == kind }.sorted { $0.id < $1.id }
  }

  subscript(kind: String, id: String) -> Resource? { self[kind].first { $0.id == id } }

  func gap(_ kind: String) -> String? {
    coverage.first { "\($0.key)" == kind }.flatMap { $0.value.gap }
  }
}

/// The verdicts of a scan by goal and resource.
struct IBMVerdicts {
  struct Key: Hashable, CustomStringConvertible {
    let rule: String
    let resource: String

    var description: String { "\(rule) of \(resource)" }
  }

  private(set) var all: [Key: Verdict] = [:]
  private(set) var reasons: [Key: String] = [:]

  init(_ report: ScanReport) {
    for result in report.results {
      let key = Key(rule: result.goal.rule, resource: result.resource.id)
      all[key] = result.verdict
      reasons[key] = result.reason
    }
  }

  /// The verdicts of a rule, whatever the resource.
  func verdicts(_ rule: String) -> Set<Verdict> {
    Set(all.filter { $0.key.rule == rule }.values)
  }

  /// What passed.
  var passes: Set<Key> { Set(all.filter { $0.value == .pass }.keys) }
}
