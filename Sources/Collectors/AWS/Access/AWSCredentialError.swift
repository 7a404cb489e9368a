/// Why there are no credentials.
package enum AWSCredentialError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A shared file that cannot be read or understood.
  case file(place: String, reason: String)
  /// A profile that no file holds.
  case noProfile(String, named: String, hint: String)
  /// A setting of a profile that is missing, wrong or contradicts another.
  case setting(profile: String, place: String, reason: String)
  /// Variables of the environment that are missing, wrong or contradict each other.
  case variable(String, reason: String)
  /// Profiles that take their credentials from each other.
  case cycle([String])
  /// Credentials that only a person at a terminal can get.
  case needsPerson(profile: String, place: String, reason: String)
  /// A region that AWS does not have.
  case region(String)
  /// Something that was to give credentials did not.
  case source(String, reason: String, advice: String)
  /// Nothing gave any; what was looked at, and what was found there.
  case none([String])

  /// The fault and the way out.
  package var description: String {
    switch self {
    case .file(let place, let reason): "\(place): \(reason)"
    case .noProfile(let name, let named, let hint):
      "there is no profile \"\(name)\", which \(named) names; \(hint)"
    case .setting(let profile, let place, let reason):
      "profile \"\(profile)\" (\(place)): \(reason)"
    case .variable(let name, let reason): "\(name) \(reason)"
    case .cycle(let names):
      "the profiles \(names.map { "\"\($0)\"" }.joined(separator: " → ")) take their credentials "
        + "from each other; one of them needs keys or a credential_source"
    case .needsPerson(let profile, let place, let reason):
      "profile \"\(profile)\" (\(place)): \(reason), which needs a person; sign in with the AWS "
        + "CLI, then pass on what it got: aws configure export-credentials --profile "
        + "\(ShellWords.quoted(profile)) --format env"
    case .region(let name): "\"\(name)\" is no region of AWS; one is like eu-west-1"
    case .source(let name, let reason, let advice):
      "\(name): \(reason)\(advice.isEmpty ? "" : "; \(advice)")"
    case .none(let looked):
      "no AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
        + "AWS_SECRET_ACCESS_KEY, or give the machine a role ("
        + looked.joined(separator: "; ") + ")"
    }
  }
}
