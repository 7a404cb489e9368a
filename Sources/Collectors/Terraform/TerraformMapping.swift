package import Model

/// How one Terraform resource type becomes the provider's own API representation
/// (docs/terraform-mappings.md).
package struct TerraformMapping: Sendable {
  /// The type, such as `aws_s3_bucket`.
  package let terraform: String
  let mapping: ResourceMapping

  /// Decodes a mapping document.
  package init(_ node: DocumentNode) throws(DocumentError) {
    mapping = try ResourceMapping(node, source: "terraform")
    terraform = mapping.type
  }
}
