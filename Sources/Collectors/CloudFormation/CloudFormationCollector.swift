import JSON
package import Model

/// Reads CloudFormation templates, and gives each resource the form that the provider's API has.
package struct CloudFormationCollector: Collector {
  /// How large a template may be; CloudFormation itself takes one megabyte.
  package static let sizeLimit = 16 << 20

  private let files: [String]
  private let catalogue: MappingCatalogue
  private let inputs: CloudFormationInputs
  private let changes: CloudFormationChangeSet?
  private let mapped: Set<String>
  private let note: @Sendable (String) -> Void

  /// A collector for files, `-` for standard input.
  ///
  /// `parameters` are the values of the templates' parameters. An account that is no number of twelve
  /// digits is a name and stands in no ARN. With `changes` only what they add or change is emitted, or
  /// everything where something of them is a part of other resources. `note` is told of what is judged although it may not come
  /// to be.
  package init(
    files: [String],
    mappings: [CloudFormationMapping],
    parameters: [String: String] = [:],
    region: String = "",
    account: String = "",
    changes: CloudFormationChangeSet? = nil,
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.files = files
    self.changes = changes
    mapped = Set(mappings.map(\.cloudFormation))
    catalogue = MappingCatalogue(mappings.map(\.mapping))
    let digits = account.utf8.filter { (0x30...0x39).contains($0) }
    let isNumber = digits.count == 12 && account.utf8.count == 12
    inputs = CloudFormationInputs(
      parameters: parameters,
      region: region,
      account: isNumber ? account : ""
    )
    self.note = note
  }

  /// Emits the resources of every template; a fault within one is a diagnostic.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for a file that is no template, and for a parameter
  ///   that no template declares.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    let templates = try files.map(template)
    try checkParameters(templates)
    for template in templates {
      let prefix = templates.count > 1 ? "\(template.file):" : ""
      let stack = CloudFormationStack(template, inputs, prefix: prefix)
      for fault in stack.faults {
        let message = fault.key.isEmpty ? fault.message : "\(fault.key): \(fault.message)"
        try emit(.diagnostic(Diagnostic(message, at: fault.location)))
      }
      for (address, reason) in stack.outside {
        try emit(.outside(address: address, reason: reason))
      }
      try MappingEngine(catalogue, stack).collect { item in
        if isChanged(item) { try emit(item) }
      }
      let uncertain = stack.instances.compactMap { instance in
        instance.openCondition.map { "\(instance.address) (\($0))" }
      }
      if !uncertain.isEmpty {
        note(
          "\(template.file): judged as if created, though it is not known whether the condition "
            + "holds: \(uncertain.joined(separator: ", ")); --parameter gives values"
        )
      }
    }
  }

  private func isChanged(_ item: Collected) -> Bool {
    guard let changes, changes.isPlain(mapped), case .resource(let resource) = item else {
      return true
    }
    return changes.changed.contains(resource.id)
  }

  private func template(_ file: String) throws -> CloudFormationTemplate {
    let name = file == "-" ? "standard input" : file
    let bytes = try BoundedFile.read(file, limit: Self.sizeLimit)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FileError.unreadable(name, reason: "is not UTF-8 text")
    }
    return try CloudFormationTemplate.read(text, file: name)
  }

  private func checkParameters(_ templates: [CloudFormationTemplate]) throws {
    let declared = Set(templates.flatMap(\.parameters.keys))
    guard let name = inputs.parameters.keys.sorted().first(where: { !declared.contains($0) }) else {
      return
    }
    let known = declared.sorted().joined(separator: ", ")
    throw DocumentError(
      "no such parameter is declared" + (known.isEmpty ? "" : "; declared are \(known)"),
      key: "Parameters.\(name)",
      at: SourceLocation(file: templates.map(\.file).joined(separator: ", "))
    )
  }
}
