import Collectors
import Foundation
import HTTP
import JSON
import Model
import TestSupport
import Testing

/// AWS's own cases and recorded answers, which script/aws-protocol-cases fetches.
enum ProtocolCases {
  static let folder = Fixtures.root.appendingPathComponent(".build/aws-cases")

  static func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appendingPathComponent(path)))
  }

  static func json(_ path: String) throws -> JSONValue { try JSONParser().parse(bytes(path)) }

  /// One case with its model.
  struct Case {
    let id: String
    let json: JSONValue
    let suite: JSONValue

    var given: JSONValue { json["given"] ?? .null }
    var operation: String { given["name"]?.string ?? "OperationName" }
    var model: BotocoreModel { BotocoreModel(suite, given) }
  }

  /// A file of cases.
  struct File: CustomTestStringConvertible, Sendable {
    let name: String
    /// How many cases it has.
    let count: Int
    /// The cases that differ on purpose, under the reason.
    var exceptions: [String: [String]] = [:]

    var testDescription: String { name }

    /// Runs every case of the file through something that says what differs; nil where nothing does.
    func expectNoDifference(_ folder: String, _ difference: (Case) throws -> String?) throws {
      let cases = try ProtocolCases.cases("protocols/\(folder)/\(name).json")
      let excepted = Set(exceptions.values.joined())
      var failed: Set<String> = []
      for one in cases {
        var fault: String?
        do { fault = try difference(one) } catch { fault = "\(error)" }
        guard let fault else { continue }
        failed.insert(one.id)
        #expect(excepted.contains(one.id), "\(one.id): \(fault)")
      }
      #expect(cases.count == count)
      #expect(excepted.subtracting(failed) == [], "these need no exception")
    }
  }

  /// The cases of a file.
  static func cases(_ path: String) throws -> [Case] {
    try (json(path).array ?? []).flatMap { suite in
      (suite["cases"]?.array ?? []).map { Case(id: $0["id"]?.string ?? "", json: $0, suite: suite) }
    }
  }

  /// Whether what was read is what a case expects.
  ///
  /// The cases write instants as seconds and bytes as the text they hold; the recorded answers write
  /// instants as they came.
  static func agrees(_ read: JSONValue, _ expected: JSONValue) -> Bool {
    switch (read, expected) {
    case (.object(let read), .object(let expected)):
      return Set(read.members.map(\.key)) == Set(expected.members.map(\.key))
        && read.members.allSatisfy { agrees($0.value, expected[$0.key] ?? .null) }
    case (.array(let read), .array(let expected)):
      return read.count == expected.count && zip(read, expected).allSatisfy(agrees)
    case (.string(let read), .string(let expected)):
      return read == expected || Data(base64Encoded: read) == Data(expected.utf8)
        || isSame(Timestamp.seconds(read), Timestamp.seconds(expected))
    case (.string(let read), _): return isSame(Timestamp.seconds(read), expected.double)
    case (.integer, .number), (.number, .integer): return read.double == expected.double
    default: return read == expected
    }
  }

  /// Whether two instants are the same to the microsecond.
  private static func isSame(_ left: Double?, _ right: Double?) -> Bool {
    guard let left, let right else { return false }
    return abs(left - right) < 0.000_001
  }
}
