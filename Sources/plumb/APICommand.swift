import ArgumentParser
import Foundation
import JSON
import Model
import Web

/// Any call of a server's API.
struct APICommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "api",
    abstract: "Calls any operation of a server's API; without a path it lists them.",
    discussion: """
      What other commands do not ask for. A list is read to its end, or to --limit. A change that goes by what is
      there, such as a DELETE, reads that right before.

      Examples:
        plumb api
        plumb api /rules kind=s3/bucket severity=high
        plumb api /resources account=123456789012 --format csv
        plumb api --method PUT /scopes/production --body scope.json
      """
  )

  @OptionGroup var server: ServerOptions

  @Option(name: .long, help: "GET, POST, PUT, PATCH or DELETE.")
  var method = "GET"

  @Option(
    name: .long,
    help: ArgumentHelp("The body of a change; - reads standard input.", valueName: "file")
  )
  var body: String?

  @Option(name: .long, help: "How many items of a list at most; default: all.")
  var limit: Int?

  @Option(name: .long, help: "text, json, ndjson or csv.")
  var format: RowFormat = .text

  @Argument(
    help: "The path below /api/v1, as of a URL: what stands in it for a name may be encoded."
  )
  var path: String?

  @Argument(help: ArgumentHelp("Parameters of the query.", valueName: "name=value"))
  var parameters: [String] = []

  func run() async throws {
    try await reporting {
      let operations = try OpenAPIDocument().operations.filter { $0.path.hasPrefix(Self.base) }
      guard let path else { return list(operations) }
      let segments = Self.segments(path)
      let there = operations.filter { Self.matches($0, segments) }
      guard let operation = there.first(where: { $0.method == method.uppercased() }) else {
        let methods = there.map(\.method).joined(separator: ", ")
        throw ValidationError(
          there.isEmpty
            ? "the API has no path \(path); plumb api lists those it has"
            : "\(path) has no \(method); it has \(methods)"
        )
      }
      let isRead = there.contains { $0.method == "GET" }
      // What is replaced may not be there yet.
      let match: APISketch.Match =
        !operation.needsMatch
        ? .none
        : isRead && operation.method != "PUT" ? .current(APISketch.path(segments)) : .any
      let sketch = try sketch(operation, segments, match)
      guard try await server.answers(ServerOptions.Context(format: format), { sketch }) else {
        throw ValidationError("name the server: --server URL, or PLUMB_SERVER")
      }
    }
  }

  private func list(_ operations: [APIOperation]) {
    let sorted = operations.sorted { ($0.path, $0.method) < ($1.path, $1.method) }
    for line in columns(sorted.map { [$0.method, Self.shown($0.path), $0.summary] }) { print(line) }
  }

  /// A path as it is given to this command.
  private static func shown(_ path: String) -> String { String(path.dropFirst(base.count)) }

  private static let base = "/api/v1"

  /// The parts of a path, without what it is below.
  private static func segments(_ path: String) -> [String] {
    let parts = path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    return parts.starts(with: ["api", "v1"]) ? Array(parts.dropFirst(2)) : parts
  }

  private static func matches(_ operation: APIOperation, _ segments: [String]) -> Bool {
    let parts = shown(operation.path).split(separator: "/")
    return parts.count == segments.count
      && zip(parts, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }

  private func sketch(
    _ operation: APIOperation,
    _ segments: [String],
    _ match: APISketch.Match
  ) throws -> APISketch {
    var sketch = APISketch(operation.method)
    sketch.path = APISketch.path(segments)
    let isList = operation.parameters.contains { $0.name == "cursor" }
    let known = operation.parameters.filter {
      $0.place == .query && !(isList && ["limit", "cursor"].contains($0.name))
    }.map(\.name)
    for text in parameters {
      let sides = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map(String.init)
      guard sides.count == 2, known.contains(sides[0]) else {
        throw ValidationError(
          "\"\(text)\" is no parameter of \(operation.method) \(Self.shown(operation.path)); "
            + (known.isEmpty
              ? "it has none" : "NAME=VALUE, of \(known.joined(separator: ", "))")
        )
      }
      sketch.query.append((sides[0], sides[1]))
    }
    try take(&sketch, operation)
    sketch.match = match
    // What is sent, or comes back, may be one.
    sketch.isSecret = operation.method != "GET"
    guard isList || limit == nil else {
      throw ValidationError("--limit is for lists, and \(path ?? "") answers none")
    }
    switch operation.answer {
    case .json where isList:
      sketch.answer = .page(APISketch.List(noun: "item", limit: limit))
    case .json:
      guard format == .text || format == .json else {
        throw ValidationError(
          "--format \(format.rawValue) is for lists, and \(path ?? "") answers none"
        )
      }
    case .bytes:
      sketch.answer = .file { try OutputFile.standardOutput.write($0) }
    case .events:
      throw ValidationError("\(path ?? "") tells events; plumb jobs watch follows them")
    }
    return try sketch.checked()
  }

  /// Takes the body that the operation is sent.
  private func take(_ sketch: inout APISketch, _ operation: APIOperation) throws {
    switch (body, operation.body, operation.bodyKind) {
    case (nil, nil, nil): break
    case (nil, _, _): throw ValidationError("\(operation.method) here takes a body: --body FILE")
    case (_, nil, nil): throw ValidationError("\(operation.method) here takes no body")
    case (let file?, _, nil):
      let bytes = try fileBytes(file)
      do { sketch.body = try JSONParser().parse(bytes) } catch {
        throw ValidationError("\(file == "-" ? "standard input" : file): \(error)")
      }
    case (let file?, _, "application/x-ndjson"): sketch.upload = file
    default:
      throw ValidationError("this command does not send \(operation.bodyKind ?? "")")
    }
  }
}
