import Foundation
import JSON
import Model

/// What the files of one folder declare.
struct TerraformModule {
  /// A block or attribute, and the file that holds it.
  struct Declaration<Node> {
    var node: Node
    var file: String
  }

  /// How large a file may be.
  static let sizeLimit = 16 << 20

  let folder: String
  private(set) var variables: [String: Declaration<HCLBlock>] = [:]
  private(set) var locals: [String: Declaration<HCLAttribute>] = [:]
  private(set) var outputs: [String: Declaration<HCLBlock>] = [:]
  private(set) var resources: [Declaration<HCLBlock>] = []
  private(set) var dataSources: [Declaration<HCLBlock>] = []
  private(set) var calls: [Declaration<HCLBlock>] = []
  private(set) var providers: [Declaration<HCLBlock>] = []
  /// What is wrong with the files.
  private(set) var faults: [Diagnostic] = []
  /// Files that hold a fault, or that were not given.
  private(set) var unreadFiles: [String] = []
  /// Places of resources by type and name.
  private(set) var resourceIndex: [String: Int] = [:]

  /// Reads the files of a folder, all or those given.
  init(folder: String, files: [String]? = nil) {
    self.folder = folder
    let all = Self.files(in: folder)
    let chosen = files ?? all
    if files != nil {
      let names = Set(chosen.map(Self.standardized))
      unreadFiles = all.filter { !names.contains(Self.standardized($0)) }
    }
    // Files of overrides are read last and replace what others say.
    let (overrides, others) = (
      chosen.filter(Self.isOverride), chosen.filter { !Self.isOverride($0) }
    )
    for name in others { read(name) { $0.add($1, $2) } }
    for name in overrides { read(name) { $0.override($1, $2) } }
  }

  static func standardized(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// Whether a name is one of a Terraform source.
  static func isSource(_ name: String) -> Bool {
    name.hasSuffix(".tf") || name.hasSuffix(".tf.json")
  }

  /// The sources in a folder, as Terraform takes them, in order.
  static func files(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { isSource($0) && !$0.hasPrefix(".") && !$0.hasPrefix("#") }.sorted()
      .map { join(folder, $0) }
  }

  /// A name below a folder, as people write it.
  static func join(_ folder: String, _ name: String) -> String {
    if folder == "." || folder.isEmpty { return name }
    return folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
  }

  private static func isOverride(_ path: String) -> Bool {
    let name = URL(fileURLWithPath: path).lastPathComponent
    return ["override.tf", "override.tf.json"].contains(name)
      || name.hasSuffix("_override.tf") || name.hasSuffix("_override.tf.json")
  }

  // MARK: - Reading

  private mutating func read(_ name: String, _ take: (inout Self, HCLBlock, String) -> Void) {
    let file: HCLFile
    do {
      let bytes = try BoundedFile.read(name, limit: Self.sizeLimit)
      file =
        name.hasSuffix(".json")
        ? HCLJSON.file(bytes, name: name) : HCLParser.file(bytes, name: name)
    } catch FileError.empty {
      return
    } catch {
      faults.append(Diagnostic("cannot be read: \(error)", at: SourceLocation(file: name)))
      unreadFiles.append(name)
      return
    }
    guard file.faults.isEmpty else {
      unreadFiles.append(name)
      for fault in file.faults {
        note("column \(fault.position.column): \(fault.message)", name, fault.position)
      }
      return
    }
    for attribute in file.body.attributes {
      note("an attribute does not belong outside a block", name, attribute.position)
    }
    for block in file.body.blocks { take(&self, block, name) }
  }

  private mutating func note(_ message: String, _ file: String, _ position: HCLPosition) {
    faults.append(Diagnostic(message, at: SourceLocation(file: file, line: position.line)))
  }

  private mutating func add(_ block: HCLBlock, _ file: String) {
    let declaration = Declaration(node: block, file: file)
    let counts = ["variable": 1, "output": 1, "module": 1, "provider": 1, "resource": 2, "data": 2]
    if let count = counts[block.type], block.labels.count != count {
      let noun = count == 1 ? "a name" : "a type and a name"
      return note("\(block.type) takes \(noun)", file, block.position)
    }
    func twice(_ isTaken: Bool) -> Bool {
      if isTaken {
        let name = block.labels.joined(separator: ".")
        note("\(block.type) \(name) is declared twice", file, block.position)
      }
      return isTaken
    }
    switch block.type {
    case "variable":
      if !twice(variables[block.labels[0]] != nil) { variables[block.labels[0]] = declaration }
    case "output":
      if !twice(outputs[block.labels[0]] != nil) { outputs[block.labels[0]] = declaration }
    case "locals":
      for attribute in block.body.attributes {
        if locals[attribute.name] != nil {
          note("local.\(attribute.name) is declared twice", file, attribute.position)
        } else {
          locals[attribute.name] = Declaration(node: attribute, file: file)
        }
      }
    case "module":
      if !twice(calls.contains { $0.node.labels == block.labels }) { calls.append(declaration) }
    case "provider": providers.append(declaration)
    case "data": dataSources.append(declaration)
    case "resource":
      let key = block.labels.joined(separator: ".")
      if !twice(resourceIndex[key] != nil) {
        resourceIndex[key] = resources.count
        resources.append(declaration)
      }
    case "terraform", "moved", "import", "removed", "check", "ephemeral", "action": break
    default: note("\"\(block.type)\" is no block of Terraform", file, block.position)
    }
  }

  // MARK: - Overrides

  /// Lays a block of an override file over the one of its name.
  private mutating func override(_ block: HCLBlock, _ file: String) {
    let name = block.labels.first ?? ""
    switch block.type {
    case "locals":
      for attribute in block.body.attributes {
        locals[attribute.name] = Declaration(node: attribute, file: file)
      }
    case "variable" where variables[name] != nil:
      variables[name]?.node.body.lay(block.body)
    case "output" where outputs[name] != nil: outputs[name]?.node.body.lay(block.body)
    case "resource":
      guard let index = resourceIndex[block.labels.joined(separator: ".")] else {
        return add(block, file)
      }
      resources[index].node.body.lay(block.body)
    case "module":
      guard let index = calls.firstIndex(where: { $0.node.labels == block.labels }) else {
        return add(block, file)
      }
      calls[index].node.body.lay(block.body)
    default: add(block, file)
    }
  }
}

extension HCLBody {
  /// Lays another body over this one: attributes by name, blocks by type.
  fileprivate mutating func lay(_ other: HCLBody) {
    let names = Set(other.attributes.map(\.name))
    let types = Set(other.blocks.map { $0.type == "dynamic" ? $0.labels.first ?? "" : $0.type })
    attributes.removeAll { names.contains($0.name) || types.contains($0.name) }
    blocks.removeAll { types.contains($0.type == "dynamic" ? $0.labels.first ?? "" : $0.type) }
    attributes += other.attributes
    blocks += other.blocks
  }
}
