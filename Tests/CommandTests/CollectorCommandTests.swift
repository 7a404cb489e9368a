import Foundation
import JSON
import TestSupport
import Testing

/// `plumb collector` against a server, through a proxy, with an account of moto.
struct CollectorCommandTests {
  /// Processes that end with the test.
  private final class Crew {
    private var processes: [Process] = []

    deinit { for process in processes { end(process) } }

    func end(_ process: Process) {
      guard process.isRunning else { return }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }

    func start(
      _ program: String,
      _ arguments: [String],
      log: URL,
      environment: [String: String] = [:]
    ) throws -> Process {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: program)
      process.arguments = arguments
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      // Several write to one log, each where it ends by then.
      let descriptor = unsafe open(log.path, O_WRONLY | O_CREAT | O_APPEND, 0o600)
      let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = file
      process.standardError = file
      try process.start()
      processes.append(process)
      return process
    }
  }

  /// Waits until something is so.
  private static func wait(
    _ comment: Comment,
    pause: Duration = .milliseconds(50),
    _ condition: () throws -> Bool
  ) async throws {
    #expect(try await eventually(pause: pause, condition), comment)
  }

  private static var plumb: String {
    get throws {
      let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return URL(fileURLWithPath: tests).deletingLastPathComponent()
        .appendingPathComponent("plumb").path
    }
  }

  /// A forward proxy; its address, once it answers.
  private static func proxy(_ crew: Crew, _ folder: URL) async throws -> String {
    for _ in 0..<20 {
      let port = Int.random(in: 20_000...60_000)
      let file = folder.appendingPathComponent("tinyproxy.conf")
      let settings = """
        Port \(port)
        Listen 127.0.0.1
        Allow 127.0.0.1
        Timeout 600
        LogLevel Info

        """
      try settings.write(to: file, atomically: true, encoding: .utf8)
      let log = folder.appendingPathComponent("proxy.log")
      let process = try crew.start("/usr/bin/tinyproxy", ["-d", "-c", file.path], log: log)
      try await wait("the proxy says nothing") {
        let text = try String(contentsOf: log, encoding: .utf8)
        return !process.isRunning || text.contains("Accepting connections")
      }
      if process.isRunning { return "http://127.0.0.1:\(port)" }
    }
    throw CocoaError(.featureUnsupported)
  }

  private static func collector(_ served: ServedStore) throws -> JSONValue {
    try served.remoteJSON(["collectors", "list"]).array?.first ?? .null
  }

  private static func size(_ path: String) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
  }

  @Test(.enabled(if: MotoServer.isExpected))
  func `a collector registers, waits, scans, survives kill -9, and a copy of it is stopped`()
    async throws
  {
    let moto = try MotoServer.required()
    try await ServedStore.with { served in
      let crew = Crew()
      let folder = served.folder.appendingPathComponent("plant").path
      let log = served.folder.appendingPathComponent("collector.log")
      var environment = [
        "http_proxy": try await Self.proxy(crew, served.folder), "no_proxy": "", "NO_PROXY": "",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
      ]
      let added = try CommandRun(
        [
          "credentials", "add", "audit", "--provider", "aws", "--access-key-id", "AKIATEST",
          "--account", MotoServer.account, "--region", "us-east-1", "--endpoint-url",
          moto.endpoint, "--data", folder,
        ],
        input: Data("s3cret/x\n".utf8)
      )
      #expect(added.exitCode == 0, "\(added.errors)")
      let code = try served.remote(["collectors", "code", "plant"])
      #expect(code.exitCode == 0, "\(code.errors)")
      environment["PLUMB_COLLECTOR_CODE"] = code.output.trimmingCharacters(in: .newlines)
      let arguments = [
        "collector", "--server", served.address, "--data", folder, "--interval", "0.2", "--piece",
        "500",
      ]
      func start(_ arguments: [String] = arguments) throws -> Process {
        try crew.start(Self.plumb, arguments, log: log, environment: environment)
      }
      let first = try start()
      try await Self.wait("it does not register") {
        try Self.collector(served)["last_contact"]?.string != nil
      }
      #expect(try Self.collector(served)["state"] == "requested")
      let early = try served.remote(["collectors", "scan", "plant", "audit"])
      #expect(early.exitCode == 2)
      #expect(early.errors.contains("requested"), "\(early.errors)")

      #expect(try served.remote(["collectors", "approve", "plant"]).exitCode == 0)
      let asked = try served.remote(["collectors", "scan", "plant", "audit"])
      #expect(asked.output == "job 1\n", "\(asked.errors)")
      let inventory = "\(folder)/jobs/1.ndjson"
      let part = served.folder.appendingPathComponent("data/spool/uploads/1.part").path
      try await Self.wait("nothing is uploaded", pause: .milliseconds(5)) { Self.size(part) > 0 }
      crew.end(first)
      let (whole, sent) = (Self.size(inventory), Self.size(part))
      #expect(sent > 0 && sent < whole, "\(sent) of \(whole) bytes were sent when it was killed")

      let second = try start(Array(arguments.prefix(1) + arguments.dropFirst(3)))
      try await Self.wait("the job is not done") {
        let job = try served.localJSON(["jobs", "show", "1"])
        return job["state"] == "done"
      }
      let scan = try served.remoteJSON(["scans", "list"]).array?.first
      #expect(scan?["status"] == "finished")
      #expect(scan?["account"]?.string == MotoServer.account)
      #expect(try served.remoteJSON(["results"]).array?.isEmpty == false)
      let proxied = try String(
        contentsOf: served.folder.appendingPathComponent("proxy.log"),
        encoding: .utf8
      )
      #expect(proxied.contains("/api/v1/collectors/1/uploads/1"))

      try await Self.wait("its files are left") { Self.size(inventory) == 0 }
      try FileManager.default.copyItem(atPath: folder, toPath: folder + "-copy")
      let copy = try start(["collector", "--data", folder + "-copy", "--interval", "0.2"])
      try await Self.wait("the copy is not noticed") {
        try Self.collector(served)["state"] == "stopped"
      }
      let said = try String(contentsOf: log, encoding: .utf8)
      #expect(second.isRunning && copy.isRunning, "\(said)")
      try await Self.wait("nobody says so") {
        try String(contentsOf: log, encoding: .utf8).components(separatedBy: "is stopped").count > 2
      }
    }
  }
}
