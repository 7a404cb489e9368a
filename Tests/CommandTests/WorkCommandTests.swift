import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// `plumb work`, `plumb jobs` and runs of attachments: scans that processes of their own make.
struct WorkCommandTests {
  /// A data folder with a credential, and an AWS that refuses everything but to say who asks.
  ///
  /// While it is held it says nothing at all, so that a scan can be met in the middle.
  private final class Scene: Sendable {
    let folder: URL
    private let server: ReplayServer
    private let isHeld: Flag

    private final class Flag: Sendable {
      let value = Mutex(false)
    }

    init() throws {
      folder = try Fixtures.temporaryFolder()
      let flag = Flag()
      isHeld = flag
      server = try ReplayServer { request in
        while flag.value.withLock({ $0 }) { Thread.sleep(forTimeInterval: 0.01) }
        return Scene.answer(request)
      }
      try write("profile.yaml", Self.profile)
      #expect(
        try plumb(Self.credential + ["--endpoint-url", server.url], "s3cret/x\n").exitCode == 0
      )
      let attached = try plumb([
        "attach", folder.appendingPathComponent("profile.yaml").path, "all",
      ])
      #expect(attached.exitCode == 0, "\(attached.errors)")
    }

    deinit {
      hold(false)
      server.stop()
      Fixtures.remove(folder)
    }

    private static let credential = [
      "credentials", "add", "audit", "--provider", "aws", "--access-key-id", "AKIATEST",
      "--account",
      MotoServer.account, "--region", "us-east-1",
    ]
    private static let profile = """
      id: house
      version: "1"
      effective_date: 2026-01-01
      title: House
      controls:
        - { id: "1", title: Buckets ask for TLS, goals: [aws.s3.tls-only] }
      """

    private func write(_ name: String, _ text: String) throws {
      try text.write(to: folder.appendingPathComponent(name), atomically: true, encoding: .utf8)
    }

    func hold(_ isHeld: Bool) { self.isHeld.value.withLock { $0 = isHeld } }

    /// How many calls were made.
    var calls: Int { server.requests.count }

    private var environment: [String: String] {
      [
        "no_proxy": "*", "PLUMB_DATA": folder.path, "PLUMB_VAULT_KEY": "", "PLUMB_ACTOR": "ann",
        "PLUMB_STATE": folder.appendingPathComponent("state").path,
        // A scan with a credential signs in with nothing else.
        "AWS_ACCESS_KEY_ID": "", "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
      ]
    }

    func plumb(_ arguments: [String], _ input: String = "") throws -> CommandRun {
      try CommandRun(arguments, input: Data(input.utf8), environment: environment)
    }

    /// A worker that runs until it is stopped.
    func worker(_ arguments: String...) throws -> Process {
      let process = Process()
      let binary = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      process.executableURL = URL(fileURLWithPath: binary).deletingLastPathComponent()
        .appendingPathComponent("plumb")
      process.arguments = ["work", "--back-off", "0"] + arguments
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.start()
      return process
    }

    func job(_ number: Int = 1) throws -> JSONValue {
      let run = try plumb(["jobs", "show", "\(number)", "--format", "json"])
      #expect(run.exitCode == 0, "\(run.errors)")
      return try JSONParser().parse(Array(run.output.utf8))
    }

    /// Waits until something is so, for as long as a machine may need that does much else.
    func wait(_ comment: Comment, _ condition: () throws -> Bool) throws {
      for _ in 0..<3600 {
        if try condition() { return }
        Thread.sleep(forTimeInterval: 0.05)
      }
      Issue.record(comment)
    }

