import ArgumentParser
import Collectors
import Foundation
import Model

/// How buckets of S3, and of servers that speak as S3 does, are reached.
struct BucketOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The region of buckets, s3://….", valueName: "name")
  )
  var region: String?

  @Option(
    name: .customLong("endpoint-url"),
    help: ArgumentHelp(
      "Where buckets are, unless with AWS: any server that speaks as S3 does.",
      valueName: "url"
    )
  )
  var endpointURL: String?

  @Option(
    name: .customLong("aws-profile"),
    help: ArgumentHelp(
      "The profile of the AWS configuration files to read buckets with.",
      valueName: "name"
    )
  )
  var awsProfile: String?

  @OptionGroup var credential: CredentialOptions
  @OptionGroup var authorities: AuthorityOptions

  /// Refuses options that bear on nothing.
  func check(_ paths: [String]) throws {
    let named = [region, endpointURL, awsProfile, credential.name].contains { $0 != nil }
    if named, !paths.contains(where: BucketPath.isOne) {
      throw ValidationError(
        "--region, --endpoint-url, --aws-profile and --credential go with s3://bucket/prefix"
      )
    }
    if credential.name != nil, awsProfile != nil {
      throw ValidationError("--credential brings its own keys; leave out --aws-profile")
    }
    for path in paths where BucketPath.isOne(path) { _ = try BucketPath(path) }
  }

  /// What opens buckets.
  func reach(_ store: StoreOptions) async throws -> BucketReach {
    let opened = try await credential.opened(.aws, store)
    var access = try opened?.awsAccess() ?? AWSAccessOptions(profile: awsProfile)
    access.region = region ?? access.region
    access.endpointURL = endpointURL ?? access.endpointURL
    let facts = try AWSCatalog().facts
    let signIn = try AWSSignIn(
      access,
      facts,
      authorities: authorities.file(for: .aws),
      connections: 16
    )
    return BucketReach(signIn: signIn, facts: facts, credential: opened)
  }
}

/// Whoever was signed in to read buckets.
struct BucketReach {
  let signIn: AWSSignIn
  let facts: AWSFacts
  let credential: OpenedCredential?

  /// A bucket by its name.
  func bucket(_ name: String) throws -> AWSBucket {
    try AWSBucket(
      name,
      facts,
      signIn.endpoints,
      region: signIn.region(nil),
      credentials: signIn.credentials,
      client: signIn.client,
      clock: timeOfDay
    )
  }
}

/// A bucket and a prefix of keys in it, as `s3://bucket/prefix`.
struct BucketPath {
  let bucket: String
  let prefix: String

  static func isOne(_ path: String) -> Bool { path.hasPrefix("s3://") }

  /// - Throws: `ValidationError` for a text without a bucket.
  init(_ path: String) throws {
    let rest = path.dropFirst("s3://".count)
    bucket = String(rest.prefix { $0 != "/" })
    prefix = String(rest.dropFirst(bucket.count + 1))
    guard Self.isOne(path), bucket.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]+/) != nil else {
      throw ValidationError("\"\(path)\" names no bucket; expected s3://bucket/prefix")
    }
  }
}
