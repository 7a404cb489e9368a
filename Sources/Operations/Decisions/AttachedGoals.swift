import Engine
package import JSON
package import Model
package import Store

/// What a store says of the goals of a scan: the profiles that are attached, and the rules that people made.
package struct AttachedGoals: Sendable {
  /// A profile as it is attached.
  package struct Part: Sendable {
    package var attachment: Int64
    package var scope: String
    package var profile: Profile
    package var parameters: [String: [String: JSONValue]]

    /// The goals that are asked for by any of a rule's names, as they are attached.
    func goals(of rule: Rule, _ index: RuleIndex) -> [Goal] {
      profile.goals.filter { index[$0.rule] != nil }.map { $0.with(parameters, index) }
    }
  }

  package let parts: [Part]
  private let own: [Rule]

  /// Nothing: what is not kept is judged by what is chosen.
  package init() { (parts, own) = ([], []) }

  /// Those of a store as of an instant.
  ///
  /// - Throws: ``StoreError/damaged(_:)`` where an attached profile is gone.
  package init(_ transaction: StoreTransaction, at instant: Instant) throws {
    parts = try transaction.attachments(at: instant).map { attachment in
      guard let document = try transaction.profileDocument(attachment.digest) else {
        throw StoreError.damaged("profile \(attachment.profile) \(attachment.version) is gone")
      }
      let location = SourceLocation(file: "attachment \(attachment.id)")
      return Part(
        attachment: attachment.id,
        scope: attachment.scope,
        profile: try ProfileDecoder.profile(DocumentNode(document, at: location)),
        parameters: attachment.parameters
      )
    }
    own = try OwnContent(transaction, at: instant).rules
  }

  /// The rules that there are: installed ones, and those that people made beside them.
  package func rules(beside installed: [Rule]) -> [Rule] { installed.joined(by: own) }
}

extension StoreTransaction {
  /// The rules that there are as of an instant: installed ones, and those that people made beside them.
  package func rules(beside installed: [Rule], at instant: Instant) throws -> [Rule] {
    installed.joined(by: try OwnContent(self, at: instant).rules)
  }

  /// Keeps a rule with its cases from now on, as the next version of the one of its id.
  ///
  /// - Throws: ``StoreError/conflict(_:)`` where an attached profile could be judged by it no more.
  package func keep(_ draft: RuleDraft) throws -> KeptDocument {
    let index = try RuleIndex([draft.rule])
    for part in try AttachedGoals(self, at: now).parts {
      let goals = part.goals(of: draft.rule, index)
      do { _ = try RuleSet(goals: goals, rules: index) } catch {
        throw StoreError.conflict(
          "attachment \(part.attachment) of profile \(part.profile.id) asks for it otherwise: \(error); attach a "
            + "profile that fits first"
        )
      }
    }
    return try keep(draft.rule, cases: draft.caseDocuments, labels: draft.labels)
  }

  /// Removes a rule that somebody made, and with it the guardrails that lay it on scopes.
  ///
  /// - Returns: the numbers of those guardrails.
  /// - Throws: ``StoreError/notFound(kind:name:)``, and ``StoreError/conflict(_:)`` where an attached profile
  ///   asks for it.
  package func removeRule(_ name: String) throws -> [Int64] {
    let kept = try documents(.rule, at: now).first { $0.name == name }
    if let rule = try kept?.rule() {
      let index = try RuleIndex([rule])
      let part = try AttachedGoals(self, at: now).parts.first { !$0.goals(of: rule, index).isEmpty }
      if let part {
        throw StoreError.conflict(
          "attachment \(part.attachment) of profile \(part.profile.id) asks for rule \(name); end that first"
        )
      }
    }
    return try removeDocument(.rule, name)
  }
}

extension [Rule] {
  /// The rules with others beside them; a name that is taken stays with who has it.
  func joined(by others: [Rule]) -> [Rule] {
    let taken = Set(flatMap { [$0.id] + $0.aliases })
    return self + others.filter { taken.isDisjoint(with: [$0.id] + $0.aliases) }
  }
}
