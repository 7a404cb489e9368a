import Foundation
import JSON
import Model

/// What is read once for one root module: the modules that it calls, and what is given beside it.
final class TerraformRun {
  /// How deeply modules may call modules.
  static let depthLimit = 32
  /// How many resources one root module may come to.
  static let resourceLimit = 50_000

  let root: TerraformModule
  let facts: ArgumentFacts.Catalogue
  /// Values of the root's variables.
  let inputs: [String: HCLValue]
  let work = HCLWork()
  private var modules: [String: TerraformModule] = [:]
  /// What is wrong with the files, each fault once.
  private(set) var faults: [Diagnostic]

  var folder: String { root.folder }

  init(
    _ root: TerraformModule,
    _ facts: ArgumentFacts.Catalogue,
    inputs: [String: HCLValue],
    faults: [Diagnostic]
  ) {
    self.root = root
    self.facts = facts
    self.inputs = inputs
    self.faults = root.faults + faults
    modules[TerraformModule.standardized(root.folder)] = root
  }

  /// Files that were not read in full, of any module.
  var unreadFiles: [String] { modules.values.flatMap(\.unreadFiles).sorted() }

  enum Source {
    case module(TerraformModule)
    case unread(String)
  }

  /// The module that a block calls; only folders beside the sources are read.
  func source(of block: HCLBlock, from scope: TerraformScope) -> Source {
    let name = block.labels[0]
    guard let source = block.body["source"]?.expression.literalText else {
      return .unread("the source of module.\(name) is no plain text")
    }
    guard source.hasPrefix("./") || source.hasPrefix("../") else {
      return .unread("module.\(name) is from \(source), which is not read")
    }
    guard scope.path.count < Self.depthLimit else {
      return .unread("module.\(name) is called more than \(Self.depthLimit) deep")
    }
    let base = URL(fileURLWithPath: scope.module.folder, isDirectory: true)
    let path = base.appendingPathComponent(source).standardizedFileURL.path
    if let known = modules[path] { return .module(known) }
    let folder = Self.relative(path, to: scope.module.folder)
    guard !TerraformModule.files(in: folder).isEmpty else {
      return .unread("module.\(name): \(folder) holds no .tf files")
    }
    let module = TerraformModule(folder: folder)
    modules[path] = module
    faults += module.faults
    return .module(module)
  }

  /// A path as people would write it: from here, unless it was given from the root.
  private static func relative(_ path: String, to folder: String) -> String {
    if folder.hasPrefix("/") { return path }
    let here = FileManager.default.currentDirectoryPath
    return path.hasPrefix(here + "/") ? String(path.dropFirst(here.count + 1)) : path
  }
}

/// Values of variables that files and the command line give.
package struct TerraformInputs: Sendable {
  /// Files of values, later ones over earlier ones.
  package var files: [String]
  /// Values by name, over those of files.
  package var values: [(name: String, text: String)]

  package init(files: [String] = [], values: [(name: String, text: String)] = []) {
    self.files = files
    self.values = values
  }
}

extension TerraformInputs {
  /// The files that Terraform reads by itself in a folder, in its order.
  private static func ownFiles(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let first = ["terraform.tfvars", "terraform.tfvars.json"].filter { names.contains($0) }
    let others = names.filter {
      ($0.hasSuffix(".auto.tfvars") || $0.hasSuffix(".auto.tfvars.json")) && !$0.hasPrefix(".")
    }.sorted()
    return (first + others).map { TerraformModule.join(folder, $0) }
  }

  /// The values for a root module; a file of its own that is broken is told and not used.
  ///
  /// - Throws: ``DocumentError`` or ``FileError`` for what the command line names.
  func values(for module: TerraformModule) throws -> ([String: HCLValue], [Diagnostic]) {
    var result: [String: HCLValue] = [:]
    var faults: [Diagnostic] = []
    for name in Self.ownFiles(in: module.folder) {
      do {
        result.merge(try Self.read(name)) { $1 }
      } catch let error as DocumentError {
        faults.append(Diagnostic(error.message, at: error.location))
      } catch FileError.empty {
        continue
      } catch {
        faults.append(Diagnostic("\(error)", at: SourceLocation(file: name)))
      }
    }
    for name in files { result.merge(try Self.read(name)) { $1 } }
    for (name, text) in values {
      guard let declaration = module.variables[name] else {
        // A file that could not be read may declare it; its fault is what is told.
        if !module.unreadFiles.isEmpty { continue }
        throw DocumentError(
          "no such variable is declared",
          key: name,
          at: SourceLocation(file: module.folder)
        )
      }
      result[name] = try Self.value(text, for: declaration.node, name)
    }
    return (result, faults)
  }

  private static func read(_ name: String) throws -> [String: HCLValue] {
    let bytes = try BoundedFile.read(name, limit: TerraformModule.sizeLimit)
    let file =
      name.hasSuffix(".json")
      ? HCLJSON.file(bytes, name: name, isValues: true) : HCLParser.file(bytes, name: name)
    if let fault = file.faults.first {
      throw DocumentError(
        "column \(fault.position.column): \(fault.message)",
        key: "",
        at: SourceLocation(file: name, line: fault.position.line)
      )
    }
    let evaluator = HCLEvaluator(scope: NoScope(), work: HCLWork())
    return Dictionary(
      file.body.attributes.map { ($0.name, evaluator.known($0.expression)) }
    ) { $1 }
  }

  /// A text of the command line: as it is for a text, else an expression, as Terraform takes it.
  private static func value(_ text: String, for block: HCLBlock, _ name: String) throws -> HCLValue
  {
    switch block.body["type"]?.expression.dotted {
    case nil where block.body["type"] == nil, "string", "number", "bool", "any": return .text(text)
    default: break
    }
    do {
      return HCLEvaluator(scope: NoScope(), work: HCLWork())
        .known(try HCLParser.expression(text))
    } catch {
      throw DocumentError(
        error.message,
        key: name,
        at: SourceLocation(file: "--var")
      )
    }
  }
}

/// Where no name stands for anything.
private final class NoScope: HCLScope {
  func value(of root: String, _ names: [String]) throws -> (value: HCLValue, taken: Int) {
    throw HCLError("\(root) stands for nothing here")
  }

  func file(_ path: String) throws -> [UInt8] { throw HCLError("no file is read here") }
}
