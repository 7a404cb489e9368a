import ArgumentParser
import Foundation
import HTTP
import JSON
import Model
import Operations
import Store

struct CollectorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collector",
    abstract: "Collects for a server from where this runs, asking it outwards what to do.",
    discussion: """
      It registers once with a code (plumb collectors code) and works when somebody has approved it.
      Its folder holds its key and, with plumb credentials add --data FOLDER, those of accounts, which
      never leave it. Proxies are taken from http_proxy, https_proxy and no_proxy. docs/collectors-remote.md
      has the systemd unit and the protocol.

      Examples:
        plumb collector --server https://plumb.example.com --code CODE --data /var/lib/plumb-collector
        plumb collector --data /var/lib/plumb-collector
        plumb collector --data /var/lib/plumb-collector --surroundings aws
      """
  )

  @Option(
    name: .long,
    help: ArgumentHelp("The server; needed once, to register.", valueName: "url")
  )
  var server: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The code to register with; default: PLUMB_COLLECTOR_CODE, which others cannot see.",
      valueName: "code"
    )
  )
  var code: String?

  @Option(
    name: .customLong("data"),
    help: ArgumentHelp("The collector's folder.", valueName: "folder")
  )
  var folder: String

  @OptionGroup var authorities: AuthorityOptions

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Offer to sign in as this machine does, such as by its instance role.",
      valueName: "aws|ibm"
    )
  )
  var surroundings: LiveCollector?

  @Option(name: .long, help: "How many jobs are done at the same time.")
  var jobs = 1

  @Flag(name: .long, help: "End when there is nothing to do.")
  var once = false

  @Flag(
    name: .customLong("insecure-http"),
    help: "Allow a server without TLS: others can read along."
  )
  var allowsPlain = false

  /// Seconds between polls, instead of what the server says.
  @Option(name: .long, help: .hidden)
  var interval: Double?

  /// How many bytes a piece of an inventory has.
  @Option(name: .long, help: .hidden)
  var piece = 4 << 20

  func validate() throws {
    guard (1...64).contains(jobs) else {
      throw ValidationError("--jobs expects a number from 1 to 64")
    }
    guard interval ?? 1 > 0 else { throw ValidationError("--interval expects seconds") }
    guard !folder.contains("://"), !folder.isEmpty else {
      throw ValidationError("--data expects a folder")
    }
  }

  func run() async throws {
    try await reporting {
      let folder = try CollectorFolder(folder)
      let known = try folder.standing()
      let address = try address(known)
      if let bundle = authorities.bundle { _ = try textFile(bundle) }
      var link = CollectorLink(
        server: address,
        key: try folder.key(),
        client: try CurlClient(authorities: authorities.bundle, connections: 4)
      )
      let standing: CollectorFolder.Standing
      if let known { standing = known } else { standing = try await register(link, folder) }
      link.collector = "\(standing.id)"
      let loop = CollectorLoop(folder, link, standing, settings)
      let signals = StopSignals()
      let task = Task { try await loop.run() }
      let watch = Task {
        await signals.wait()
        task.cancel()
      }
      defer { watch.cancel() }
      do {
        try await task.value
      } catch is CancellationError {
      }
    }
  }

  private func address(_ known: CollectorFolder.Standing?) throws -> String {
    guard let named = server ?? known?.server else {
      throw ValidationError("--server is missing: the collector is not registered yet")
    }
    let address = try ServerAddress(named, source: "--server")
    guard address.isGuarded || allowsPlain else {
      throw ValidationError(
        "\(address.text) is without TLS: others on the way can read inventories; use https"
      )
    }
    return address.text
  }

  private func register(
    _ link: CollectorLink,
    _ folder: CollectorFolder
  ) async throws -> CollectorFolder.Standing {
    let named = ProcessInfo.processInfo.environment["PLUMB_COLLECTOR_CODE"] ?? ""
    guard let code = code ?? (named.isEmpty ? nil : named) else {
      throw ValidationError("--code is missing; plumb collectors code NAME on the server makes one")
    }
    let made = try await link.send(
      "POST",
      "/collectors",
      [
        "code": .string(code), "public_key": .string(link.key.publicKey.text),
        "host": .string(ProcessInfo.processInfo.hostName),
        "version": .string(Plumb.configuration.version),
      ]
    )
    guard case .integer(let id)? = made["id"] else {
      throw ServerError(description: "\(link.server) is no plumb serve; check --server")
    }
    let standing = CollectorFolder.Standing(
      server: link.server,
      id: id,
      name: made["name"]?.string ?? "\(id)"
    )
    try folder.keep(standing)
    let digest = Digest.sha256(Array(link.key.publicKey.text.utf8))
    tell("collector \(standing.name) is registered; the SHA-256 of its key is \(digest)")
    return standing
  }

  private var settings: CollectorSettings {
    let (folder, surroundings) = (folder, surroundings)
    return CollectorSettings(
      interval: interval.map { .seconds($0) },
      pause: interval.map { .seconds($0) } ?? .seconds(15),
      piece: piece,
      jobs: jobs,
      isOnce: once
    ) {
      var held = await Self.credentials(in: folder)
      if let surroundings {
        held.append(
          [
            "name": .string(CollectorJob.surroundings),
            "provider": .string(surroundings.rawValue), "account": "",
          ]
        )
      }
      return held
    }
  }

  /// The credentials that a folder holds, without their secrets; none where it cannot be read.
  private static func credentials(in folder: String) async -> [JSONValue] {
    guard FileManager.default.fileExists(atPath: "\(folder)/plumb.sqlite"),
      let options = try? StoreOptions.parse(["--data", folder]),
      let store = try? await options.openForReading(),
      let found = try? await store.read({ try $0.credentials() })
    else { return [] }
    await store.database.close()
    return found.filter { $0.revokedAt == nil && $0.name != CollectorJob.surroundings }.map {
      [
        "name": .string($0.name), "provider": .string($0.provider),
        "account": .string($0.details["account"]?.string ?? ""),
      ]
    }
  }
}
