import Model

/// What gates that cannot send an API key show instead: derived from a key, and good for one gate only.
///
/// Whoever reads it can ask at that gate as the key's person, and can do nothing else; it ends with the
/// key. It is derived from the key's digest, which the server keeps, so nothing more has to be kept.
package enum GateKey: String, Sendable {
  /// In the path of a Kubernetes admission webhook.
  case admission
  /// In the path of a Terraform run task.
  case runTask = "run task"
  /// The HMAC key of a Terraform run task.
  case runTaskSignature = "run task signature"

  /// What is derived from an API key.
  package func derived(from key: String) -> String {
    derived(fromDigest: Digest.sha256(Array(key.utf8)))
  }

  /// What is derived from the digest of an API key.
  package func derived(fromDigest digest: String) -> String {
    Digest.sha256(Array("plumbline \(rawValue) \(digest)".utf8))
  }
}
