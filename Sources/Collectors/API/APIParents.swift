import JSON
import Model

/// What a list has to be asked for once each: elements of another list, or of data.
enum APIParents: Sendable {
  /// Elements that the data give.
  case given([JSONValue])
  /// The elements of another list.
  case listed(APIParentList)

  /// Decodes what stands under `for`.
  init(_ node: DocumentNode) throws(DocumentError) {
    if case .sequence(let elements) = node.value {
      self = .given(elements.map(\.json))
    } else {
      self = .listed(try APIParentList(node))
    }
  }
}

/// A list whose elements another list is asked for.
struct APIParentList: Sendable {
  let call: APICall
  /// The service that is called; nil for the kind's own.
  let service: String?
  let items: APIPath
  /// What must hold of an element for it to count.
  let filter: [APIDemand]
  /// What tells an element from others.
  let id: APITemplate
  /// Where an element says which region it is in; nil for the unit's own.
  let region: APIPath?

  init(_ node: DocumentNode) throws(DocumentError) {
    var reader = try DocumentReader(node, path: "for")
    call = try APICall(&reader, operation: "list")
    service = try reader.text("service")
    items = APIPath(try reader.requiredText("items"))
    filter = APIDemand.list(reader.node("where"))
    id = APITemplate(path: try reader.requiredText("id"))
    region = try reader.text("region").map { APIPath($0) }
    try reader.finish()
  }
}

extension APIContext {
  /// The context of the list that is asked for an element that data give.
  func below(_ parent: JSONValue) -> APIContext {
    let texts = (parent.object?.members.map(\.value) ?? [parent]).compactMap(\.asText)
    return below(parent, named: texts.joined(separator: " "), in: nil)
  }

  /// The context of the list that is asked for an element; nil where the element does not count.
  func below(_ parent: JSONValue, of list: APIParentList) -> APIContext? {
    guard list.filter.allSatisfy({ $0.isMet(by: parent, self) }) else { return nil }
    let name = list.id.text(parent, self) ?? "\(Digest.sha256(of: parent).prefix(16))"
    return below(parent, named: name, in: list.region?.value(in: parent)?.string)
  }

  private func below(_ parent: JSONValue, named name: String, in region: String?) -> APIContext {
    var context = self
    context.parent = parent
    context.parentID = name
    if let region, !region.isEmpty { context.region = region }
    return context
  }
}
