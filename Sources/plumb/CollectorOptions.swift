import ArgumentParser
import Collectors
import Model

/// What of a live account to read, and how hard; the same for every provider.
struct CollectorOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("Read only this region; may be repeated.", valueName: "name")
  )
  var region: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Read only this service, as kinds name it; may be repeated.",
      valueName: "name"
    )
  )
  var service: [String] = []

  @Option(
    name: .customLong("endpoint-url"),
    help: ArgumentHelp("Send every call to this address.", valueName: "url")
  )
  var endpointURL: String?

  @OptionGroup var authorities: AuthorityOptions

  @Option(
    name: .customLong("max-rps"),
    help: ArgumentHelp(
      "Calls per second at most, for each region and service.",
      valueName: "number"
    )
  )
  var maximumRate = 40.0

  @Option(name: .long, help: "Calls that may be under way at the same time.")
  var concurrency = 16

  @Option(name: .long, help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
  var timeout = 30.0

  @Flag(
    name: .long,
    help: "Only tell what could not be judged with these permissions, and how long a scan takes."
  )
  var preflight = false

  @Flag(name: .long, help: "With --save: do not go on with what an interrupted scan has read.")
  var fresh = false

  func validate() throws {
    guard maximumRate > 0 else { throw ValidationError("--max-rps expects a number above 0") }
    guard (1...256).contains(concurrency) else {
      throw ValidationError("--concurrency expects a number from 1 to 256")
    }
    guard timeout > 0 else { throw ValidationError("--timeout expects a number above 0") }
  }

  /// The regions that were asked for, and why no other is read; nil where none was named.
  var chosenRegions: (names: [String], gap: String)? {
    guard !region.isEmpty else { return nil }
    let names = Set(region).sorted()
    return (names, "nothing outside \(names.joined(separator: ", ")) was asked for")
  }

  /// The kinds to read: of the services that were asked for, and only those that are needed.
  func chosen(
    _ kinds: [APIKind],
    _ needs: [ResourceKind: Set<String>]?
  ) throws -> [APIKind] {
    let services = Set(kinds.map(\.kind.service))
    for name in service where !services.contains(name) {
      throw ValidationError(
        "--service \"\(name)\" is none of \(services.sorted().joined(separator: ", "))"
      )
    }
    return kinds.filter { kind in
      (service.isEmpty || service.contains(kind.kind.service))
        && (needs == nil || needs?[kind.kind] != nil)
    }
  }
}
