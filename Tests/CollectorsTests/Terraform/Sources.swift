import Content
import Foundation
import JSON
import Model
import TestSupport
import YAML

@testable import Collectors

/// Terraform sources in a folder of their own.
struct Sources {
  let folder: URL

  init(_ files: [String: String]) throws {
    folder = try Fixtures.temporaryFolder()
    for (name, text) in files {
      let url = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try Data(text.utf8).write(to: url)
    }
  }

  func remove() { Fixtures.remove(folder) }

  /// What an output of the root module comes to.
  func output(_ name: String, _ inputs: TerraformInputs = TerraformInputs()) throws -> HCLValue {
    let module = TerraformModule(folder: folder.path)
    let (values, _) = try inputs.values(for: module)
    let run = TerraformRun(module, try .shipped(), inputs: values, faults: [])
    let scope = TerraformScope(module, run)
    guard let value = module.outputs[name]?.node.body["value"] else { return .null }
    return scope.evaluator.known(value.expression)
  }

  /// What the shipped mappings make of the folder, or of some files of it.
  func collect(
    _ files: [String]? = nil,
    _ inputs: TerraformInputs = TerraformInputs()
  ) throws -> Found {
    let mappings = try ContentLibrary.shipped().nodes("terraform").map(TerraformMapping.init)
    let paths = files.map { $0.map { folder.appendingPathComponent($0).path } } ?? [folder.path]
    var found = Found()
    try TerraformCollector(files: paths, mappings: mappings, inputs: inputs).collect { item in
      switch item {
      case .resource(let resource): found.resources[resource.id] = resource
      case .diagnostic(let diagnostic): found.diagnostics.append(diagnostic)
      case .outside(let address, let reason): found.outside[address] = reason
      default: break
      }
    }
    return found
  }

  /// What was collected.
  struct Found {
    var resources: [String: Resource] = [:]
    var diagnostics: [Diagnostic] = []
    var outside: [String: String] = [:]

    /// Why a path of a resource is unread; nil where it is read.
    func unread(_ id: String, _ path: String) -> String? {
      resources[id]?.unread.first { $0.path == path }?.reason
    }

    /// The file's name and line of a resource's part, as its source holds it.
    func place(_ id: String, _ path: String) -> Int? {
      let place = resources[id]?.source?["places"]?[path]
      return place?.whole ?? place?["line"]?.whole
    }
  }
}
