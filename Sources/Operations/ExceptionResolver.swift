package import Model

/// Finds the exception in force for a failure; scans, status and reports all ask this one.
///
/// Exceptions are looked up by rule and resource, so ten thousand of them cost no more than ten.
package struct ExceptionResolver {
  private let exceptions: [Exception]
  private let now: Instant
  private let scopes: ScopeTree
  /// Exceptions in force by rule and, where it has no wildcards, resource.
  private var exact: [Key: [Int]] = [:]
  /// Exceptions in force with wildcards, by rule.
  private var patterns: [String: [Int]] = [:]
  private var used: Set<Int> = []

  private struct Key: Hashable {
    var rule: String
    var resource: String
  }

  /// A resolver as of an instant.
  package init(_ exceptions: [Exception], now: Instant, scopes: ScopeTree = ScopeTree([])) {
    self.exceptions = exceptions
    self.now = now
    self.scopes = scopes
    for (index, exception) in exceptions.enumerated() where exception.isInForce(at: now) {
      if exception.resource.contains(where: { $0 == "*" || $0 == "?" }) {
        patterns[exception.rule, default: []].append(index)
      } else {
        exact[Key(rule: exception.rule, resource: exception.resource), default: []].append(index)
      }
    }
  }

  /// Whether no exception is in force, so that nothing needs to be asked.
  package var isEmpty: Bool { exact.isEmpty && patterns.isEmpty }

  /// The rules with exceptions in force.
  package var rules: Set<String> { Set(exact.keys.map(\.rule)).union(patterns.keys) }

  /// The resources that exceptions in force name; nil where one has wildcards.
  package var resources: Set<String>? {
    patterns.isEmpty ? Set(exact.keys.map(\.resource)) : nil
  }

  /// The exception that covers a failed result, if one is in force.
  ///
  /// `place` tells where a resource is, as far as scopes ask.
  package mutating func exception(
    for result: ResultRecord,
    place: (ResultRecord.Identity) -> Place = Place.init
  ) -> Exception? {
    guard result.verdict == .fail else { return nil }
    let resource = result.resource
    return exception(rule: result.goal.rule, resource: resource.id) { place(resource) }
  }

  /// The exception that covers a failure of a rule on a resource, if one is in force.
  ///
  /// `place` is asked only where an exception is confined to a scope.
  package mutating func exception(
    rule: String,
    resource: String,
    place: () -> Place
  ) -> Exception? {
    var candidates = exact[Key(rule: rule, resource: resource)] ?? []
    candidates += (patterns[rule] ?? []).filter {
      Wildcard.matches(resource, pattern: exceptions[$0].resource)
    }
    let found = candidates.sorted().first { index in
      let scope = exceptions[index].scope
      return scope.isEmpty || scopes.contains(place(), in: scope)
    }
    if let found { used.insert(found) }
    return found.map { exceptions[$0] }
  }

  /// The exceptions that were in force and covered nothing that was asked.
  package var unused: [Exception] {
    exceptions.indices.filter { exceptions[$0].isInForce(at: now) && !used.contains($0) }
      .map { exceptions[$0] }
  }

  /// What to tell about exceptions that were not used.
  package var remarks: [String] {
    exceptions.indices.filter { !used.contains($0) }.map { index in
      let exception = exceptions[index]
      return exception.ends <= now
        ? "exception \(exception.id) ended on \(exception.expires)"
        : "exception \(exception.id) covers no failure (rule \(exception.rule), resource "
          + "\(exception.resource))"
    }
  }
}

extension Place {
  /// Where a judged resource is, as far as its result tells.
  package init(_ resource: ResultRecord.Identity) {
    self.init(
      accounts: [resource.account],
      provider: resource.provider,
      region: resource.region,
      kind: resource.kind,
      id: resource.id
    )
  }
}
