import Foundation
import JSON
import Model

/// A resource, or an element of one, while it is being read.
struct APIItem: Sendable {
  private(set) var context: APIContext
  var value: JSONValue
  var unread: [(path: String, reason: String)] = []

  /// An element of a detail's output.
  init(element: JSONValue, _ context: APIContext) {
    value = element
    self.context = context
  }

  /// An item of a kind's list; nil where the kind leaves such items out.
  init?(_ item: JSONValue, _ kind: APIKind, _ context: APIContext) {
    value = kind.textMember.map { .object([$0: item]) } ?? item
    self.context = context
    guard kind.filter.allSatisfy({ $0.isMet(by: item, context) }) else { return nil }
    if let region = kind.region?.value(in: value)?.string, !region.isEmpty {
      self.context.region = region
    }
    let id = kind.id.text(value, self.context) ?? ""
    self.context.resourceID = id.isEmpty ? Self.name(of: item) : id
  }

  /// A name for an item that has not what its id is made of: the digest of what the list gave.
  private static func name(of item: JSONValue) -> String {
    item.string ?? "unnamed:\(Digest.sha256(of: item).prefix(16))"
  }

  /// What a call is given for this item; nil where the item lacks a member that it needs.
  func input(of call: APICall) -> JSONObject? {
    context.fill(.object(call.input), value)?.object
  }

  /// Whether a detail makes sense for this item.
  func isMet(_ detail: APIDetail) -> Bool {
    detail.when.allSatisfy { $0.isMet(by: value, context) }
  }

  /// Why it cannot be told whether a detail makes sense; nil where it can.
  func doubt(_ detail: APIDetail) -> String? {
    for demand in detail.when {
      if let missing = unread.first(where: { $0.path == demand.path.steps.first }) {
        return missing.reason
      }
    }
    return nil
  }

  /// What a detail's output means for this item; nil means that nothing is there.
  mutating func found(_ output: APIOutput, _ detail: APIDetail) -> JSONValue? {
    var found = output.value
    if let fault = output.fault {
      unread.append((detail.unreadPath, fault))
      return nil
    }
    if let pick = detail.pick {
      guard let key = pick.equals.text(value, context) else {
        unread.append((detail.unreadPath, "error: the list does not say what to look for"))
        return nil
      }
      let elements = output.elements(key)
      if detail.takesEvery {
        found = .array(elements)
      } else {
        if elements.isEmpty, !detail.isOptional {
          unread.append((detail.unreadPath, "error: \(detail.call.operation) does not name it"))
        }
        found = elements.first ?? .null
      }
    }
    if !detail.fields.isEmpty { found = found.keeping(detail.fields) }
    for member in detail.expected where member == "@" ? found.isNull : found[member] == nil {
      let steps = [detail.into, member].filter { $0 != "@" }
      unread.append(
        (steps.joined(separator: "."), "left out by the provider: \(detail.call.operation)")
      )
    }
    return found.isNull ? nil : found
  }

  /// Puts what was found where a detail says.
  mutating func put(_ found: JSONValue, _ detail: APIDetail) {
    guard case .object(var object) = value else { return }
    if detail.into == "@" {
      for (name, value) in found.object?.members ?? [] { object[name] = value }
    } else if detail.isAppended, let former = object[detail.into]?.array {
      object[detail.into] = .array(former + (found.array ?? [found]))
    } else {
      object[detail.into] = found
    }
    value = .object(object)
  }

  /// The finished resource, secrets replaced.
  func resource(_ kind: APIKind) -> Resource {
    var unread = unread
    var context = context
    var whole = value
    for (path, form) in kind.decode {
      whole = path.changing(whole) { value in
        guard case .string(let text) = value else { return value }
        if text.isEmpty { return .null }
        if let decoded = APIDocument.decoded(text, form) { return decoded }
        let first = path.steps.first ?? "$root"
        unread.append((first, "error: \(path) is no \(form.rawValue.uppercased())"))
        return .null
      }
    }
    for path in kind.redact { whole = path.changing(whole, by: APIDocument.redacted) }
    context.tags = kind.tags.map { APIDocument.tags($0.values(in: whole)) } ?? []
    return Resource(
      provider: context.provider,
      account: context.account,
      region: kind.isGlobal && kind.region == nil ? "global" : context.region,
      kind: kind.kind,
      id: context.resourceID,
      name: kind.name?.text(whole, context) ?? "",
      tags: context.tags,
      attributes: kind.attributes.compactMap { attribute in
        attribute.value.value(whole, context).map { (attribute.name, $0) }
      },
      configuration: kind.drop.reduce(whole) { $1.removing(from: $0) },
      unread: unread,
      source: kind.source(context)
    )
  }
}

