package import JSON
package import Model
import Operations
import Store

/// Why a request was not carried out, as problem details (RFC 9457).
package struct Problem: Error, Sendable {
  package var status: Int
  /// What kind of problem, as the end of its type.
  package var kind: String
  package var title: String
  package var detail: String
  package var faults: [Schema.Fault] = []
  /// After how many seconds another try may go better.
  package var retryAfter: Int?

  package init(_ status: Int, _ kind: String, _ title: String, _ detail: String = "") {
    (self.status, self.kind, self.title, self.detail) = (status, kind, title, detail)
  }

  /// The request is not as the description says.
  package static func invalid(_ faults: [Schema.Fault]) -> Problem {
    var problem = Problem(400, "invalid", "The request is not as the API's description says")
    problem.detail = faults.prefix(3).map { "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
    problem.faults = faults
    return problem
  }

  /// One parameter or member is at fault, though it is as the description says.
  package static func invalid(_ pointer: String, _ detail: String) -> Problem {
    var problem = Problem(
      422,
      "refused",
      "What was sent makes no sense here",
      "\(pointer) \(detail)"
    )
    problem.faults = [Schema.Fault(pointer: pointer, detail: detail)]
    return problem
  }

  /// The detail for people: fields by the names of their forms, not by JSON pointers.
  var plainDetail: String {
    faults.reduce(detail) { text, fault in
      let name = fault.pointer.drop { $0 == "/" }.replacing("_", with: " ").replacing(
        "/",
        with: ", "
      )
      return text.replacing("\(fault.pointer) \(fault.detail)", with: "\(name) \(fault.detail)")
    }
  }

  /// There is no such thing, or it is out of the caller's sight, which is not told apart.
  package static func notFound(_ kind: String, _ name: some CustomStringConvertible) -> Problem {
    Problem(404, "not-found", "There is no such \(kind)", "there is no \(kind) \"\(name)\"")
  }

  /// The caller may not do this here.
  package static func forbidden(_ permission: Permission) -> Problem {
    Problem(
      403,
      "forbidden",
      "Not allowed",
      "this needs the permission \(permission.rawValue); an administrator grants roles"
    )
  }

  /// The problem with a reference to the request's line in the log.
  package func json(_ request: String) -> JSONValue {
    var object: JSONObject = [
      "type": .string("urn:plumbline:problem:\(kind)"), "title": .string(title),
      "status": .integer(Int64(status)),
    ]
    if !detail.isEmpty { object["detail"] = .string(detail) }
    object["instance"] = .string("urn:plumbline:request:\(request)")
    if !faults.isEmpty {
      object["errors"] = .array(
        faults.map { ["pointer": .string($0.pointer), "detail": .string($0.detail)] }
      )
    }
    return .object(object)
  }
}

extension Problem {
  /// What an error of the use cases means to a client; nil for one that is the server's own fault.
  package init?(_ error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case StoreError.notFound(let kind, let name): self = .notFound(kind, name)
    case let error as StoreError where error.isNoScore:
      self.init(404, "not-found", "There is no such score", "\(error)")
    case let error as StoreError:
      switch error {
      case .conflict, .otherAccount, .leaseLost:
        self.init(409, "conflict", "The state of things does not allow this", "\(error)")
      default: return nil
      }
    case is GuardrailError:
      self.init(409, "conflict", "The state of things does not allow this", "\(error)")
    case SQLError.busy, SQLError.unreachable:
      self.init(503, "unavailable", "The database is not to be had just now", "try again")
      retryAfter = 2
    case SQLError.constraint:
      self.init(409, "conflict", "The state of things does not allow this", "\(error)")
    case let error as DocumentError:
      self.init(422, "refused", "What was sent makes no sense here", "\(error)")
      faults = [error.fault]
    case let error as CustomFindingError: self = .invalid(error.pointer, error.reason)
    case is ScopeError, is CredentialError, is AttachmentError, is AlertFailure:
      self.init(422, "refused", "What was sent makes no sense here", "\(error)")
    default: return nil
    }
  }
}

extension DocumentError {
  /// The fault at its key within the member of the request that is the document.
  fileprivate var fault: Schema.Fault {
    let member =
      location.file.hasPrefix("the ") ? "/\(location.file.dropFirst(4))" : ""
    let steps = key.replacing("[", with: ".").replacing("]", with: "").split(separator: ".")
    let place = location.line.map { "line \($0): " } ?? ""
    let name = key.isEmpty ? "" : "\(key): "
    return Schema.Fault(
      pointer: ([member] + steps.map { "/\($0)" }).joined(),
      detail: "\(place)\(name)\(message)"
    )
  }
}
