import JSON
import Model
import YAML

/// Reads HCL's JSON syntax, `.tf.json` and `.tfvars.json`, into the same tree as the native one.
///
/// Which members are blocks only a schema tells, so below resources all are attributes: a block is an
/// object, or a list of objects.
struct HCLJSON {
  /// How many labels the blocks of a configuration have.
  private static let labels = [
    "terraform": 0, "locals": 0, "variable": 1, "output": 1, "module": 1, "provider": 1,
    "resource": 2, "data": 2, "check": 1, "moved": 0, "import": 0, "removed": 0, "ephemeral": 2,
  ]

  /// Reads a configuration, or with `isValues` a file of variables' values.
  static func file(_ bytes: [UInt8], name: String, isValues: Bool = false) -> HCLFile {
    var file = HCLFile(name: name)
    do {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw HCLFault(message: "is not UTF-8 text", position: HCLPosition(line: 1, column: 1))
      }
      let root = try root(text, name)
      guard case .mapping(let members) = root.value else {
        throw HCLFault(message: "expected an object", position: position(root))
      }
      for (key, node) in members where key != "//" {
        if !isValues, let count = labels[key] {
          try blocks(key, [], count, node, into: &file.body)
        } else {
          file.body.attributes.append(try attribute(key, node, isLiteral: isValues))
        }
      }
    } catch let fault as HCLFault {
      file.faults.append(fault)
    } catch {
      let fault = HCLFault(message: "\(error)", position: HCLPosition(line: 1, column: 1))
      file.faults.append(fault)
    }
    return file
  }

  private static func root(_ text: String, _ name: String) throws -> DocumentNode {
    do {
      _ = try JSONValue(parsing: text)
      // This dialect keeps the lines of JSON.
      return try YAMLReader(.cloudFormation).document(text, file: name)
    } catch let error as DocumentError {
      let line = error.location.line ?? 1
      throw HCLFault(message: error.message, position: HCLPosition(line: line, column: 1))
    }
  }

  private static func position(_ node: DocumentNode) -> HCLPosition {
    HCLPosition(line: node.location.line ?? 1, column: 1)
  }

  private static func blocks(
    _ type: String,
    _ labels: [String],
    _ missing: Int,
    _ node: DocumentNode,
    into body: inout HCLBody
  ) throws {
    switch node.value {
    case .sequence(let nodes):
      for node in nodes { try blocks(type, labels, missing, node, into: &body) }
    case .mapping(let members) where missing > 0:
      for (label, inner) in members where label != "//" {
        try blocks(type, labels + [label], missing - 1, inner, into: &body)
      }
    case .mapping(let members):
      var inner = HCLBody()
      for (key, node) in members where key != "//" {
        if key == "dynamic" {
          try blocks("dynamic", [], 1, node, into: &inner)
        } else if type == "dynamic", key == "content" {
          try blocks("content", [], 0, node, into: &inner)
        } else if type == "provider", key == "default_tags" {
          try blocks(key, [], 0, node, into: &inner)
        } else {
          // These two hold expressions without quotes of their own.
          let isLiteral = type == "variable" && key == "type"
          inner.attributes.append(try attribute(key, node, isLiteral: isLiteral))
        }
      }
      body.blocks.append(
        HCLBlock(type: type, labels: labels, body: inner, position: position(node))
      )
    case .scalar(.null): break
    case .scalar:
      throw HCLFault(message: "\(type): expected an object", position: position(node))
    }
  }

  private static func attribute(
    _ name: String,
    _ node: DocumentNode,
    isLiteral: Bool
  ) throws -> HCLAttribute {
    HCLAttribute(
      name: name,
      expression: try expression(node, isLiteral: isLiteral),
      position: position(node),
      text: ["count", "for_each"].contains(name) ? node.json.text : ""
    )
  }

  private static func expression(_ node: DocumentNode, isLiteral: Bool) throws -> HCLExpression {
    let place = position(node)
    switch node.value {
    case .scalar(.string(let text)):
      if isLiteral { return HCLExpression(kind: .literal(.string(text)), position: place) }
      return try HCLParser.template(text, at: place)
    case .scalar(let scalar): return HCLExpression(kind: .literal(scalar), position: place)
    case .sequence(let nodes):
      let elements = try nodes.map { try expression($0, isLiteral: isLiteral) }
      return HCLExpression(kind: .tuple(elements), position: place)
    case .mapping(let members):
      return HCLExpression(
        kind: .object(
          try members.filter { $0.key != "//" }.map { key, node in
            let name =
              isLiteral
              ? HCLExpression(kind: .literal(.string(key)), position: position(node))
              : try HCLParser.template(key, at: position(node))
            return (name, try expression(node, isLiteral: isLiteral))
          }
        ),
        position: place
      )
    }
  }
}