/// What a detail's call brought, made once for all items that share it.
///
/// The value at the detail's path, decoded, and its elements by the member that they are picked by.
struct APIOutput: Sendable {
  private(set) var value: JSONValue
  /// Why the value cannot be used; nil where it can.
  private(set) var fault: String?
  private var elements: [String: [JSONValue]] = [:]

  init(_ output: JSONValue, _ detail: APIDetail) {
    value = detail.path.found(in: output)
    if let form = detail.form, case .string(let text) = value {
      if let decoded = APIDocument.decoded(text, form) {
        value = decoded
      } else if text.isEmpty {
        value = .null
      } else {
        fault = "error: what stands there is no \(form.rawValue.uppercased())"
      }
    }
    guard let member = detail.pick.map({ APIPath($0.member) }) else { return }
    for element in value.array ?? [value] {
      for key in Set(member.elements(in: element).compactMap(\.asText)) {
        elements[key, default: []].append(element)
      }
    }
  }

  /// The elements whose member is, or holds, a text.
  func elements(_ key: String) -> [JSONValue] { elements[key] ?? [] }
}

extension JSONValue {
  /// The value with only some members, of an object or of each element of a list.
  fileprivate func keeping(_ fields: Set<String>) -> JSONValue {
    switch self {
    case .array(let elements): .array(elements.map { $0.keeping(fields) })
    case .object(let object):
      .object(JSONObject(object.members.filter { fields.contains($0.key) }))
    default: self
    }
  }
}

extension APIKind {
  /// Where a resource of this kind was read: the call, and the region whose list it was in.
  func source(_ context: APIContext) -> JSONValue {
    let region = context.listed.isEmpty ? context.region : context.listed
    return ["call": .string("\(service):\(list.operation)"), "region": .string(region)]
  }

  /// What stands for the resources of a region that could not be listed.
  ///
  /// So no goal passes without them. Where there is one only, it stands under its own id.
  func standIn(_ context: APIContext, reason: String) -> Resource {
    let unlisted = (["unlisted", context.region] + [context.parentID].filter { !$0.isEmpty })
      .joined(separator: ":")
    return Resource(
      provider: context.provider,
      account: context.account,
      region: isGlobal ? "global" : context.region,
      kind: kind,
      id: isSingle ? id.text(.null, context) ?? unlisted : unlisted,
      name: "what could not be listed",
      configuration: .null,
      unread: [("$root", reason)],
      source: source(context)
    )
  }
}

extension APIPath {
  /// What a detail's path finds: the one value there, or the list of all.
  func found(in value: JSONValue) -> JSONValue {
    let values = values(in: value)
    return values.count > 1 ? .array(values) : values.first ?? .null
  }
}

/// Documents and tags inside of configurations.
enum APIDocument {
  /// What a text holds; nil where it is not of the form.
  static func decoded(_ text: String, _ form: APIForm) -> JSONValue? {
    switch form {
    case .json:
      // IAM sends its documents percent-encoded.
      let plain = text.first == "%" ? text.removingPercentEncoding ?? text : text
      return try? JSONParser().parse(Array(plain.utf8))
    case .csv:
      guard let bytes = Data(base64Encoded: text),
        let rows = try? CSVRows(String(decoding: bytes, as: UTF8.self), file: "report").rows,
        let head = rows.first?.cells
      else { return nil }
      return .array(
        rows.dropFirst().map { row in
          let cells = zip(head, row.cells).map { (key: $0, value: JSONValue.string($1)) }
          return .object(JSONObject(cells))
        }
      )
    }
  }

  /// The value with every scalar in it replaced; keys stay.
  static func redacted(_ value: JSONValue) -> JSONValue {
    switch value {
    case .null: .null
    case .array(let elements): .array(elements.map(redacted))
    case .object(let object):
      .object(JSONObject(object.members.map { ($0.key, redacted($0.value)) }))
    default: "[redacted]"
    }
  }

  /// Tags as pairs, from a list of keys with values or from a map.
  static func tags(_ found: [JSONValue]) -> [(key: String, value: String)] {
    found.flatMap { value -> [(key: String, value: String)] in
      if let object = value.object, value["Key"] == nil, value["key"] == nil,
        value["TagKey"] == nil
      {
        return object.members.map { ($0.key, $0.value.asText ?? "") }
      }
      return (value.array ?? [value]).compactMap { tag in
        if let name = tag["name"]?.string {
          let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
          return (parts.first ?? "", parts.count > 1 ? parts[1] : "")
        }
        guard let key = (tag["Key"] ?? tag["key"] ?? tag["TagKey"])?.string else { return nil }
        return (key, (tag["Value"] ?? tag["value"] ?? tag["TagValue"])?.asText ?? "")
      }
    }
  }
}
