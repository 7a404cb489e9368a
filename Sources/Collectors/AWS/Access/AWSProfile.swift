/// What the shared files say under one name.
package struct AWSProfile: Sendable {
  package let name: String
  /// The part in `credentials`, if there is one.
  package let inCredentials: AWSSection?
  /// The part in `config`, if there is one.
  package let inConfig: AWSSection?

  /// A setting; that of `credentials` where both files have it.
  package subscript(key: String) -> AWSSetting? {
    inCredentials?.settings[key] ?? inConfig?.settings[key]
  }

  /// A setting indented below another.
  package subscript(key: String, inner: String) -> AWSSetting? {
    inCredentials?.nested[key]?[inner] ?? inConfig?.nested[key]?[inner]
  }

  /// Where the profile begins.
  package var place: String { (inConfig ?? inCredentials)?.place ?? "in no file" }
}
