import Foundation
import Insights
import JSON
import Model

/// What a run over flow logs came to.
struct Flowed {
  var findings: [Finding] = []
  var lines: [JSONValue] = []
  var faults: [String] = []
  var totals = FlowRun.Totals()

  /// The names of the kinds that were found, each once.
  var kinds: Set<String> { Set(findings.compactMap(\.note.name)) }

  /// The numbers of the first finding of a kind.
  func values(_ kind: String) -> JSONObject? {
    findings.first { $0.note.name == kind }?.evidence.values
  }
}

/// Runs over the bytes of one log.
func flows(
  _ log: Data,
  name: String = "log",
  _ change: (inout FlowRun.Options) throws -> Void = { _ in }
) async throws -> Flowed {
  let folder = try FlowScene.folder()
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appendingPathComponent(name)
  try log.write(to: file)
  return try await flows([LogInput(name: name, path: file.path)], change)
}

/// Runs over the text of one log.
func flows(
  _ text: String,
  _ change: (inout FlowRun.Options) throws -> Void = { _ in }
) async throws -> Flowed {
  try await flows(Data(text.utf8), change)
}

/// Runs over logs.
func flows(
  _ inputs: [LogInput],
  _ change: (inout FlowRun.Options) throws -> Void = { _ in }
) async throws -> Flowed {
  var options = FlowRun.Options(own: try OwnNetworks(OwnNetworks.privateNetworks))
  try change(&options)
  // Filled by one task after another, in this one.
  nonisolated(unsafe) var flowed = Flowed()
  let sinks = FlowRun.Sinks(
    finding: { unsafe flowed.findings.append($0) },
    lines: { bytes in
      for line in bytes.split(separator: 0x0A) {
        unsafe flowed.lines.append(try JSONParser().parse(line))
      }
    },
    fault: { unsafe flowed.faults.append("\($1): \($2)") }
  )
  let totals = try await FlowRun(options).run({ inputs }, to: sinks)
  unsafe flowed.totals = totals
  return unsafe flowed
}

/// The record of a log of one line, as OCSF.
func normalised(_ text: String) async throws -> [JSONValue] {
  let flowed = try await flows(text) { $0.purpose = .normalise }
  return flowed.lines
}

/// Makes flow logs of Amazon's form with the flags of TCP.
struct FlowScene {
  static let header =
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    + "end action log-status tcp-flags"
  /// A round hour.
  static let zero = 1_767_225_600
  private var lines: [(Int, String)] = []

  /// An empty folder.
  static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("plumb-flows-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// The lines in the order in which they were added.
  var text: String { ([Self.header] + lines.map(\.1)).joined(separator: "\n") + "\n" }

  /// The lines without a header.
  var body: [String] { lines.map(\.1) }

  /// Adds a connection at a second: the client's record and, where it is answered, the server's.
  mutating func connect(
    _ client: String,
    _ server: String,
    _ port: Int,
    at second: Int,
    from clientPort: Int = 0,
    sent: (packets: Int, bytes: Int) = (8, 900),
    received: (packets: Int, bytes: Int)? = (7, 5000),
    flags: Int = 3,
    transport: Int = 6
  ) {
    let clientPort = clientPort > 0 ? clientPort : 33_000 + (lines.count * 7 + second) % 30_000
    let start = Self.zero + second
    func add(
      _ from: String,
      _ to: String,
      _ ports: (Int, Int),
      _ volume: (packets: Int, bytes: Int),
      _ flags: Int
    ) {
      lines.append(
        (
          start,
          "2 123456789012 eni-1 \(from) \(to) \(ports.0) \(ports.1) \(transport) "
            + "\(volume.packets) \(volume.bytes) \(start) \(start + 5) ACCEPT OK \(flags)"
        )
      )
    }
    add(client, server, (clientPort, port), sent, transport == 6 ? flags : 0)
    if let received { add(server, client, (port, clientPort), received, transport == 6 ? 19 : 0) }
  }

  /// Adds connections of many clients to a web server that carry nothing, so many a second.
  mutating func flood(_ numbers: Range<Int>, aSecond rate: Int) {
    for number in numbers {
      connect(
        "203.0.113.\(number % 200)",
        "10.0.0.5",
        80,
        at: 60 + number / rate,
        from: 20_000 + number,
        sent: (4, 224),
        received: (3, 172)
      )
    }
  }

  /// Adds an attempt that was refused.
  mutating func refuse(_ client: String, _ server: String, _ port: Int, at second: Int) {
    let start = Self.zero + second
    lines.append(
      (
        start,
        "2 123456789012 eni-1 \(client) \(server) 51000 \(port) 6 1 44 \(start) \(start) REJECT OK 2"
      )
    )
  }

  /// Puts the lines in another order.
  mutating func reorder(_ body: (inout [String]) -> Void) {
    var texts = lines.map(\.1)
    body(&texts)
    lines = texts.map { (0, $0) }
  }
}
