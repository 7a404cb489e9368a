package import Model

/// The rights that allow what is read and nothing else.
package struct IBMPolicy: Sendable {
  /// The rights, without those that a wider one includes.
  package let rights: [IBMRight]

  /// The rights for kinds of which some details are wanted; kinds that are not named are read in full.
  package init(_ kinds: [APIKind], details: [ResourceKind: Set<String>]) {
    let all = kinds.reduce(into: Set<IBMRight>()) { rights, kind in
      rights.formUnion(kind.rights(wanted: details[kind.kind]))
    }
    rights = all.filter { $0 == $0.wider || !all.contains($0.wider) }.sorted()
  }

  /// The commands that give the rights to an access group.
  package var commands: String {
    let lines = rights.map { "ibmcloud iam access-group-policy-create \"$GROUP\" \($0.options)" }
    let head = [
      "# What plumb scan ibm needs. Set GROUP to an access group that the key's identity is in.",
      ": \"${GROUP:?}\"",
    ]
    return (head + lines).joined(separator: "\n")
  }
}