    /// The processes that a process started and that live.
    static func children(of parent: Int32) -> [Int32] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return names.compactMap { Int32($0) }.filter { number in
        let stat = (try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)) ?? ""
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return fields.count > 2 && fields[2] == "\(parent)" && fields[1] != "Z"
      }
    }

    /// Whether a process lives.
    static func lives(_ number: Int32) -> Bool {
      let stat = try? String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)
      return stat.map { !$0.contains(") Z ") } ?? false
    }

    private static func answer(_ request: ReplayServer.Request) -> ReplayServer.Answer {
      let isIdentity = String(decoding: request.body, as: UTF8.self)
        .contains("Action=GetCallerIdentity")
      let text =
        isIdentity
        ? """
        <GetCallerIdentityResponse><GetCallerIdentityResult>\
        <Arn>arn:aws:iam::123456789012:user/audit</Arn><UserId>U</UserId>\
        <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>
        """
        : "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
      let type = [("Content-Type", "text/xml")]
      return ReplayServer.Answer(isIdentity ? 200 : 403, headers: type, body: Array(text.utf8))
    }
  }

  /// Stops a worker as a service manager does.
  private func stop(_ worker: Process) {
    kill(worker.processIdentifier, SIGTERM)
    worker.waitUntilExit()
  }

  @Test func `what is asked for is scanned, kept and told of`() throws {
    let scene = try Scene()
    let run = try scene.plumb(["attachments", "run", "1", "--format", "json"])
    #expect(run.exitCode == 0, "\(run.errors)")
    let asked = try JSONParser().parse(Array(run.output.utf8))
    #expect(asked["run"] == 1 && asked["jobs"]?.array?.first?["new"] == true)
    let again = try scene.plumb(["attachments", "run", "1"])
    #expect(again.output.contains("job 1 of aws account 123456789012, which was open already"))
    let waiting = try scene.job()
    #expect(waiting["state"] == "waiting" && waiting["created_by"] == "ann")
    let worker = try scene.worker()
    try scene.wait("the job was not done") { try scene.job()["state"] == "done" }
    stop(worker)
    #expect(worker.terminationReason == .exit && worker.terminationStatus == 0)
    let done = try scene.job()
    #expect(done["scan"] == 1 && done["attempts"] == 1)
    #expect(done["progress"]?["phase"] == "kept" && (done["progress"]?["calls"]?.whole ?? 0) > 0)
    let scans = try scene.plumb(["scans", "list"])
    #expect(scans.output.contains("1  finished"), "\(scans.output)")
    let shown = try scene.plumb(["scans", "show", "1"])
    #expect(shown.output.contains("by worker/job-1"))
    let list = try scene.plumb(["jobs", "list", "--run", "2", "--state", "done"])
    #expect(list.output.contains("aws account 123456789012") && list.output.contains("scan 1"))
  }

  @Test func `a worker that is killed leaves its job to another, and no process`() throws {
    let scene = try Scene()
    scene.hold(true)
    #expect(try scene.plumb(["attachments", "run", "1"]).exitCode == 0)
    let first = try scene.worker("--lease", "3600")
    try scene.wait("the scan did not begin") { scene.calls > 0 }
    let children = Scene.children(of: first.processIdentifier)
    #expect(children.count == 1)
    kill(first.processIdentifier, SIGKILL)
    first.waitUntilExit()
    try scene.wait("the scan goes on without its worker") { !children.contains(where: Scene.lives) }
    #expect(try scene.job()["state"] == "leased")
    scene.hold(false)
    // The lease has an hour to go: that its owner is no more is seen.
    let second = try scene.worker()
    try scene.wait("nobody did the job") { try scene.job()["state"] == "done" }
    stop(second)
    #expect(try scene.job()["attempts"] == 2)
  }

  @Test func `a worker that is to stop ends its scan and gives the job back`() throws {
    let scene = try Scene()
    scene.hold(true)
    #expect(try scene.plumb(["attachments", "run", "1"]).exitCode == 0)
    let worker = try scene.worker()
    try scene.wait("the scan did not begin") { scene.calls > 0 }
    let children = Scene.children(of: worker.processIdentifier)
    stop(worker)
    #expect(worker.terminationReason == .exit && worker.terminationStatus == 0)
    #expect(!children.contains(where: Scene.lives))
    let job = try scene.job()
    #expect(job["state"] == "waiting" && job["attempts"] == 0 && job["owner"] == .null)
  }

  @Test func `a job that is cancelled ends, and can be tried again`() throws {
    let scene = try Scene()
    scene.hold(true)
    #expect(try scene.plumb(["attachments", "run", "1"]).exitCode == 0)
    let worker = try scene.worker("--lease", "3")
    try scene.wait("the scan did not begin") { scene.calls > 0 }
    let children = Scene.children(of: worker.processIdentifier)
    #expect(try scene.plumb(["jobs", "cancel", "1"]).exitCode == 0)
    try scene.wait("the scan goes on") { !children.contains(where: Scene.lives) }
    #expect(try scene.job()["reason"] == "cancelled by ann")
    #expect(try scene.plumb(["jobs", "cancel", "1"]).exitCode == 2)
    scene.hold(false)
    #expect(try scene.plumb(["jobs", "retry", "1"]).exitCode == 0)
    try scene.wait("the job was not done") { try scene.job()["state"] == "done" }
    stop(worker)
  }

  @Test func `what fails each time is set aside with the scan's own words`() throws {
    let scene = try Scene()
    #expect(
      try scene.plumb(
        [
          "credentials", "add", "down", "--provider", "aws", "--access-key-id", "AKIADOWN",
          "--account", "210987654321", "--endpoint-url", "http://127.0.0.1:1", "--region",
          "us-east-1",
        ],
        "s3cret/y\n"
      ).exitCode == 0
    )
    #expect(try scene.plumb(["attachments", "run", "1"]).exitCode == 0)
    let worker = try scene.worker()
    try scene.wait("the jobs did not end") {
      try ["done", "set_aside"] == [scene.job(1), scene.job(2)].map { $0["state"]?.string }
    }
    stop(worker)
    let poison = try scene.job(2)
    #expect(poison["attempts"] == 3 && poison["account"] == "210987654321")
    let reason = poison["reason"]?.string ?? ""
    #expect(reason.contains("127.0.0.1:1 cannot be reached"), "\(reason)")
    #expect(!reason.contains("s3cret"))
    let list = try scene.plumb(["jobs", "list", "--state", "set_aside"])
    #expect(list.output.contains("cannot be reached") && list.output.contains("1 job\n"))
    // What was revoked is not even tried again.
    #expect(try scene.plumb(["credentials", "revoke", "down"]).exitCode == 0)
    #expect(try scene.plumb(["jobs", "retry", "2"]).exitCode == 0)
    let other = try scene.worker()
    try scene.wait("the job did not end") { try scene.job(2)["state"] == "failed" }
    stop(other)
    #expect(try scene.job(2)["attempts"] == 1)
  }

  @Test func `what was missed is caught up once, and schedules are paused and resumed`() throws {
    let scene = try Scene()
    let profile = scene.folder.appendingPathComponent("profile.yaml").path
    let attached = try scene.plumb(
      [
        "attach", profile, "all", "--every", "1d at 02:00 Europe/Zurich", "--now",
        "2026-01-01T00:00:00Z",
      ]
    )
    #expect(
      attached.output.contains("attachment 2: house 1 on all, every 1d at 02:00 Europe/Zurich"),
      "\(attached.errors)"
    )
    let worker = try scene.worker("--schedules")
    try scene.wait("the job was not done") {
      try scene.plumb(["jobs", "list", "--state", "done"]).output.hasSuffix("1 job\n")
    }
    stop(worker)
    #expect(try scene.job()["created_by"] == "scheduler")
    #expect(try scene.plumb(["jobs", "list"]).output.hasSuffix("1 job\n"))
    func list() throws -> String { try scene.plumb(["attachments", "list"]).output }
    #expect(try list().contains("Europe/Zurich, next 2"))
    #expect(try scene.plumb(["attachments", "pause", "2"]).exitCode == 0)
    #expect(try scene.plumb(["attachments", "pause", "2"]).exitCode == 2)
    #expect(try list().contains("Europe/Zurich, paused"))
    let resumed = try scene.plumb(["attachments", "resume", "2"])
    #expect(resumed.output.contains("attachment 2 goes on, next at "), "\(resumed.errors)")
    #expect(try list().contains("Europe/Zurich, next 2"))
    #expect(try scene.plumb(["attachments", "pause", "9"]).errors.contains("no attachment \"9\""))
  }

  @Test(arguments: [
    ("1w", "a schedule is a number of minutes"), ("1d at 02:00 Mars", "is no time zone"),
    ("90m at 02:00 UTC", "goes with whole days"),
  ])
  func `wrong schedules are refused`(schedule: String, message: String) throws {
    let run = try CommandRun(["attach", "best-practices", "all", "--every", schedule])
    #expect(run.exitCode == 2)
    #expect(run.errors.contains(message), "\(run.errors)")
  }
}
