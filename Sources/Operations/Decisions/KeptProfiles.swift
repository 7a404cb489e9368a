import Engine
package import JSON
package import Model
package import Store

/// The profiles that there are: those that are shipped, and those that the store keeps beside them.
///
/// A kept profile is one that somebody made, or a version that was attached some time.
package struct KeptProfiles {
  private let shipped: [Profile]
  private let transaction: StoreTransaction

  /// One version of a profile.
  package struct Version: Sendable {
    package var profile: Profile
    package var digest: String
    /// Whether it is shipped now; others are kept.
    package var isShipped: Bool
  }

  /// The profiles of a store, beside the shipped ones.
  package init(_ shipped: [Profile], _ transaction: StoreTransaction) {
    (self.shipped, self.transaction) = (shipped, transaction)
  }

  /// The shipped profiles and, of every other id, the version that was kept last.
  package func all() throws -> [Profile] {
    let known = Set(shipped.map(\.id))
    var newest: [String: String] = [:]
    for version in try transaction.profileVersions() where !known.contains(version.profile) {
      newest[version.profile] = version.digest
    }
    return try (shipped + newest.values.compactMap { try kept($0) }).sorted { $0.id < $1.id }
  }

  /// The profiles that guardrails lay on scopes, each in the version that is named.
  func laid(by guardrails: [Guardrail]) throws -> [Profile] {
    let names = guardrails.compactMap { guardrail in
      if case .profile(let name) = guardrail.subject { name } else { nil as String? }
    }
    // An id stands before its versions, so that it finds the one that stands for all of them.
    return try Set(names).sorted().compactMap { try profile($0) }
  }

  /// The profile of an id, or of a version by `id@version`; nil where there is none.
  package func profile(_ name: String) throws -> Profile? {
    if let found = AttachmentCheck.profile(name, of: shipped) { return found }
    let version = try transaction.profileVersions().last {
      $0.profile == name || "\($0.profile)@\($0.version)" == name
    }
    return try version.flatMap { try kept($0.digest) }
  }

  /// Every version of a profile that there is, the newest first.
  package func versions(of id: String) throws -> [Version] {
    var found: [Version] = []
    for profile in shipped where profile.id == id {
      let digest = Digest.sha256(of: profile.document)
      found.append(Version(profile: profile, digest: digest, isShipped: true))
    }
    for version in try transaction.profileVersions().reversed()
    where version.profile == id && !found.contains(where: { $0.digest == version.digest }) {
      guard let profile = try kept(version.digest) else { continue }
      found.append(Version(profile: profile, digest: version.digest, isShipped: false))
    }
    return found
  }

  private func kept(_ digest: String) throws -> Profile? {
    guard let document = try transaction.profileDocument(digest) else { return nil }
    return try ProfileDecoder.profile(
      DocumentNode(document, at: SourceLocation(file: "a kept profile"))
    )
  }

  /// Keeps a profile that somebody made.
  ///
  /// - Throws: ``GoalError`` for a goal of no rule or with wrong parameters, and ``StoreError/conflict(_:)``
  ///   for an id that is shipped, or a version that there is with another text.
  package func keep(_ profile: Profile, rules: [Rule]) throws {
    _ = try RuleSet(goals: profile.goals, rules: RuleIndex(rules))
    if shipped.contains(where: { $0.id == profile.id }) {
      throw StoreError.conflict(
        "profile \(profile.id) is shipped; give yours an id of its own"
      )
    }
    let digest = Digest.sha256(of: profile.document)
    let other = try transaction.profileVersions().first {
      $0.profile == profile.id && $0.version == profile.version && $0.digest != digest
    }
    if other != nil {
      throw StoreError.conflict(
        "version \(profile.version) of profile \(profile.id) is kept with another text; give this "
          + "one another version"
      )
    }
    try transaction.add(profile)
  }

  /// Removes the kept versions of an id, or the one of `id@version`, which no attachment uses.
  ///
  /// - Returns: what was removed, as `id@version`.
  /// - Throws: ``StoreError/notFound(kind:name:)``, and ``StoreError/conflict(_:)`` for one that is shipped, that
  ///   an attachment uses, or that a guardrail lays on a scope.
  package func remove(_ name: String, at now: Instant) throws -> [String] {
    if AttachmentCheck.profile(name, of: shipped) != nil {
      throw StoreError.conflict(
        "profile \(name) is shipped; only those that are kept can be removed"
      )
    }
    let kept = try transaction.profileVersions()
    let found = kept.filter { $0.profile == name || "\($0.profile)@\($0.version)" == name }
    guard let first = found.first else { throw StoreError.notFound(kind: "profile", name: name) }
    let isLast = !kept.contains { version in
      version.profile == first.profile && !found.contains { $0.digest == version.digest }
    }
    let removed = Set(found.map { "\($0.profile)@\($0.version)" })
    for guardrail in try transaction.guardrails(at: now) {
      guard case .profile(let laid) = guardrail.subject,
        removed.contains(laid) || laid == first.profile && isLast
      else { continue }
      throw StoreError.conflict(
        "guardrail \(guardrail.id) lays profile \(laid) on a scope; remove that first"
      )
    }
    for version in found {
      try transaction.removeProfile(
        version.profile,
        version: version.version,
        digest: version.digest
      )
    }
    return removed.sorted()
  }

  /// Compares two versions, with what the present results come to by either where `instant` is given.
  package func comparison(_ before: Profile, _ after: Profile, rules: [Rule], at instant: Instant?)
    throws -> JSONValue
  {
    let comparison = ProfileComparison(before, after, rules: try RuleIndex(rules))
    let effect = try instant.flatMap { try comparison.effect(transaction, at: $0) }
    return comparison.json(before, after, effect)
  }
}
