package import JSON
import Synchronization

/// What is known of AWS's interface: the services, their operations, and the shapes of their answers.
///
/// The file is made from the models in botocore. A service is decoded when it is first asked for.
package final class AWSFacts: Sendable {
  /// The version of botocore whose models the facts were taken from.
  package let botocore: String
  /// The whole file, for those who read parts of it that are not about operations.
  package let json: JSONValue
  private let services: [String: JSONValue]
  private let shapes: [String: JSONValue]
  private let decoded = Mutex<[String: AWSService]>([:])

  /// Reads a file of facts.
  ///
  /// - Throws: ``AWSFactsError``.
  package convenience init(parsing text: some Collection<UInt8>) throws {
    let json: JSONValue
    do {
      json = try JSONParser().parse(text)
    } catch {
      throw AWSFactsError(path: "", reason: "\(error)")
    }
    try self.init(json)
  }

  /// Takes facts that are parsed already.
  package init(_ json: JSONValue) throws(AWSFactsError) {
    let file = AWSFactsNode(json, "")
    botocore = try file.text("botocore")
    services = Dictionary(try file.members("services")) { _, last in last }
    shapes = Dictionary(try file.members("shapes")) { _, last in last }
    self.json = json
  }

  /// The service with an id; nil where the facts hold none.
  ///
  /// - Throws: ``AWSFactsError``.
  package func service(_ id: String) throws(AWSFactsError) -> AWSService? {
    if let service = decoded.withLock({ $0[id] }) { return service }
    guard let json = services[id] else { return nil }
    var decoder = AWSFactsDecoder(shapes: shapes)
    let service = try decoder.service(id, AWSFactsNode(json, "services.\(id)"))
    decoded.withLock { $0[id] = service }
    return service
  }
}

/// Why the facts about AWS cannot be used.
package struct AWSFactsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Where in the file; empty for the file as a whole.
  package let path: String
  package let reason: String

  package init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// The place and the fault.
  package var description: String {
    "the facts about AWS cannot be used: \(path.isEmpty ? "" : "\(path): ")\(reason)"
  }
}
