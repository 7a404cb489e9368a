import ArgumentParser
import Collectors
import Content
import Engine
import Foundation
import HTTP
import Hummingbird
import JSON
import Logging
import Model
import NIOSSL
import Operations
import Store
import Synchronization
import UnixSignals
import Vault
import Web

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves the dashboard and the API and does what is due, until it is told to stop.",
    discussion: """
      Everything is kept where --data says: with a folder nothing else is needed, with PostgreSQL
      several servers share the work. On the first start it makes an administrator and prints a code
      by which that one signs in once, within an hour.

      Examples:
        plumb serve
        plumb serve --data postgres://plumb@db.example.com/plumb --host 0.0.0.0 --port 8443 \\
          --tls-certificate chain.pem --tls-key key.pem
      """
  )

  @OptionGroup var store: StoreOptions
  @OptionGroup var key: KeyOptions
  @OptionGroup var content: ContentOptions

  @Option(name: .long, help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(name: .long, help: "The port to listen on; 0 for a free one.")
  var port = 8080

  @Option(
    name: .long,
    help: ArgumentHelp("Serve over TLS with this certificate chain, PEM.", valueName: "file")
  )
  var tlsCertificate: String?

  @Option(name: .long, help: ArgumentHelp("The certificate's key, PEM.", valueName: "file"))
  var tlsKey: String?

  @Flag(name: .long, help: "Something before the server ends TLS: cookies are for TLS only.")
  var behindTLS = false

  @Option(
    name: .customLong("trusted-proxy"),
    help: ArgumentHelp(
      "A proxy before the server whose X-Forwarded-For is believed; may be repeated.",
      valueName: "address-or-network"
    ),
    transform: { text in
      guard let network = IPNetwork(text) else {
        throw ValidationError("expected an address or network such as 10.0.0.0/8, not \"\(text)\"")
      }
      return network
    }
  )
  var trustedProxies: [IPNetwork] = []

  @Option(
    name: .long,
    help: "Requests a second and caller, in bursts of four times as many; 0 for no limit."
  )
  var requestsPerSecond = 50.0

  @Option(
    name: .long,
    help:
      "Requests for decisions a second and key, in bursts of four times as many; 0 for no limit."
  )
  var decisionsPerSecond = 5000.0

  @Flag(name: .long, help: "Tell /metrics to everybody who can reach the server.")
  var openMetrics = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The folder of the libraries that make the dashboard handier; default: PLUMB_ASSETS, else the "
        + "installed one. Without them it works too.",
      valueName: "folder"
    )
  )
  var assets: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where runs of Terraform come from that ask as run tasks.",
      valueName: "url"
    )
  )
  var terraform = "https://app.terraform.io"

  @OptionGroup var openID: OpenIDOptions
  @OptionGroup var work: WorkOptions

  @Flag(name: .long, help: "Only answer: plumb work does the jobs, and begins what is due.")
  var noWork = false

  func validate() throws {
    guard (tlsCertificate == nil) == (tlsKey == nil) else {
      throw ValidationError("--tls-certificate and --tls-key need each other")
    }
    guard (0...65_535).contains(port) else { throw ValidationError("--port \(port) is no port") }
    _ = try ServerAddress(terraform, source: "--terraform")
    guard requestsPerSecond >= 0 else {
      throw ValidationError("--requests-per-second must not be negative")
    }
    guard decisionsPerSecond >= 0 else {
      throw ValidationError("--decisions-per-second must not be negative")
    }
  }

  func run() async throws {
    try await reporting {
      let data = try await store.open()
      let lock =
        try store.isPostgres
        ? nil
        : LockFile("\(store.place)/serve.lock") {
          InputError.unreadable(
            store.place,
            reason:
              "another plumb serve works with it; several need PostgreSQL, --data postgres://…"
          )
        }
      defer { lock?.release() }
      let library = try content.library()
      let shelf = ServedContent(
        rules: try library.rules(),
        profiles: try library.profiles(),
        stamp: try library.stamp()
      )
      var composed = Services(
        store: data,
        content: { shelf },
        keeper: CredentialKeeper(data, try key.place(store).place),
        clock: timeOfDay,
        random: { try AESGCM.random($0) },
        judge: { [store, content] in
          try await InventoryJudging(store: data, options: store, content: content).run($0, $1)
        },
        test: { [key, store] record in
          var authorities = AuthorityOptions()
          authorities.bundle = nil
          let keeper = CredentialKeeper(data, try key.place(store).place)
          return try await authorities.test(try await keeper.opened(record), within: 60)
        },
        explain: { $0 is GoalError || $0 is ContentError ? "\($0)" : nil }
      )
      composed.providers = ScanProcess.providers
      composed.sender = try work.reach.sender()
      composed.version = Plumb.configuration.version
      let facts = try library.access()
      composed.access = { facts }
      let properties = try library.properties()
      composed.properties = { properties }
      composed.guards = GuardKeeper(
        data,
        alarm: { Logger(label: "plumb").critical("guardrails", metadata: ["alarm": "\($0)"]) },
        content: { (shelf.rules, shelf.profiles) }
      )
      composed.signature = { KeyedDigest.sha512(key: $0, $1) }
      composed.terraform = terraform
      let runner = RunTaskRunner(
        store: data,
        guards: composed.guards,
        client: try CurlClient(limit: TerraformCollector.sizeLimit),
        mappings: try library.nodes("terraform").map(TerraformMapping.init)
      )
      composed.runTask = { await runner.run($0, $1) }
      composed.parts = { KubernetesRequest.parts(of: $0, cluster: $1) }
      composed.uploadFolder = store.spoolFolder + "/uploads"
      let services = composed
      LoggingSystem.bootstrap { JSONLines(label: $0) }
      var logger = Logger(label: "plumb")
      logger.logLevel = .info
      var settings = ServerSettings(
        host: host,
        port: port,
        tls: try tls(),
        isBehindTLS: behindTLS,
        requestsPerSecond: requestsPerSecond,
        decisionsPerSecond: decisionsPerSecond,
        hasOpenMetrics: openMetrics
      )
      settings.proxies = TrustedProxies(trustedProxies)
      settings.openID = try openID.provider()
      settings.assets = Assets(folder: assets ?? Assets.located())
      let (host, scheme) = (host, settings.tls == nil ? "http" : "https")
      let isListening = Mutex(false)
      let application = try WebServer(services, settings, logger: logger).application { port in
        isListening.withLock { $0 = true }
        let address = "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        var text = "plumb serves \(address)\n"
        if let code = try? await FirstStart.code(data, services.random) {
          text += "the first sign-in, within an hour, with the code \(code)\n"
          text += "or by opening \(address)/?code=\(code.asQueryValue)\n"
        }
        FileHandle.standardOutput.write(Data(text.utf8))
      }
      let (place, key, work, isWorking, port) = (store, key, work, !noWork, port)
      let working = Task {
        let health = { @Sendable in OperationsWatch.Health(services.guards) }
        if isWorking { await runWork(data, at: place, key: key, work, health: health) }
      }
      let counting = Task { await services.keepCounted() }
      defer {
        working.cancel()
        counting.cancel()
      }
      do {
        try await application.runService(gracefulShutdownSignals: [.sigterm, .sigint])
      } catch let error where !isListening.withLock({ $0 }) {
        throw ValidationError(
          "cannot listen at \(host), port \(port): \(error); --host and --port name another place"
        )
      }
      logger.info("stopped")
      working.cancel()
      await working.value
      let lost = await services.guards.log.flush()
      if lost > 0 { complain("\(lost) decisions were not logged: the database takes none") }
    }
  }

  private func tls() throws -> TLSConfiguration? {
    guard let tlsCertificate, let tlsKey else { return nil }
    do {
      let chain = try NIOSSLCertificate.fromPEMFile(tlsCertificate)
      let key = try NIOSSLPrivateKey(file: tlsKey, format: .pem)
      return .makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) },
        privateKey: .privateKey(key)
      )
    } catch {
      throw ValidationError(
        "--tls-certificate \(tlsCertificate), --tls-key \(tlsKey): \(error); expected PEM files"
      )
    }
  }
}

