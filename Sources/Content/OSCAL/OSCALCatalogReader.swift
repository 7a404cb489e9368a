import JSON
import Model

/// A catalog as read.
struct OSCALCatalog {
  var file: String
  var metadata: OSCALMetadata
  /// Every control, each before those under it.
  var controls: [OSCALControl]

  /// Reads a catalog: the controls of all groups, enhancements included.
  ///
  /// Titles, labels and properties of ours are read; statements, guidance and other parts are not.
  init(_ node: DocumentNode) throws(DocumentError) {
    file = node.location.file
    var root = try DocumentReader(node)
    guard let content = root.node("catalog") else {
      let found = root.keys.prefix(3).joined(separator: ", ")
      throw DocumentError(
        "expected an OSCAL catalog, an object with the member \"catalog\"; found \(found)",
        key: "",
        at: node.location
      )
    }
    var reader = try DocumentReader(content, path: "catalog")
    metadata = try OSCALMetadata(&reader)
    controls = []
    var seen: [String: String] = [:]
    try read(&reader, ancestors: [], seen: &seen)
    if controls.isEmpty {
      throw DocumentError(
        "holds no controls; expected \"controls\" or \"groups\" with some",
        key: "catalog",
        at: content.location
      )
    }
  }

  /// Reads the controls of a catalog, group or control, and those of the groups in it.
  private mutating func read(
    _ reader: inout DocumentReader,
    ancestors: [String],
    seen: inout [String: String]
  ) throws(DocumentError) {
    for (index, node) in try reader.list("controls").enumerated() {
      let path = "\(reader.key("controls"))[\(index)]"
      var inner = try DocumentReader(node, path: path)
      let control = try control(&inner, ancestors: ancestors, at: path)
      if let other = seen.updateValue(path, forKey: control.token) {
        throw inner.error("id", "\"\(control.token)\" is the id of \(other) too")
      }
      controls.append(control)
      try read(&inner, ancestors: ancestors + [control.token], seen: &seen)
    }
    for (index, node) in try reader.list("groups").enumerated() {
      var inner = try DocumentReader(node, path: "\(reader.key("groups"))[\(index)]")
      try read(&inner, ancestors: ancestors, seen: &seen)
    }
  }

  private func control(
    _ reader: inout DocumentReader,
    ancestors: [String],
    at path: String
  ) throws(DocumentError) -> OSCALControl {
    let token = try reader.requiredText("id")
    let props = try OSCALProperties(&reader)
    var control = OSCALControl(
      token: token,
      label: OSCAL.line(props.label ?? token),
      title: OSCAL.line(try reader.requiredText("title")),
      isWithdrawn: props.isWithdrawn,
      ancestors: ancestors,
      goals: [],
      parameters: try Self.parameters(&reader),
      reason: "",
      basis: props.basis ?? metadata.basis,
      location: reader.location,
      path: path
    )
    for (index, node) in try reader.list("parts").enumerated() {
      var part = try DocumentReader(node, path: "\(reader.key("parts"))[\(index)]")
      guard try part.text("name") == "assessment-method" else { continue }
      let props = try OSCALProperties(&part)
      if let rule = props.own("rule") {
        let used = props.allOwn("parameter")
        for id in used where control.parameters[id] == nil {
          throw part.error("props", "there is no parameter \"\(id)\" among the control's params")
        }
        control.goals.append(OSCALGoal(rule: rule, parameters: used, path: part.path))
      } else if props.own("judged-by") == "person" {
        control.reason = try part.text("prose") ?? ""
      }
    }
    return control
  }

  /// The parameters that are ours; those of others are texts for people.
  private static func parameters(
    _ reader: inout DocumentReader
  ) throws(DocumentError) -> [String: OSCALParameter] {
    var parameters: [String: OSCALParameter] = [:]
    for (index, node) in try reader.list("params").enumerated() {
      var param = try DocumentReader(node, path: "\(reader.key("params"))[\(index)]")
      let props = try OSCALProperties(&param)
      guard let name = props.own("name"), let type = props.own("type") else { continue }
      let id = try param.requiredText("id")
      parameters[id] = OSCALParameter(name: name, type: type, value: try param.value(type: type))
    }
    return parameters
  }
}

extension DocumentReader {
  /// The value under `values`, of a type of ours.
  mutating func value(type: String) throws(DocumentError) -> JSONValue {
    let texts = try strings("values")
    if let value = OSCALValue.decode(texts, type: type) { return value }
    throw error("values", "expected a value of type \(type), not \(JSONValue.texts(texts))")
  }
}

extension JSONValue {
  fileprivate static func texts(_ texts: [String]) -> String {
    JSONValue.array(texts.map { .string($0) }).text
  }
}
