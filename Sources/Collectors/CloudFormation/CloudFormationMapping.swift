package import Model

/// How one CloudFormation resource type becomes the provider's own API representation
/// (docs/cloudformation.md).
package struct CloudFormationMapping: Sendable {
  /// The type, such as `AWS::S3::Bucket`.
  package let cloudFormation: String
  let mapping: ResourceMapping

  /// Decodes a mapping document.
  package init(_ node: DocumentNode) throws(DocumentError) {
    mapping = try ResourceMapping(node, source: "cloudformation")
    cloudFormation = mapping.type
  }
}