extension String {
  /// The text as a value of a query.
  fileprivate var asQueryValue: String {
    let plain = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_.~"))
    return addingPercentEncoding(withAllowedCharacters: plain) ?? ""
  }
}

/// Judges and keeps inventories that are sent to a server.
struct InventoryJudging: Sendable {
  let store: DataStore
  let options: StoreOptions
  let content: ContentOptions

  /// Spools what comes, begins a scan of it and does it to its end; returns its number.
  func run(_ inventory: InventoryUpload, _ body: UploadBody) async throws -> Int64 {
    let keeper = ScanKeeper(store: store, options: options, actor: inventory.actor)
    let goals = try GoalOptions.parse([])
    let choice = try goals.choose(
      attached: try await keeper.attached(at: inventory.at),
      library: try content.library()
    )
    let path = try await keeper.spoolFile()
    do {
      let spool = try SpoolWriter(path)
      try await body.forEach { try spool.append($0) }
      try spool.finish()
    } catch {
      try? FileManager.default.removeItem(atPath: path)
      throw error
    }
    let number = try await keeper.begin(
      choice,
      goals,
      inventory: path,
      isSpool: true,
      subject: inventory.subject,
      account: inventory.account,
      isOpen: false,
      isComplete: inventory.isComplete,
      endsMissing: inventory.isComplete,
      instant: inventory.at
    )
    _ = try await keeper.run(number, choice)
    return number
  }
}

/// The log as JSON, an entry a line, on standard error.
struct JSONLines: LogHandler {
  let label: String
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var object: JSONObject = [
      "at": .string("\(timeOfDay())"), "level": .string(event.level.rawValue),
      "event": .string("\(event.message)"),
    ]
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) {
      object[key == "hb.request.id" ? "request" : key] = .string("\(value)")
    }
    FileHandle.standardError.write(Data((JSONValue.object(object).text + "\n").utf8))
  }
}
