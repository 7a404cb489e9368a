/// The ARN of a key of AWS's Key Management Service.
package struct AWSKeyName: Sendable, Hashable {
  package let arn: String
  package let region: String

  /// Reads an ARN such as `arn:aws:kms:eu-west-1:123456789012:key/1234abcd-…`; nil for any other text.
  ///
  /// An alias is none: it can be made to point to another key.
  package init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6, parts[0] == "arn", parts[1].hasPrefix("aws"), parts[2] == "kms",
      parts[3].wholeMatch(of: /[a-z]+(-[a-z0-9]+)+/) != nil,
      parts[4].wholeMatch(of: /[0-9]{12}/) != nil,
      parts[5].wholeMatch(of: /key\/[A-Za-z0-9_-]+/) != nil
    else { return nil }
    (arn, region) = (text, String(parts[3]))
  }
}
