import HTTP
import JSON

/// What an answer of IBM Cloud says.
struct IBMAnswer {
  private let response: HTTPResponse
  private let operation: IBMOperation

  init(_ response: HTTPResponse, _ operation: IBMOperation) {
    (self.response, self.operation) = (response, operation)
  }

  /// The output of an operation that was answered.
  ///
  /// - Throws: ``IBMAnswerError`` for an answer that does not say what it has to.
  func output() throws(IBMAnswerError) -> JSONValue {
    let output =
      switch operation.answer {
      case .headers: headers
      case .json: try json()
      case .xml: try xml()
      }
    switch operation.holds {
    case nil where output.object == nil: throw .holdsNot("an object")
    case nil: break
    case "@": if output.array == nil { throw .holdsNot("a list") }
    case let member?:
      if output[member].map(\.isNull) ?? true { throw .holdsNot("\"\(member)\"") }
    }
    return output
  }

  private var headers: JSONValue {
    .object(JSONObject(response.headers.map { ($0.name.lowercased(), .string($0.value)) }))
  }

  private func json() throws(IBMAnswerError) -> JSONValue {
    do {
      return try JSONParser().parse(response.body)
    } catch {
      throw .unreadable("\(error)")
    }
  }

  private func xml() throws(IBMAnswerError) -> JSONValue {
    do {
      let tree = try XMLTree(parsing: response.body)
      return .object(
        JSONObject(
          operation.xml.compactMap { member, path, isList in
            let found = tree.all(path)
            if isList { return (member, .array(found.map(\.json))) }
            return found.first.map { (member, $0.json) }
          }
        )
      )
    } catch {
      throw .unreadable("\(error)")
    }
  }

  /// The code and the message of an answer that is an error.
  ///
  /// IBM's services have no one form: `errors[]`, `errorCode`, `code`, Key Protect's `resources[]`, or
  /// object storage's XML. The status stands for a code that is not there.
  var fault: (code: String, message: String) {
    let body = (try? JSONParser().parse(response.body)) ?? tree
    let inner = ["errors", "resources"].compactMap { body[$0]?.array?.first }.first ?? body
    let codes = [
      inner["code"], body["errorCode"], inner["Code"], APIPath("reasons.code").value(in: inner),
    ]
    let messages = [
      inner["message"], body["errorMessage"], inner["Message"], inner["errorMsg"], body["error"],
      body["message"],
    ]
    let code = codes.lazy.compactMap { $0?.asText }.first { !$0.isEmpty }
    let message = messages.lazy.compactMap { $0?.asText }.first { !$0.isEmpty }
    return (code ?? "\(response.status)", String((message ?? "").prefix(500)))
  }

  private var tree: JSONValue {
    (try? XMLTree(parsing: response.body).json) ?? .null
  }
}

/// Why an answer cannot be used.
enum IBMAnswerError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  case holdsNot(String)

  /// The fault in words.
  var description: String {
    switch self {
    case .unreadable(let reason): "the answer cannot be read: \(reason)"
    case .holdsNot(let what): "the answer holds not \(what)"
    }
  }
}

extension XMLTree {
  /// The elements at a path below this one.
  fileprivate func all(_ path: APIPath) -> [XMLTree] {
    path.steps.reduce([self]) { found, step in
      found.flatMap { $0.children.filter { $0.name == step } }
    }
  }

  /// The element as JSON: an object of its children, or its text; `true` and `false` are booleans.
  fileprivate var json: JSONValue {
    let type = attributes.first { $0.name.hasSuffix(":type") }?.value
    guard children.isEmpty, type == nil else {
      var object = JSONObject()
      object["Type"] = type.map { .string($0) }
      for child in children { object[child.name] = child.json }
      return .object(object)
    }
    return switch text {
    case "true": true
    case "false": false
    default: .string(text)
    }
  }
}
