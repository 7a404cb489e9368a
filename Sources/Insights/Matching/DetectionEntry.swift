package import Model

/// A detection as it is listed.
package struct DetectionEntry: Sendable {
  package var note: FindingNote
  /// `rule`, or the kind of a correlation.
  package var kind: String
  /// The log sources that it is for, as rules call them.
  package var sources: [String]
}

extension DetectionSet {
  /// The detections that make findings of their own, by name.
  package var entries: [DetectionEntry] {
    let notes = notes
    var entries: [DetectionEntry] = []
    for (number, rule) in rules.enumerated() where isReported[number] {
      entries.append(
        DetectionEntry(note: notes[number], kind: "rule", sources: [rule.logSource.text])
      )
    }
    for (number, correlation) in correlations.enumerated() where isCorrelationReported[number] {
      entries.append(
        DetectionEntry(
          note: notes[rules.count + number],
          kind: correlation.kind.rawValue,
          sources: sources(of: correlation)
        )
      )
    }
    return entries.sorted { ($0.note.name ?? $0.note.id) < ($1.note.name ?? $1.note.id) }
  }

  private func sources(of correlation: SigmaCorrelation) -> [String] {
    var found: Set<String> = []
    for name in correlation.rules {
      if let rule = rules.first(where: { $0.facts.isNamed(name) }) {
        found.insert(rule.logSource.text)
      } else if let other = correlations.first(where: { $0.facts.isNamed(name) }) {
        found.formUnion(sources(of: other))
      }
    }
    return found.sorted()
  }

  /// How many rules look at records of a log source.
  package func ruleCount(_ source: String) -> Int {
    programs.first { $0.source.id == source }?.rules.count ?? 0
  }
}
