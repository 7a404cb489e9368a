import JSON

/// Decodes one service with the shapes that its operations reach.
struct AWSFactsDecoder {
  let shapes: [String: JSONValue]
  private var places: [String: Int] = [:]
  private var decoded: [AWSShape] = []

  init(shapes: [String: JSONValue]) { self.shapes = shapes }

  mutating func service(_ id: String, _ node: AWSFactsNode) throws(AWSFactsError) -> AWSService {
    guard let wire = try node.word("protocol", AWSProtocol.self) else {
      throw node.error("protocol", "is missing")
    }
    var operations: [String: AWSOperation] = [:]
    for (name, node) in try node.nodes("operations") {
      operations[name] = try operation(name, node)
    }
    return AWSService(
      id: id,
      wireProtocol: wire,
      apiVersion: try node.text("apiVersion"),
      endpointPrefix: try node.text("endpointPrefix"),
      signingName: try node.text("signingName"),
      targetPrefix: wire == .json ? try node.text("targetPrefix") : nil,
      jsonVersion: wire == .json ? try node.text("jsonVersion") : nil,
      json: node.value,
      operations: operations,
      shapes: decoded
    )
  }

  private mutating func operation(
    _ name: String,
    _ node: AWSFactsNode
  ) throws(AWSFactsError) -> AWSOperation {
    AWSOperation(
      name: name,
      method: try node.text("method"),
      uri: try node.text("uri"),
      endpointPrefix: try node.optionalText("endpointPrefix"),
      input: try members(node, "input"),
      payload: try node.optionalText("payload"),
      output: try output(node),
      resultWrapper: try node.optionalText("resultWrapper"),
      page: try page(node)
    )
  }

  private mutating func output(_ node: AWSFactsNode) throws(AWSFactsError) -> AWSStructure? {
    guard node.value["output"] != nil else { return nil }
    if case .shape(let place) = try type(node, "output"),
      case .structure(let structure) = decoded[place]
    {
      return structure
    }
    throw node.error("output", "expected a structure")
  }

  private func page(_ node: AWSFactsNode) throws(AWSFactsError) -> AWSPage? {
    guard let value = node.value["page"] else { return nil }
    let page = AWSFactsNode(value, "\(node.path).page")
    let (input, output) = (try page.texts("input"), try page.texts("output"))
    guard !input.isEmpty, input.count == output.count else {
      throw node.error("page", "expected as many tokens in as out")
    }
    return AWSPage(
      input: input,
      output: output,
      more: try page.optionalText("more"),
      limit: try page.optionalText("limit")
    )
  }

  private mutating func members(
    _ node: AWSFactsNode,
    _ key: String
  ) throws(AWSFactsError) -> [AWSMember] {
    var members: [AWSMember] = []
    for (name, node) in try node.nodes(key) {
      members.append(
        AWSMember(
          name: name,
          type: try type(node, "shape"),
          wire: try node.optionalText("wire"),
          queryName: try node.optionalText("queryName"),
          location: try node.word("location", AWSLocation.self),
          isFlattened: try node.flag("flattened"),
          isAttribute: try node.flag("attribute"),
          isSensitive: try node.flag("sensitive")
        )
      )
    }
    return members
  }

  private mutating func type(
    _ node: AWSFactsNode,
    _ key: String
  ) throws(AWSFactsError) -> AWSType {
    let text = try node.text(key)
    switch text {
    case "string": return .string
    case "integer": return .integer
    case "float": return .float
    case "boolean": return .boolean
    case "blob": return .blob
    case "timestamp": return .timestamp(nil)
    case _ where text.hasPrefix("timestamp:"):
      guard let form = AWSTimestampForm(rawValue: String(text.dropFirst(10))) else { break }
      return .timestamp(form)
    case _ where text.hasPrefix("#"): return .shape(try place(String(text.dropFirst()), node, key))
    default: break
    }
    throw node.error(key, "expected a kind of value; found \"\(text)\"")
  }

  /// Where a shape stands among the service's; it is decoded when it is met first.
  private mutating func place(
    _ name: String,
    _ node: AWSFactsNode,
    _ key: String
  ) throws(AWSFactsError) -> Int {
    if let place = places[name] { return place }
    guard let value = shapes[name] else {
      throw node.error(key, "names the shape \(name), which is not there")
    }
    let place = decoded.count
    places[name] = place
    // Shapes may hold themselves, so the place is taken before what is inside is known.
    decoded.append(.structure(AWSStructure(name: name, members: [], payload: nil)))
    decoded[place] = try shape(name, AWSFactsNode(value, "shapes.\(name)"))
    return place
  }

  private enum Kind: String, CaseIterable { case structure, list, map }

  private mutating func shape(
    _ name: String,
    _ node: AWSFactsNode
  ) throws(AWSFactsError) -> AWSShape {
    switch try node.word("type", Kind.self) {
    case .structure:
      return .structure(
        AWSStructure(
          name: name,
          members: try members(node, "members"),
          payload: try node.optionalText("payload")
        )
      )
    case .list:
      return .list(
        AWSList(
          member: try type(node, "member"),
          memberWire: try node.optionalText("memberWire"),
          isFlattened: try node.flag("flattened")
        )
      )
    case .map:
      return .map(
        AWSMap(
          key: try type(node, "key"),
          value: try type(node, "value"),
          keyWire: try node.optionalText("keyWire") ?? "key",
          valueWire: try node.optionalText("valueWire") ?? "value",
          isFlattened: try node.flag("flattened")
        )
      )
    case nil: throw node.error("type", "is missing")
    }
  }
}
