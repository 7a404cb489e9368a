package import JSON

/// One result as a judge writes it on a line: a goal, a resource, a verdict and its proof.
package struct ResultRecord: Sendable {
  /// Who the judged resource is.
  package struct Identity: Sendable, Hashable {
    package var provider: String
    package var account: String
    package var region: String
    package var kind: ResourceKind
    package var id: String
    package var name: String
    /// Where the facts come from, such as a file and line.
    package var file: String?
    package var line: Int?
    /// The call of the provider's API that the facts come from, as `service:Operation`.
    package var call: String?
  }

  /// A short name of the result that stays the same from scan to scan.
  package var id: String
  package var resource: Identity
  package var goal: Goal
  package var ruleVersion: Int
  package var severity: Severity
  package var verdict: Verdict
  package var reason: String
  /// The proof as written; nil where it was left out.
  package var proof: JSONValue?
  /// Where that is written which decides the result; nil where only the resource's place is known.
  private let decidedAt: SourceLocation?
  /// The exception in force for this result, if any.
  package var exception: Exception?
  /// What becomes of the request that the result is about; nil where it is about no request.
  package var effect: Effect?

  /// Whether it is told as something to mend: a failure without an exception, or what holds a request
  /// up or is warned of.
  package var isObstacle: Bool {
    effect.map { $0 > .allowed } ?? (verdict == .fail && exception == nil)
  }

  /// Reads a result line; nil where the value is none.
  package init?(_ line: JSONValue) {
    guard let resource = line["resource"], let rule = line["rule"]?.string,
      let verdict = line["verdict"]?.string.flatMap(Verdict.init),
      let severity = line["severity"]?.string.flatMap(Severity.init)
    else { return nil }
    self.resource = Identity(
      provider: resource["provider"]?.string ?? "",
      account: resource["account"]?.string ?? "",
      region: resource["region"]?.string ?? "",
      kind: ResourceKind(
        service: resource["service_name"]?.string ?? "",
        kind: resource["resource_kind"]?.string ?? ""
      ),
      id: resource["id"]?.string ?? "",
      name: resource["name"]?.string ?? "",
      file: resource["source"]?["file"]?.string,
      line: resource["source"]?["line"]?.whole,
      call: resource["source"]?["call"]?.string
    )
    let parameters = line["parameters"]?.object?.members ?? []
    goal = Goal(
      rule: rule,
      parameters: Dictionary(parameters.map { ($0.key, $0.value) }) { first, _ in first }
    )
    ruleVersion = line["rule_version"]?.whole ?? 1
    self.severity = severity
    self.verdict = verdict
    reason = line["reason"]?.string ?? ""
    proof = line["proof"]
    let places = resource["source"].flatMap(ResultPlaces.init)
    decidedAt = proof.flatMap { places?.location(decidedBy: $0, verdict) }
    id = Self.identifier(
      goal,
      account: self.resource.account,
      kind: self.resource.kind,
      resource: self.resource.id
    )
  }

  /// Where what decides the result is written, else the resource; nil where it is read from no file.
  package var location: SourceLocation? {
    decidedAt ?? resource.file.map { SourceLocation(file: $0, line: resource.line) }
  }

  /// Twelve hexadecimal digits of the digest over goal and resource: the natural key of a result.
  package static func identifier(
    _ goal: Goal,
    account: String,
    kind: ResourceKind,
    resource: String
  ) -> String {
    let parameters = goal.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.text)" }
    let key = [goal.rule, parameters.joined(separator: ","), account, "\(kind)", resource]
      .joined(separator: "\u{1F}")
    return String(Digest.sha256(Array(key.utf8)).prefix(12)).uppercased()
  }

  /// The result as a line, with its id and the exception in force.
  package var json: JSONValue {
    var identity = JSONObject()
    for (key, text) in [
      ("provider", resource.provider), ("account", resource.account), ("region", resource.region),
      ("service_name", resource.kind.service), ("resource_kind", resource.kind.kind),
      ("id", resource.id), ("name", resource.name),
    ] where !text.isEmpty {
      identity[key] = .string(text)
    }
    if let location {
      var source: JSONObject = ["file": .string(location.file)]
      source["line"] = location.line.map { .integer(Int64($0)) }
      identity["source"] = .object(source)
    } else if let call = resource.call {
      identity["source"] = ["call": .string(call)]
    }
    var object: JSONObject = [
      "id": .string(id), "resource": .object(identity), "rule": .string(goal.rule),
      "rule_version": .integer(Int64(ruleVersion)), "severity": .string(severity.rawValue),
    ]
    if !goal.parameters.isEmpty {
      let sorted = goal.parameters.sorted { $0.key < $1.key }
      object["parameters"] = .object(JSONObject(sorted.map { (key: $0.key, value: $0.value) }))
    }
    object["verdict"] = .string(verdict.rawValue)
    object["reason"] = reason.isEmpty ? .null : .string(reason)
    object["exception"] = exception?.json
    object["proof"] = proof
    return .object(object)
  }
}
