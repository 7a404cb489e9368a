import Foundation
import JSON
package import Model

/// Reads Terraform plans and states, and gives each resource the form that the provider's API has.
package struct TerraformCollector: Collector {
  /// How large a plan may be.
  package static let sizeLimit = 256 << 20

  private let files: [String]
  private let catalogue: MappingCatalogue

  /// A collector for files, `-` for standard input.
  package init(files: [String], mappings: [TerraformMapping]) {
    self.files = files
    catalogue = MappingCatalogue(mappings.map(\.mapping))
  }

  /// Emits the resources of every file.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for a file that is no plan or state.
  package func collect(_ emit: (Collected) throws -> Void) throws {
    for file in files {
      let text = try BoundedFile.read(file, limit: Self.sizeLimit)
      let json: JSONValue
      do {
        json = try JSONParser().parse(text)
      } catch {
        throw DocumentError("\(error)", key: "", at: SourceLocation(file: file))
      }
      let plan = try TerraformPlan(json, file: file)
      for (address, reason) in plan.outside {
        try emit(.outside(address: address, reason: reason))
      }
      try MappingEngine(catalogue, plan).collect(emit)
    }
  }
}

extension TerraformPlan: MappingSource {
  static var noun: String { "plan" }

  func origin(of instance: Instance) -> JSONValue {
    ["file": .string(file), "address": .string(instance.address)]
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
