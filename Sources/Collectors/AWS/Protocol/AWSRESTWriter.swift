import Foundation
import HTTP
import JSON

/// Writes headers and bodies of the protocols in which an operation is a path.
struct AWSRESTWriter {
  let service: AWSService

  func write(
    _ request: inout HTTPRequest,
    _ operation: AWSOperation,
    _ input: AWSInput
  ) throws {
    for (member, value) in input.given {
      switch member.location {
      case .header:
        if let text = try AWSMisfit.at(member.name, { try header(value, member.type) }) {
          request.headers.append((member.wireName, text))
        }
      case .headers:
        for (name, value) in value.object?.members ?? [] {
          guard let text = value.string else {
            throw AWSMisfit("expected a text").inside(name).inside(member.name)
          }
          request.headers.append((member.wireName + name, text))
        }
      default: break
      }
    }
    guard let body = try body(operation, input) else { return }
    request.body = body.bytes
    if request[header: "Content-Type"] == nil {
      request.headers.append(("Content-Type", body.kind))
    }
  }

  /// The text of a header; nil for an empty list.
  private func header(_ value: JSONValue, _ type: AWSType) throws -> String? {
    guard case .shape(let place) = type else { return try AWSScalar.text(value, type, .rfc822) }
    guard case .list(let list) = service.shapes[place], let elements = value.array else {
      throw AWSMisfit("expected a list of scalars for a header")
    }
    if elements.isEmpty { return nil }
    let texts = try AWSMisfit.each(elements) { element in
      let text = try AWSScalar.text(element, list.member, .rfc822)
      return list.member == .string ? Self.quoted(text) : text
    }
    return texts.joined(separator: ", ")
  }

  /// An element of a list in a header, in quotes where it would not end where it should.
  private static func quoted(_ text: String) -> String {
    guard text.contains(where: { $0 == "," || $0 == "\"" }) else { return text }
    return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
  }

  private typealias Body = (kind: String, bytes: [UInt8])

  private func body(_ operation: AWSOperation, _ input: AWSInput) throws -> Body? {
    if let payload = operation.payload { return try self.payload(payload, operation, input) }
    let given = input.given.filter { $0.member.location == nil }
    if service.wireProtocol == .restJSON {
      guard Self.takesBody(operation) else { return nil }
      return ("application/json", try AWSJSONBody(shapes: service.shapes).body(given))
    }
    if given.isEmpty { return nil }
    let root = "\(operation.name)Request"
    return ("application/xml", try AWSXMLBody.body(given, root: root, service.shapes))
  }

  /// Whether an operation's input has members in the body.
  ///
  /// The facts hold only the inputs that are used: where they hold none there may be others, and a
  /// service that has none does not mind an empty object.
  private static func takesBody(_ operation: AWSOperation) -> Bool {
    if operation.input.isEmpty { return ["POST", "PUT", "PATCH"].contains(operation.method) }
    return operation.input.contains { $0.location == nil }
  }

  private func payload(
    _ name: String,
    _ operation: AWSOperation,
    _ input: AWSInput
  ) throws -> Body? {
    guard let (member, value) = input.given.first(where: { $0.member.name == name }) else {
      let type = operation.input.first { $0.name == name }?.type
      guard service.wireProtocol == .restJSON, case .shape? = type else { return nil }
      return ("application/json", Array("{}".utf8))
    }
    return try AWSMisfit.at(name) {
      switch member.type {
      case .string:
        return ("text/plain", Array(try AWSScalar.text(value, .string, .iso8601).utf8))
      case .blob:
        guard let bytes = value.string.flatMap(AWSScalar.bytes) else {
          throw AWSMisfit("expected base64")
        }
        return ("application/octet-stream", Array(bytes))
      default:
        if service.wireProtocol == .restJSON {
          let writer = AWSJSONBody(shapes: service.shapes)
          return ("application/json", try writer.body(value, member.type))
        }
        let body = try AWSXMLBody.body(value, member.type, root: member.wire, service.shapes)
        return ("application/xml", body)
      }
    }
  }
}
