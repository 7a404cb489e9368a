import JSON
import JSON
import Model

extension DocumentNode {
  /// The function of CloudFormation that a tag names, over this node; the node where it names none.
  func function(tag: String) -> DocumentNode {
    guard tag.hasPrefix("!"), tag.count > 1 else { return self }
    let name = String(tag.dropFirst())
    switch name {
    case "Ref", "Condition": return DocumentNode(.mapping([(name, self)]), at: location)
    case "GetAtt":
      guard case .scalar(.string(let text)) = value, let dot = text.firstIndex(of: ".") else {
        break
      }
      let parts = [String(text[..<dot]), String(text[text.index(after: dot)...])]
      let nodes = parts.map { DocumentNode(.scalar(.string($0)), at: location) }
      return DocumentNode(
        .mapping([("Fn::GetAtt", DocumentNode(.sequence(nodes), at: location))]),
        at: location
      )
    default: break
    }
    return DocumentNode(.mapping([("Fn::\(name)", self)]), at: location)
  }
}
