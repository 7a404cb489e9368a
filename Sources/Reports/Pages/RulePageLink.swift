import Model

extension ScanReport {
  /// The address of a rule's page; nil where nobody said where pages are, or the rule is not known.
  func page(of rule: String) -> String? {
    guard let rulePages, rules[rule] != nil else { return nil }
    return "\(rulePages)/\(RulePages.path(of: rule))"
  }
}
