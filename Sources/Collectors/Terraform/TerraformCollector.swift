import Foundation
import JSON
package import Model

/// Reads Terraform plans, states and sources, and gives each resource the form that the provider's API
/// has.
package struct TerraformCollector: Collector {
  /// How large a plan may be.
  package static let sizeLimit = 256 << 20

  private let paths: [String]
  private let inputs: TerraformInputs
  private let catalogue: MappingCatalogue
  private let note: @Sendable (String) -> Void

  /// A collector for plans and states, `-` for standard input, and for folders or files of sources.
  ///
  /// `inputs` are values of the sources' variables. `note` is told of what is judged although it may
  /// not come to be.
  package init(
    files paths: [String],
    mappings: [TerraformMapping],
    inputs: TerraformInputs = TerraformInputs(),
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.paths = paths
    self.inputs = inputs
    self.note = note
    catalogue = MappingCatalogue(mappings.map(\.mapping))
  }

  /// Emits the resources of every file; a source with a fault is a diagnostic, and the rest goes on.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for a file that is no plan or state, a folder without
  ///   sources, and values for variables that are not declared.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    let items = try TerraformSources.items(paths)
    for item in items {
      switch item {
      case .plan(let file): try collect(plan(file), emit)
      case .sources(let sources):
        try collect(sources, isAlone: items.count == 1, emit)
      }
    }
  }

  private func plan(_ file: String) throws -> TerraformPlan {
    let text = try BoundedFile.read(file, limit: Self.sizeLimit)
    let json: JSONValue
    do {
      json = try JSONParser().parse(text)
    } catch {
      throw DocumentError("\(error)", key: "", at: SourceLocation(file: file))
    }
    return try TerraformPlan(json, file: file)
  }

  private func collect(
    _ sources: TerraformSources,
    isAlone: Bool,
    _ emit: (Collected) throws -> Void
  ) throws {
    let module = TerraformModule(folder: sources.folder, files: sources.files)
    let (values, faults) = try inputs.values(for: module)
    let run = TerraformRun(module, try .shipped(), inputs: values, faults: faults)
    let plan = TerraformPlan(run, prefix: isAlone ? "" : "\(sources.folder):")
    for fault in run.faults { try emit(.diagnostic(fault)) }
    try collect(plan, emit)
    let open = plan.instances.compactMap { instance in
      instance.openCondition.map { "\(instance.address) (\($0))" }
    }
    if !open.isEmpty {
      let shown = open.prefix(5).joined(separator: ", ")
      let more = open.count > 5 ? " and \(open.count - 5) more" : ""
      note(
        "\(sources.folder): judged as if created, though it is not known whether: \(shown)\(more)"
      )
    }
  }

  private func collect(_ plan: TerraformPlan, _ emit: (Collected) throws -> Void) throws {
    for (address, reason) in plan.outside {
      try emit(.outside(address: address, reason: reason))
    }
    try MappingEngine(catalogue, plan).collect(emit)
  }
}

extension TerraformPlan: MappingSource {
  func origin(of instance: Instance) -> JSONValue {
    guard let location = instance.location else {
      return ["file": .string(file), "address": .string(instance.address)]
    }
    var origin: JSONObject = ["file": .string(location.file)]
    origin["line"] = location.line.map { .integer(Int64($0)) }
    origin["address"] = .string(instance.address)
    return .object(origin)
  }

  func candidates(
    ofType type: String,
    for part: Instance,
    _ mapping: ResourceMapping.Part
  ) -> [Candidates]? {
    instances(ofType: type, referredToBy: part, argument: mapping.refers)?.map {
      Candidates(indices: $0, isCertain: $0.count == 1)
    }
  }
}

extension TerraformPlan.Instance: MappingInstance {}
