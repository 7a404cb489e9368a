package import Model

/// Keeps the credentials of a provider and fetches them anew before they expire.
///
/// Of many callers one fetches. The others use the former credentials while those are good, and
/// wait otherwise.
package actor AWSCredentialCache: AWSCredentialProvider {
  private let provider: any AWSCredentialProvider
  private let clock: @Sendable () -> Instant
  private var kept: AWSCredentials?
  private var fetching: Task<AWSCredentials, any Error>?
  private var notBefore = Instant(milliseconds: .min)

  /// How long before their end credentials are fetched anew, in milliseconds.
  private static let margin: Int64 = 300_000

  /// How long good credentials are kept after a fetch that brought no better ones.
  private static let pause: Int64 = 30_000

  package init(_ provider: any AWSCredentialProvider, clock: @escaping @Sendable () -> Instant) {
    self.provider = provider
    self.clock = clock
  }

  /// The credentials kept, or new ones where those are about to expire.
  package func credentials() async throws -> AWSCredentials {
    let now = clock()
    let good = kept.flatMap { $0.expires > now ? $0 : nil }
    if let good {
      let isFresh = good.expires > now.advanced(milliseconds: Self.margin)
      if isFresh || fetching != nil || now < notBefore { return good }
    }
    do {
      return try await fetch(now)
    } catch {
      if let good { return good }
      throw error
    }
  }

  /// Fetches credentials anew, unless somebody just did.
  package func refresh() async throws {
    let now = clock()
    // Of many calls that fail together the first renews for all.
    guard now >= notBefore else { return }
    kept = nil
    _ = try await fetch(now)
  }

  private func fetch(_ now: Instant) async throws -> AWSCredentials {
    if let fetching { return try await fetching.value }
    // A task of its own: that one caller is cancelled must not fail the others who wait.
    let task = Task { [provider, clock] in
      let credentials = try await provider.credentials()
      guard credentials.expires > clock() else {
        throw AWSCredentialError.source(
          credentials.origin,
          reason: "the credentials expired at \(credentials.expires)",
          advice: "renew them, or set this machine's clock"
        )
      }
      return credentials
    }
    fetching = task
    defer { fetching = nil }
    notBefore = now.advanced(milliseconds: Self.pause)
    let credentials = try await task.value
    kept = credentials
    return credentials
  }
}
