package import HTTP
package import JSON

/// Why an answer cannot be read.
package struct AWSResponseError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The operation, as `service:Operation`.
  package let operation: String
  package let reason: String

  /// The operation and the fault; nothing of the answer itself.
  package var description: String { "the answer to \(operation) cannot be read: \(reason)" }
}

/// Reads the answers of AWS's operations.
package struct AWSResponseReader: Sendable {
  package init() {}

  /// The output of an operation under the model's names, as boto3 shows it.
  ///
  /// Instants are ISO 8601 in UTC, bytes base64. An answer that ends early, is another document or
  /// does not fit its shape is an error: what is not understood must not look like nothing there.
  ///
  /// - Throws: ``AWSResponseError``; ``AWSFault`` for an answer whose status is not one of success.
  package func output(
    _ response: HTTPResponse,
    _ operation: AWSOperation,
    of service: AWSService
  ) throws -> JSONValue {
    guard (200..<300).contains(response.status) else { throw fault(response, of: service) }
    guard let output = operation.output, !output.members.isEmpty else {
      return .object(JSONObject())
    }
    let answer = AWSAnswer(response: response, operation: operation, service: service)
    do {
      return .object(JSONObject(try answer.members(of: output)))
    } catch let misfit as AWSMisfit {
      throw AWSResponseError(operation: "\(service.id):\(operation.name)", reason: misfit.text)
    }
  }

  /// What an error answer says, whatever is in it.
  package func fault(_ response: HTTPResponse, of service: AWSService) -> AWSFault {
    AWSFault(response)
  }
}

/// An answer to an operation, to be read by its shape.
struct AWSAnswer {
  typealias Members = [(key: String, value: JSONValue)]

  let response: HTTPResponse
  let operation: AWSOperation
  let service: AWSService

  func members(of output: AWSStructure) throws -> Members {
    switch service.wireProtocol {
    case .query, .ec2:
      return try AWSXMLReader(shapes: service.shapes).members(output.members, in: try result())
    case .json:
      return try json(output.members)
    case .restJSON, .restXML:
      let outside = try AWSHeaderReader(response: response, shapes: service.shapes).members(
        of: output
      )
      return outside + (try body(of: output))
    }
  }

  /// The element that holds the output, inside those that say what it answers.
  private func result() throws -> XMLTree {
    let root = try document()
    let expected = "\(operation.name)Response"
    guard root.name == expected else {
      throw AWSMisfit("is <\(root.name)> where <\(expected)> is expected")
    }
    guard let wrapper = operation.resultWrapper else { return root }
    guard let result = root[wrapper] else { throw AWSMisfit("holds no <\(wrapper)>") }
    return result
  }

  private func document() throws -> XMLTree {
    do {
      return try XMLTree(parsing: response.body)
    } catch {
      throw AWSMisfit("\(error)")
    }
  }

  /// The members of an object that is the whole body; one with others only is no answer.
  private func json(_ members: [AWSMember]) throws -> Members {
    let value = try parsed()
    guard let object = value.object else {
      throw AWSMisfit("expected an object; found \(AWSScalar.name(value))")
    }
    guard object.isEmpty || members.contains(where: { object[$0.wireName] != nil }) else {
      throw AWSMisfit("is an object without any member of the answer")
    }
    return try AWSJSONReader(shapes: service.shapes).members(members, in: object)
  }

  private func parsed() throws -> JSONValue {
    do {
      return try JSONParser().parse(response.body)
    } catch {
      throw AWSMisfit("\(error)")
    }
  }

  /// The members that stand in the body of an answer whose others are headers.
  private func body(of output: AWSStructure) throws -> Members {
    if let payload = output.payload {
      let member = try output.member(payload)
      return try AWSMisfit.at(payload) { try self.payload(member) }
    }
    // 204 says that there is no body; any other answer without one is cut off.
    if output.inBody.isEmpty || response.status == 204 { return [] }
    if service.wireProtocol == .restJSON { return try json(output.inBody) }
    let root = try xml()
    if service.id == "s3", operation.name == "GetBucketLocation" { return Self.location(root) }
    return try members(output.inBody, in: root)
  }

  /// The members below a document's root; one with other elements only is no answer.
  private func members(_ members: [AWSMember], in root: XMLTree) throws -> Members {
    let read = try AWSXMLReader(shapes: service.shapes).members(members, in: root)
    guard !read.isEmpty || root.children.isEmpty else {
      throw AWSMisfit("is <\(root.name)> without any member of the answer")
    }
    return read
  }

  private func payload(_ member: AWSMember) throws -> Members {
    switch member.type {
    case .string: return [(member.name, .string(try text()))]
    case .blob: return [(member.name, .string(AWSScalar.base64(response.body)))]
    default: break
    }
    if response.status == 204, response.body.isEmpty { return [] }
    guard case .shape(let place) = member.type, case .structure(let shape) = service.shapes[place]
    else { throw AWSMisfit("is neither a text nor bytes nor a structure") }
    if service.wireProtocol == .restJSON {
      return [(member.name, .object(JSONObject(try json(shape.members))))]
    }
    let root = try xml()
    let expected = [member.wireName, shape.localName]
    guard expected.contains(root.name) else {
      throw AWSMisfit("is <\(root.name)> where <\(expected[1])> is expected")
    }
    return [(member.name, .object(JSONObject(try members(shape.members, in: root))))]
  }

  /// A body that is a text as it stands.
  private func text() throws -> String {
    guard let text = String(validating: response.body, as: UTF8.self) else {
      throw AWSMisfit("is not UTF-8")
    }
    // A part of a policy would pass for one; only its grammar shows that it is whole.
    if service.id == "s3", operation.name == "GetBucketPolicy" { _ = try parsed() }
    return text
  }

  /// The document of an answer whose root the facts do not name.
  private func xml() throws -> XMLTree {
    let root = try document()
    if ["Error", "ErrorResponse", "html", "HTML"].contains(root.name) {
      throw AWSMisfit("is <\(root.name)>, which is no answer")
    }
    return root
  }

  /// The region of a bucket, which is the root's own text; null stands for the first region.
  private static func location(_ root: XMLTree) -> Members {
    let text = root["LocationConstraint"]?.text ?? root.text
    return [("LocationConstraint", text.isEmpty ? .null : .string(text))]
  }
}
