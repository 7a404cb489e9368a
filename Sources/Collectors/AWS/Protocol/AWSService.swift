package import JSON

/// The ways in which AWS's services are spoken to.
package enum AWSProtocol: String, Sendable, CaseIterable {
  case query
  case ec2
  case json
  case restJSON = "rest-json"
  case restXML = "rest-xml"
}

/// A service of AWS: how it is spoken to, and its operations.
package struct AWSService: Sendable {
  /// The name under which the facts hold it, such as `iam`.
  package let id: String
  package let wireProtocol: AWSProtocol
  package let apiVersion: String
  /// The part of host names that stands for the service.
  package let endpointPrefix: String
  /// The service's name in signatures.
  package let signingName: String
  /// What stands before the operation's name in `X-Amz-Target`; of JSON services only.
  package let targetPrefix: String?
  package let jsonVersion: String?
  /// The service as the facts have it, with what they say about its hosts.
  package let json: JSONValue
  package let operations: [String: AWSOperation]
  /// What an ``AWSType`` refers to by its place.
  let shapes: [AWSShape]
}

/// An operation of a service.
package struct AWSOperation: Sendable {
  package let name: String
  package let method: String
  /// The path with labels in braces, and constants of the query string.
  package let uri: String
  /// What stands before the host, such as `{AccountId}.`.
  package let endpointPrefix: String?
  /// What may be given.
  let input: [AWSMember]
  /// The member of the input that is the whole body.
  let payload: String?
  /// What comes back; nil where nothing does.
  let output: AWSStructure?
  /// The element around the output.
  let resultWrapper: String?
  /// How its answers continue on further pages; nil where there is only one.
  package let page: AWSPage?
}

/// How an operation's answers continue on further pages.
package struct AWSPage: Sendable, Hashable {
  /// The members of the input that say where to go on.
  package let input: [String]
  /// Where in the output they are found: members, or dotted paths.
  package let output: [String]
  /// The member of the output that says whether there is more; nil where the token alone does.
  package let more: String?
  /// The member of the input that says how many items a page may hold.
  package let limit: String?
}
