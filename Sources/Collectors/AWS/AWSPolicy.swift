package import JSON
package import Model

/// The IAM policy that allows what is read and nothing else.
package struct AWSPolicy: Sendable {
  /// The IAM actions, sorted.
  package let actions: [String]

  /// The policy for kinds of which some details are wanted; kinds that are not named are read in full.
  package init(_ kinds: [APIKind], details: [ResourceKind: Set<String>], _ facts: AWSFacts) throws {
    // Who we are, and which regions are enabled, is asked by every scan.
    var actions: Set<String> = ["sts:GetCallerIdentity", "ec2:DescribeRegions"]
    for kind in kinds {
      let wanted = kind.details(wanted: details[kind.kind])
      actions.formUnion(try kind.list.iamActions(of: kind.service, facts))
      for detail in wanted { actions.formUnion(try detail.iamActions(of: kind.service, facts)) }
    }
    self.actions = actions.sorted()
  }

  /// The policy as IAM takes it.
  ///
  /// Lists need every resource, so the resource is `*`.
  package var document: JSONValue {
    [
      "Version": "2012-10-17",
      "Statement": [
        [
          "Sid": "PlumbReadsConfiguration",
          "Effect": "Allow",
          "Action": .array(actions.map { .string($0) }),
          "Resource": "*",
        ]
      ],
    ]
  }
}

extension APIKind {
  /// The details to read where only some members are wanted, and what those need themselves.
  func details(wanted: Set<String>?) -> [APIDetail] {
    guard let wanted, !wanted.contains("*") else { return details }
    var names = wanted
    // Tags are always wanted: they say to which scopes a resource belongs.
    if let first = tags?.steps.first { names.insert(first) }
    for detail in details.reversed() where names.contains(detail.into) {
      names.formUnion(detail.when.compactMap(\.path.steps.first))
    }
    return details.filter { $0.into == "@" || names.contains($0.into) }
  }
}

extension APIDetail {
  /// The IAM actions that allow the detail and those of its elements.
  func iamActions(of service: String, _ facts: AWSFacts) throws -> [String] {
    let service = self.service ?? service
    return try each.reduce(into: call.iamActions(of: service, facts)) { actions, detail in
      actions += try detail.iamActions(of: service, facts)
    }
  }
}

extension APICall {
  /// The IAM actions that allow the call; named like the operation unless the data say otherwise.
  func iamActions(of service: String, _ facts: AWSFacts) throws -> [String] {
    guard let prefix = try facts.service(service)?.signingName else { return actions }
    let own = actions.isEmpty ? ["\(prefix):\(operation)"] : actions
    return own + (prepare.map { ["\(prefix):\($0)"] } ?? [])
  }
}
